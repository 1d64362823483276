//! The provider's step, and what anyone checks of it.

use std::iter::repeat;

use ark_ed_on_bls12_381::EdwardsAffine;
use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;

use super::dleq::{self, Proof, Statement};
use super::key::{ListKey, PublicKey};
use crate::curve::scalar::EIGHTH;
use crate::curve::{Point, constant_time};
use crate::scope::{ListId, TagEpoch};

/// Calls of one batch at most. A transaction that settles it then stays below 200 KB, and a
/// validator spends about 10 ms on its proof.
pub const MAX_BATCH: usize = 1000;

/// Points that share an inversion, and one step of a thread's work.
const CHUNK: usize = 64;

/// What an evaluation is bound to; an answer to one request proves nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EvaluationContext {
    /// The ledger.
    pub chain_id: [u8; 32],
    /// The session that pays.
    pub session: u64,
    /// The batch's number within the session.
    pub sequence: u64,
    /// The list that is asked.
    pub list: ListId,
    /// The epoch whose key answers.
    pub tag_epoch: TagEpoch,
}

/// Why a batch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The querier is at fault.
    #[error("the querier's batch has no calls")]
    Empty,
    /// The querier is at fault.
    #[error("the querier's batch has {calls} calls, more than {MAX_BATCH}")]
    TooLong {
        /// Calls in the batch.
        calls: usize,
    },
    /// The provider is at fault.
    #[error("the provider answered {evaluated} of {blinded} calls")]
    LengthMismatch {
        /// Points that were sent.
        blinded: usize,
        /// Points that came back.
        evaluated: usize,
    },
    /// The provider is at fault: some answer is not made with the key of this list and epoch, or
    /// the proof is for another batch.
    #[error("the provider's proof does not hold for this key, batch and context")]
    WrongProof,
}

/// Answers `Zᵢ = k·Bᵢ` with a proof over the batch. Constant time in the key; on all cores.
///
/// # Errors
/// [`EvaluationError::Empty`] or [`EvaluationError::TooLong`].
pub fn evaluate<R: RngCore + CryptoRng>(
    key: &ListKey,
    context: &EvaluationContext,
    blinded: &[Point],
    rng: &mut R,
) -> Result<(Vec<Point>, Proof), EvaluationError> {
    check_length(blinded)?;
    let scalar = key.scalar() * *EIGHTH;
    let eighths: Vec<EdwardsAffine> = blinded
        .par_chunks(CHUNK)
        .flat_map_iter(|points| {
            let points: Vec<_> = points.iter().map(|point| *point.affine()).collect();
            constant_time::multiply_each(repeat(&scalar), &points)
        })
        .collect();
    // k is not 0 and no B is the identity, so no Z is.
    let evaluated = Point::from_eighths(&eighths).map_err(|_| EvaluationError::WrongProof)?;
    let statement = Statement {
        key: &key.public(),
        context,
        blinded,
        evaluated: &evaluated,
    };
    let proof = dleq::prove(&statement, key, rng);
    Ok((evaluated, proof))
}

/// Checks that `key` answered every call of the batch. In variable time: all inputs are public.
///
/// # Errors
/// [`EvaluationError`], the first that applies in the order of its variants.
pub fn verify(
    key: &PublicKey,
    context: &EvaluationContext,
    blinded: &[Point],
    evaluated: &[Point],
    proof: &Proof,
) -> Result<(), EvaluationError> {
    check_length(blinded)?;
    if blinded.len() != evaluated.len() {
        return Err(EvaluationError::LengthMismatch {
            blinded: blinded.len(),
            evaluated: evaluated.len(),
        });
    }
    let statement = Statement {
        key,
        context,
        blinded,
        evaluated,
    };
    if dleq::verify(&statement, proof) {
        Ok(())
    } else {
        Err(EvaluationError::WrongProof)
    }
}

fn check_length(blinded: &[Point]) -> Result<(), EvaluationError> {
    match blinded.len() {
        0 => Err(EvaluationError::Empty),
        1..=MAX_BATCH => Ok(()),
        calls => Err(EvaluationError::TooLong { calls }),
    }
}
