//! Proves that one key answered every call of a batch: for each pair, `Zᵢ = k·Bᵢ` with the `k` of
//! `K = k·G`.
//!
//! # Relation
//! Public: `K`, the pairs `(Bᵢ, Zᵢ)`, the [`EvaluationContext`]. Secret: `k`.
//! 1. `K = k·G`
//! 2. `Zᵢ = k·Bᵢ` for every i
//!
//! # What it does not prove
//! That `Bᵢ` is made from an identifier, or who made it; nor that `K` is the key that the ledger
//! registered for this list and epoch: the verifier brings that `K`.
//!
//! # Transcript
//! [`DLEQ_PROTOCOL`](super::labels), chain id, session, sequence, list, tag epoch, `G`, `K`, the
//! number of pairs, all `B`, all `Z`; drawn: one weight of 128 bits per pair; absorbed:
//! `M = Σ wᵢBᵢ`, `N = Σ wᵢZᵢ`, `R1 = t·G`, `R2 = t·M`; drawn: the challenge `c`. The response is
//! `s = t − c·k`.
//!
//! # Cost
//! 64 bytes whatever the size of the batch. Proving: one sum over the `B` and three constant-time
//! multiplications. Verifying: two sums and two double multiplications, in variable time, of public
//! values only. Times: `evaluate/…` and `verify/…` in `benches/circuits`.
//!
//! # Source
//! Chaum–Pedersen, batched as in RFC 9497 § 2.2. Deviations: the weights have 128 bits and are drawn
//! from one transcript over the whole batch (soundness error 2^-128) where the RFC hashes each pair
//! into a full scalar; the context is bound; the nonce is hedged.

use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use std::io::{self, Read, Write};

use ark_ed_on_bls12_381::EdwardsAffine;
use borsh::{BorshDeserialize, BorshSerialize};

use super::evaluate::EvaluationContext;
use super::key::{ListKey, PublicKey};
use super::labels::{self, TranscriptProtocol};
use crate::curve::scalar::{self, SCALAR_BYTES, Scalar};
use crate::curve::{Point, constant_time, encode_affine, vartime};

/// Bytes of a proof: the challenge, then the response.
pub const DLEQ_PROOF_BYTES: usize = 2 * SCALAR_BYTES;

/// That `evaluated[i] = k·blinded[i]` for the `k` of `key`. The slices are of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement<'a> {
    pub(super) key: &'a PublicKey,
    pub(super) context: &'a EvaluationContext,
    pub(super) blinded: &'a [Point],
    pub(super) evaluated: &'a [Point],
}

/// `k`.
pub(super) type Witness = ListKey;

/// The proof over a batch: challenge and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    challenge: Scalar,
    response: Scalar,
}

/// Bytes that are no proof. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a proof's scalars must be below the order of the group")]
pub struct ProofNotCanonical;

impl Proof {
    /// Challenge then response, each canonical and little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; DLEQ_PROOF_BYTES] {
        encode_scalars(&self.challenge, &self.response)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`ProofNotCanonical`] where a scalar is at or above ℓ.
    pub fn from_bytes(bytes: &[u8; DLEQ_PROOF_BYTES]) -> Result<Self, ProofNotCanonical> {
        let (challenge, response) = decode_scalars(bytes)?;
        Ok(Self {
            challenge,
            response,
        })
    }
}

impl BorshSerialize for Proof {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&self.to_bytes())
    }
}

impl BorshDeserialize for Proof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = <[u8; DLEQ_PROOF_BYTES]>::deserialize_reader(reader)?;
        Self::from_bytes(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl Statement<'_> {
    /// The relation itself, in constant time.
    #[cfg(test)]
    pub(super) fn check(&self, witness: &Witness) -> bool {
        let k = witness.scalar();
        let times_k = |point: &Point| constant_time::multiply(&k, point.affine());
        times_k(&Point::generator()) == *self.key.point().affine()
            && self.blinded.len() == self.evaluated.len()
            && self
                .blinded
                .iter()
                .zip(self.evaluated)
                .all(|(b, z)| times_k(b) == *z.affine())
    }

    /// The transcript up to the weights, which are drawn here.
    fn transcript(&self) -> (Transcript, Vec<u128>) {
        let mut transcript = Transcript::new(labels::DLEQ_PROTOCOL);
        transcript.append_message(labels::CHAIN, &self.context.chain_id);
        transcript.append_u64(labels::SESSION, self.context.session);
        transcript.append_u64(labels::SEQUENCE, self.context.sequence);
        transcript.append_u64(labels::LIST, self.context.list.0.into());
        transcript.append_u64(labels::TAG_EPOCH, self.context.tag_epoch.0.into());
        transcript.append_point(labels::GENERATOR, Point::generator().affine());
        transcript.append_point(labels::KEY, self.key.point().affine());
        transcript.append_u64(labels::COUNT, self.blinded.len() as u64);
        for (label, points) in [
            (labels::BLINDED, self.blinded),
            (labels::EVALUATED, self.evaluated),
        ] {
            let bytes: Vec<_> = points
                .iter()
                .map(|point| encode_affine(point.affine()))
                .collect();
            transcript.append_message(label, bytes.as_flattened());
        }
        let weights = transcript.challenge_weights(labels::WEIGHTS, self.blinded.len());
        (transcript, weights)
    }
}

/// Proves a true statement; a false one yields a proof that does not verify.
pub(super) fn prove<R: RngCore + CryptoRng>(
    statement: &Statement<'_>,
    witness: &Witness,
    rng: &mut R,
) -> Proof {
    let (mut transcript, weights) = statement.transcript();
    let blinded = combine(&weights, statement.blinded);
    let key = witness.scalar();
    let evaluated = constant_time::multiply(&key, &blinded);
    let nonce = transcript.hedged_nonce(witness.secret(), rng);
    let challenge = challenge(
        &mut transcript,
        &blinded,
        &evaluated,
        &constant_time::multiply(&nonce, Point::generator().affine()),
        &constant_time::multiply(&nonce, &blinded),
    );
    Proof {
        challenge,
        response: nonce - challenge * key,
    }
}

/// Whether the proof shows the statement.
pub(super) fn verify(statement: &Statement<'_>, proof: &Proof) -> bool {
    let (mut transcript, weights) = statement.transcript();
    let blinded = combine(&weights, statement.blinded);
    let evaluated = combine(&weights, statement.evaluated);
    let commitment = |base: &EdwardsAffine, image: &EdwardsAffine| {
        vartime::double_multiply_vartime(&proof.response, base, &proof.challenge, image)
    };
    let expected = challenge(
        &mut transcript,
        &blinded,
        &evaluated,
        &commitment(Point::generator().affine(), statement.key.point().affine()),
        &commitment(&blinded, &evaluated),
    );
    expected == proof.challenge
}

fn combine(weights: &[u128], points: &[Point]) -> EdwardsAffine {
    let points: Vec<EdwardsAffine> = points.iter().map(|point| *point.affine()).collect();
    vartime::weighted_sum_vartime(weights, &points)
}

fn challenge(
    transcript: &mut Transcript,
    blinded: &EdwardsAffine,
    evaluated: &EdwardsAffine,
    commitment_generator: &EdwardsAffine,
    commitment_blinded: &EdwardsAffine,
) -> Scalar {
    transcript.append_point(labels::COMBINED_BLINDED, blinded);
    transcript.append_point(labels::COMBINED_EVALUATED, evaluated);
    transcript.append_point(labels::COMMITMENT_GENERATOR, commitment_generator);
    transcript.append_point(labels::COMMITMENT_BLINDED, commitment_blinded);
    transcript.challenge_scalar(labels::CHALLENGE)
}

pub(super) fn encode_scalars(first: &Scalar, second: &Scalar) -> [u8; DLEQ_PROOF_BYTES] {
    let mut bytes = [0; DLEQ_PROOF_BYTES];
    bytes[..SCALAR_BYTES].copy_from_slice(&first.to_bytes());
    bytes[SCALAR_BYTES..].copy_from_slice(&second.to_bytes());
    bytes
}

pub(super) fn decode_scalars(
    bytes: &[u8; DLEQ_PROOF_BYTES],
) -> Result<(Scalar, Scalar), ProofNotCanonical> {
    let part = |from: usize| {
        let mut part = [0; SCALAR_BYTES];
        part.copy_from_slice(&bytes[from..from + SCALAR_BYTES]);
        scalar::decode(&part).ok_or(ProofNotCanonical)
    };
    Ok((part(0)?, part(SCALAR_BYTES)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;
    use serde_json::Value;

    use super::*;
    use crate::curve::WirePoint;
    use crate::scope::{ListId, TagEpoch};

    fn bytes<const N: usize>(value: &Value) -> [u8; N] {
        hex::decode(value.as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap()
    }

    fn points(value: &Value) -> Vec<Point> {
        let points = value.as_array().unwrap().iter();
        points
            .map(|point| Point::decode(&WirePoint(bytes(point))).unwrap())
            .collect()
    }

    #[test]
    fn weights_and_sums_are_those_of_another_implementation() {
        let file: Value =
            serde_json::from_str(include_str!("../../../vectors/v1/dleq.json")).unwrap();
        let key = PublicKey::from_wire(&WirePoint(bytes(&file["K"]))).unwrap();
        let given = &file["context"];
        let number = |name: &str| given[name].as_u64().unwrap();
        let context = EvaluationContext {
            chain_id: bytes(&given["chain_id"]),
            session: number("session"),
            sequence: number("sequence"),
            list: ListId(number("list") as u32),
            tag_epoch: TagEpoch(number("tag_epoch") as u32),
        };
        let batches = file["batches"].as_array().unwrap();
        assert!(!batches.is_empty());
        for batch in batches {
            let statement = Statement {
                key: &key,
                context: &context,
                blinded: &points(&batch["B"]),
                evaluated: &points(&batch["Z"]),
            };
            let (_, weights) = statement.transcript();
            let expected = batch["weights"].as_array().unwrap().iter();
            let expected: Vec<u128> = expected
                .map(|weight| u128::from_le_bytes(bytes(weight)))
                .collect();
            assert_eq!(weights, expected);
            let (m, n) = (
                combine(&weights, statement.blinded),
                combine(&weights, statement.evaluated),
            );
            assert_eq!(encode_affine(&m), bytes(&batch["M"]));
            assert_eq!(encode_affine(&n), bytes(&batch["N"]));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_statement_is_proven_exactly_where_it_is_true(
            seed: u64,
            calls in 1..6usize,
            fault in 0..4u8,
            place in 0..6usize,
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let witness = ListKey::generate(&mut rng);
            let other = ListKey::generate(&mut rng);
            let times = |key: &ListKey, point: &Point| {
                let eighth = key.scalar() * *scalar::EIGHTH;
                Point::from_eighth(constant_time::multiply(&eighth, point.affine())).unwrap()
            };
            let blinded: Vec<Point> = (0..calls)
                .map(|_| *ListKey::generate(&mut rng).public().point())
                .collect();
            let mut evaluated: Vec<Point> = blinded.iter().map(|b| times(&witness, b)).collect();
            let mut key = witness.public();
            match fault {
                1 => key = other.public(),
                2 => evaluated[place % calls] = times(&other, &blinded[place % calls]),
                3 => evaluated[place % calls] = blinded[place % calls],
                _ => {}
            }
            let context = EvaluationContext {
                chain_id: [1; 32],
                session: 2,
                sequence: 3,
                list: ListId(4),
                tag_epoch: TagEpoch(5),
            };
            let statement = Statement {
                key: &key,
                context: &context,
                blinded: &blinded,
                evaluated: &evaluated,
            };
            prop_assert_eq!(statement.check(&witness), fault == 0);
            let proof = prove(&statement, &witness, &mut rng);
            prop_assert_eq!(verify(&statement, &proof), fault == 0);
        }
    }
}
