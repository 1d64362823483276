//! What a ceremony is held for.

use std::fmt;

use ark_bls12_381::{Bls12_381, G2Affine};
use ark_ec::AffineRepr as _;
use ark_groth16::{ProvingKey, VerifyingKey};
use ark_serialize::CanonicalSerialize as _;

use super::delta::Delta;
use super::powers::Powers;
use super::specialise::Specialised;

const DIGEST_CONTEXT: &str = "tacit v1 ceremony keys";

/// The keys of the circuit. γ is 1, as in Bowe, Gabizon and Miers.
#[derive(Clone)]
pub struct Keys(ProvingKey<Bls12_381>);

impl Keys {
    /// From the last states of a ceremony.
    #[must_use]
    pub fn new(powers: &Powers, specialised: Specialised, delta: Delta) -> Self {
        let [_, alpha_g1, beta_g1] = powers.elements();
        Self(ProvingKey {
            vk: VerifyingKey {
                alpha_g1,
                beta_g2: powers.beta_g2,
                gamma_g2: G2Affine::generator(),
                delta_g2: delta.delta_g2,
                gamma_abc_g1: specialised.instance,
            },
            beta_g1,
            delta_g1: delta.delta_g1,
            a_query: specialised.a,
            b_g1_query: specialised.b_g1,
            b_g2_query: specialised.b_g2,
            h_query: delta.h,
            l_query: delta.l,
        })
    }

    /// The key to prove with; it holds the key to verify with.
    #[must_use]
    pub fn proving(&self) -> &ProvingKey<Bls12_381> {
        &self.0
    }

    /// The key to verify with.
    #[must_use]
    pub fn verifying(&self) -> &VerifyingKey<Bls12_381> {
        &self.0.vk
    }

    /// BLAKE3 of the proving key as arkworks writes it, uncompressed, by which the closing of phase 2 names both.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(self.0.uncompressed_size());
        // Writing into memory does not fail.
        let _ = self.0.serialize_uncompressed(&mut bytes);
        blake3::derive_key(DIGEST_CONTEXT, &bytes)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}
