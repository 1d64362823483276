//! The state of phase 1: powers of τ.

use ark_bls12_381::{G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use ark_ff::One as _;
use rand_core::{CryptoRng, RngCore};

use super::error::StateError;
use super::points::{Identity, PointReader, Vector, write};
use super::ratio::{are_powers_g1, are_powers_g2, pairings_agree};
use super::scale::scale;
use super::secrets::Secrets;
use super::state::{self, Kind};
use super::transcript::Transcript;
use crate::curve::Field;

/// Powers of τ in both groups, with α and β, for a domain of n.
///
/// Format: `tacit cerstate 1`, 1, the power of two that is n, then uncompressed points: τⁱ in G1 for i up to 2n − 2,
/// τⁱ in G2, α·τⁱ in G1 and β·τⁱ in G1 for i up to n − 1, β in G2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Powers {
    pub(super) tau_g1: Vec<G1Affine>,
    pub(super) tau_g2: Vec<G2Affine>,
    pub(super) alpha_g1: Vec<G1Affine>,
    pub(super) beta_g1: Vec<G1Affine>,
    pub(super) beta_g2: G2Affine,
}

impl Powers {
    /// Where phase 1 begins: all secrets are 1.
    #[must_use]
    pub fn initial(log2_size: u8) -> Self {
        let n = 1 << log2_size;
        let g1 = G1Affine::generator();
        Self {
            tau_g1: vec![g1; 2 * n - 1],
            tau_g2: vec![G2Affine::generator(); n],
            alpha_g1: vec![g1; n],
            beta_g1: vec![g1; n],
            beta_g2: G2Affine::generator(),
        }
    }

    /// The newest state of phase 1, from its bytes; without bytes the one in which nobody contributed yet.
    ///
    /// # Errors
    /// [`StateError`], where it is not what the transcript's newest record of phase 1 names, or not well formed.
    pub fn verify<R: RngCore + CryptoRng>(
        bytes: Option<&[u8]>,
        transcript: &Transcript,
        rng: &mut R,
    ) -> Result<Self, StateError> {
        let log2_size = transcript.header().log2_size();
        let Some(claim) = transcript.powers() else {
            return Ok(Self::initial(log2_size));
        };
        let bytes = bytes.ok_or(StateError::Length)?;
        if state::digest(bytes) != claim.state {
            return Err(StateError::Digest);
        }
        let powers = Self::decode(bytes, log2_size)?;
        powers.check(&claim.elements, rng)?;
        Ok(powers)
    }

    /// Reads points, all of them usable, but says nothing on how they relate.
    fn decode(bytes: &[u8], log2_size: u8) -> Result<Self, StateError> {
        let n = 1usize << log2_size;
        let expected = state::point_bytes(4 * n - 1, n + 1);
        let mut reader = PointReader::new(state::body(bytes, Kind::Powers, log2_size, expected)?);
        let powers = Self {
            tau_g1: reader.vector(Vector::TauG1, 2 * n - 1, Identity::Refused)?,
            tau_g2: reader.vector(Vector::TauG2, n, Identity::Refused)?,
            alpha_g1: reader.vector(Vector::AlphaG1, n, Identity::Refused)?,
            beta_g1: reader.vector(Vector::BetaG1, n, Identity::Refused)?,
            beta_g2: reader.point(Vector::BetaG2)?,
        };
        reader.end()?;
        Ok(powers)
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // n is a power of two of at most MAX_LOG2_SIZE.
        let mut bytes = state::begin(Kind::Powers, self.tau_g2.len().trailing_zeros() as u8);
        write(&mut bytes, &self.tau_g1);
        write(&mut bytes, &self.tau_g2);
        write(&mut bytes, &self.alpha_g1);
        write(&mut bytes, &self.beta_g1);
        write(&mut bytes, &[self.beta_g2]);
        bytes
    }

    /// τ, α and β in G1.
    pub(super) fn elements(&self) -> [G1Affine; 3] {
        [self.tau_g1[1], self.alpha_g1[0], self.beta_g1[0]]
    }

    /// Points that [`update`](Self::update) announces.
    pub(super) fn work(log2_size: u8) -> usize {
        5 << log2_size
    }

    /// Multiplied by the secrets of one contribution.
    pub(super) fn update(&self, secrets: &Secrets, progress: &(dyn Fn(usize) + Sync)) -> Self {
        let &[tau, alpha, beta] = secrets.values() else {
            unreachable!("phase 1 has three secrets");
        };
        let n = self.tau_g2.len();
        let of_tau = Secrets::powers(Field::one(), tau, 2 * n - 1);
        let of_alpha = Secrets::powers(alpha, tau, n);
        let of_beta = Secrets::powers(beta, tau, n);
        Self {
            tau_g1: scale(&self.tau_g1, |index| of_tau[index], progress),
            tau_g2: scale(&self.tau_g2, |index| of_tau[index], progress),
            alpha_g1: scale(&self.alpha_g1, |index| of_alpha[index], progress),
            beta_g1: scale(&self.beta_g1, |index| of_beta[index], progress),
            beta_g2: scale(&[self.beta_g2], |_| beta, &|_| {})[0],
        }
    }

    /// That these are powers of one τ, with the multiples of τ, α and β in G1 that were proven.
    fn check<R: RngCore + CryptoRng>(
        &self,
        elements: &[G1Affine],
        rng: &mut R,
    ) -> Result<(), StateError> {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let proven = [Vector::TauG1, Vector::AlphaG1, Vector::BetaG1];
        for (vector, (own, proven)) in proven.into_iter().zip(self.elements().iter().zip(elements))
        {
            if own != proven {
                return Err(StateError::NotProven { vector });
            }
        }
        let [tau_g1, _, beta_g1] = self.elements();
        let tau_g2 = self.tau_g2[1];
        let consistent = |holds: bool, vector| {
            holds
                .then_some(())
                .ok_or(StateError::Inconsistent { vector })
        };
        consistent(self.tau_g1[0] == g1, Vector::TauG1)?;
        consistent(
            self.tau_g2[0] == g2 && pairings_agree(tau_g1, g2, g1, tau_g2),
            Vector::TauG2,
        )?;
        consistent(are_powers_g1(&self.tau_g1, tau_g2, rng), Vector::TauG1)?;
        consistent(are_powers_g2(&self.tau_g2, tau_g1, rng), Vector::TauG2)?;
        consistent(are_powers_g1(&self.alpha_g1, tau_g2, rng), Vector::AlphaG1)?;
        consistent(are_powers_g1(&self.beta_g1, tau_g2, rng), Vector::BetaG1)?;
        consistent(
            pairings_agree(beta_g1, g2, g1, self.beta_g2),
            Vector::BetaG2,
        )?;
        if self.tau_g1[self.tau_g2.len()] == g1 {
            return Err(StateError::TauInDomain);
        }
        Ok(())
    }
}
