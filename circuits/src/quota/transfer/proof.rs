//! Proving and verifying a transfer.

use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Kind, Statement, Transfer, Witness};
use crate::quota::ciphertext::{Ciphertext, Opening};
use crate::quota::element::{ELEMENT_BYTES, Element, EncodingError, Reader};
use crate::quota::equation::Equation;
use crate::quota::generators::{blinding_generator, value_generator};
use crate::quota::key::QuotaKey;
use crate::quota::labels::TranscriptProtocol;
use crate::quota::limbs::{LimbOpenings, Limbs, split};
use crate::quota::range::{Range, range_bytes};
use crate::quota::sigma::{Row, Sigma};

/// The rows of the relation: the amount, a handle for each of three parties, the key, the rest.
const ROWS: usize = 6;
/// Places of the secrets: v, r, s, y.
const SECRETS: usize = 4;
const VALUE: usize = 0;
const BLINDING: usize = 1;
const KEY: usize = 2;
const REST_BLINDING: usize = 3;

/// Why nothing was proven. The caller's records are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The key is not that of the party who proves.
    #[error("the key is not that of the party who proves")]
    Key,
    /// The amount's ciphertext is not that of its opening under the parties' keys.
    #[error("the amount is not what its opening says")]
    Amount,
    /// The source does not hold what was said, or more than a source of this kind can hold.
    #[error("the source does not hold what was said")]
    Source,
    /// The amount is more than the source holds.
    #[error("the amount is more than there is")]
    Exhausted,
}

/// The proof does not show the statement. Its maker is at fault, or the ledger has moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not show this transfer out of this source, in this context")]
pub struct WrongTransfer;

/// Limbs, sigma proof, range proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    limbs: Limbs,
    sigma: Sigma<ROWS, SECRETS>,
    range: Range,
}

impl Kind {
    /// Limbs of what is left.
    const fn limbs(self) -> usize {
        match self {
            Self::Open => 2,
            Self::Settle => 1,
        }
    }

    /// Values of the range proof: the amount, the limbs, and a filler of 0 up to a power of two.
    const fn ranges(self) -> usize {
        (1 + self.limbs()).next_power_of_two()
    }
}

impl Proof {
    pub(super) const fn bytes(kind: Kind) -> usize {
        kind.limbs() * ELEMENT_BYTES + Sigma::<ROWS, SECRETS>::BYTES + range_bytes(kind.ranges())
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        self.limbs.write(bytes);
        self.sigma.write(bytes);
        self.range.write(bytes);
    }

    pub(super) fn read(reader: &mut Reader<'_>, kind: Kind) -> Result<Self, EncodingError> {
        Ok(Self {
            limbs: Limbs::read(reader, kind.limbs())?,
            sigma: Sigma::read(reader)?,
            range: Range::read(reader, kind.ranges())?,
        })
    }
}

impl Transfer {
    /// Seals the amount for the parties and proves the transfer out of a source.
    ///
    /// # Errors
    /// [`ProveError`] where the statement would be false.
    #[expect(
        clippy::too_many_arguments,
        reason = "the statement's parts, then the witness's"
    )]
    pub fn prove<R: RngCore + CryptoRng>(
        kind: Kind,
        context: [u8; 32],
        parties: &super::Parties,
        source: &Ciphertext<1>,
        key: &QuotaKey,
        source_minor: u64,
        amount: &Opening,
        rng: &mut R,
    ) -> Result<Self, ProveError> {
        let sealed = amount.seal(parties);
        let statement = Statement {
            kind,
            context,
            parties,
            source,
            amount: &sealed,
        };
        let witness = Witness {
            key,
            source_minor,
            amount,
        };
        let proof = prove(&statement, &witness, rng)?;
        Ok(Self {
            amount: sealed,
            proof,
        })
    }
}

/// Proves a statement.
///
/// # Errors
/// [`ProveError`] where it is false.
pub fn prove<R: RngCore + CryptoRng>(
    statement: &Statement<'_>,
    witness: &Witness<'_>,
    rng: &mut R,
) -> Result<Proof, ProveError> {
    statement.check(witness)?;
    let amount = witness.amount;
    let claim = Claim {
        value: amount.value.into(),
        blinding: amount.blinding,
        ranged: (amount.value.into(), amount.blinding),
        key: *witness.key.secret(),
        limbs: split(
            witness.source_minor - u64::from(amount.value),
            statement.kind.limbs(),
        ),
    };
    Ok(prove_unchecked(statement, &claim, rng))
}

/// What the prover says: v, r, s, and the limbs of what is left. The range proof is told v and r apart,
/// so that a test can lie in one place.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Claim {
    pub(super) value: u64,
    pub(super) blinding: Scalar,
    pub(super) ranged: (u64, Scalar),
    pub(super) key: Scalar,
    pub(super) limbs: Vec<u64>,
}

/// A false claim yields a proof that does not hold.
pub(super) fn prove_unchecked<R: RngCore + CryptoRng>(
    statement: &Statement<'_>,
    claim: &Claim,
    rng: &mut R,
) -> Proof {
    let kind = statement.kind;
    let mut transcript = statement.transcript();
    let value = Scalar::from(claim.value);
    let mut secrets = Zeroizing::new([value, claim.blinding, claim.key, Scalar::ZERO]);
    let mut hedged = transcript.hedged(&*secrets, rng);
    let openings = LimbOpenings::draw(&claim.limbs, &mut hedged);
    let limbs = openings.commit();
    secrets[REST_BLINDING] = openings.blinding();
    let rows = rows(statement, &limbs, &mut transcript);
    let sigma = Sigma::prove(&mut transcript, &rows, &secrets, &mut hedged);

    let mut values = Zeroizing::new(vec![claim.ranged.0]);
    let mut blindings = Zeroizing::new(vec![claim.ranged.1]);
    values.extend(&openings.values);
    blindings.extend(&openings.blindings);
    values.resize(kind.ranges(), 0);
    blindings.resize(kind.ranges(), Scalar::ZERO);
    let range = Range::prove(&mut transcript, &values, &blindings, &mut hedged);
    Proof {
        limbs,
        sigma,
        range,
    }
}

/// Replays a proof over its statement. What comes out is verified alone or with others.
#[must_use]
pub fn equation(statement: &Statement<'_>, proof: &Proof) -> Equation {
    let mut transcript = statement.transcript();
    let mut equation = Equation::new();
    let rows = rows(statement, &proof.limbs, &mut transcript);
    proof.sigma.replay(&mut transcript, &rows, &mut equation);
    let mut ranged = vec![statement.amount.commitment];
    ranged.extend(proof.limbs.elements());
    ranged.resize(statement.kind.ranges(), Element::identity());
    proof.range.replay(&mut transcript, &ranged, &mut equation);
    equation.sealed(transcript)
}

/// Verifies a proof.
///
/// # Errors
/// [`WrongTransfer`].
pub fn verify(statement: &Statement<'_>, proof: &Proof) -> Result<(), WrongTransfer> {
    if equation(statement, proof).holds() {
        Ok(())
    } else {
        Err(WrongTransfer)
    }
}

/// Absorbs the limbs, and writes the relation down.
fn rows(statement: &Statement<'_>, limbs: &Limbs, transcript: &mut Transcript) -> [Row; ROWS] {
    limbs.absorb(transcript);
    let handle = |place: usize| {
        let (handle, party) = (statement.amount.handles[place], statement.parties[place]);
        Row::plain(handle, [(BLINDING, *party.element())])
    };
    [
        Row::plain(
            statement.amount.commitment,
            [(VALUE, value_generator()), (BLINDING, blinding_generator())],
        ),
        handle(0),
        handle(1),
        handle(2),
        Row::plain(
            blinding_generator(),
            [(KEY, *statement.prover_key().element())],
        ),
        limbs.row(&statement.rest(), KEY, REST_BLINDING),
    ]
}
