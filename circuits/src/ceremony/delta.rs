//! The state of phase 2: δ, and what is divided by it.

use ark_bls12_381::{G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use rand_core::{CryptoRng, RngCore};

use super::circuit::Circuit;
use super::error::StateError;
use super::points::{Identity, PointReader, Vector, write};
use super::ratio::{combine, pairings_agree, weights};
use super::scale::scale;
use super::secrets::Secrets;
use super::specialise::Specialised;
use super::state::{self, Kind};
use super::transcript::Transcript;

/// δ in both groups, and the two queries that are divided by δ.
///
/// Format: `tacit cerstate 1`, 3, the power of two that is n, then uncompressed points: δ in G1, δ in G2, the H query
/// (n − 1), the L query (one for each variable of the witness).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    pub(super) delta_g1: G1Affine,
    pub(super) delta_g2: G2Affine,
    pub(super) h: Vec<G1Affine>,
    pub(super) l: Vec<G1Affine>,
}

impl Delta {
    /// Where phase 2 begins: δ is 1.
    #[must_use]
    pub fn initial(specialised: &Specialised) -> Self {
        Self {
            delta_g1: G1Affine::generator(),
            delta_g2: G2Affine::generator(),
            h: specialised.h.clone(),
            l: specialised.l.clone(),
        }
    }

    /// The newest state of phase 2, from its bytes; without bytes the one in which nobody contributed yet.
    ///
    /// # Errors
    /// [`StateError`], where it is not what the transcript's newest record of phase 2 names, or not the circuit's
    /// queries divided by its δ.
    pub fn verify<R: RngCore + CryptoRng>(
        bytes: Option<&[u8]>,
        transcript: &Transcript,
        specialised: &Specialised,
        circuit: &Circuit,
        rng: &mut R,
    ) -> Result<Self, StateError> {
        let Some(claim) = transcript.delta() else {
            return Ok(Self::initial(specialised));
        };
        let bytes = bytes.ok_or(StateError::Length)?;
        if state::digest(bytes) != claim.state {
            return Err(StateError::Digest);
        }
        let delta = Self::decode(bytes, circuit)?;
        if [delta.delta_g1] != claim.elements[..] {
            return Err(StateError::NotProven {
                vector: Vector::DeltaG1,
            });
        }
        delta.check(specialised, rng)?;
        Ok(delta)
    }

    fn decode(bytes: &[u8], circuit: &Circuit) -> Result<Self, StateError> {
        let n = circuit.size();
        let expected = state::point_bytes(n + circuit.witness, 1);
        let body = state::body(bytes, Kind::Delta, circuit.log2_size(), expected)?;
        let mut reader = PointReader::new(body);
        let delta = Self {
            delta_g1: reader.point(Vector::DeltaG1)?,
            delta_g2: reader.point(Vector::DeltaG2)?,
            h: reader.vector(Vector::H, n - 1, Identity::Refused)?,
            // A variable that no constraint mentions has the identity.
            l: reader.vector(Vector::L, circuit.witness, Identity::Allowed)?,
        };
        reader.end()?;
        Ok(delta)
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // The H query has n − 1 points.
        let log2_size = (self.h.len() + 1).trailing_zeros() as u8;
        let mut bytes = state::begin(Kind::Delta, log2_size);
        write(&mut bytes, &[self.delta_g1]);
        write(&mut bytes, &[self.delta_g2]);
        write(&mut bytes, &self.h);
        write(&mut bytes, &self.l);
        bytes
    }

    /// Points that [`update`](Self::update) announces.
    pub(super) fn work(&self) -> usize {
        self.h.len() + self.l.len()
    }

    /// With another secret in δ.
    pub(super) fn update(&self, secrets: &Secrets, progress: &(dyn Fn(usize) + Sync)) -> Self {
        let &[delta] = secrets.values() else {
            unreachable!("phase 2 has one secret");
        };
        let inverse = secrets.inverse();
        Self {
            delta_g1: scale(&[self.delta_g1], |_| delta, &|_| {})[0],
            delta_g2: scale(&[self.delta_g2], |_| delta, &|_| {})[0],
            h: scale(&self.h, |_| *inverse, progress),
            l: scale(&self.l, |_| *inverse, progress),
        }
    }

    fn check<R: RngCore + CryptoRng>(
        &self,
        specialised: &Specialised,
        rng: &mut R,
    ) -> Result<(), StateError> {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let consistent = |holds: bool, vector| {
            holds
                .then_some(())
                .ok_or(StateError::Inconsistent { vector })
        };
        consistent(
            pairings_agree(self.delta_g1, g2, g1, self.delta_g2),
            Vector::DeltaG2,
        )?;
        for (vector, now, begun) in [
            (Vector::H, &self.h, &specialised.h),
            (Vector::L, &self.l, &specialised.l),
        ] {
            let weights = weights(now.len(), rng);
            let (now, begun) = (combine(now, &weights), combine(begun, &weights));
            consistent(pairings_agree(now, self.delta_g2, begun, g2), vector)?;
        }
        Ok(())
    }
}
