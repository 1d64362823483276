//! Keys for development, whose trapdoor everybody knows.

use ark_bls12_381::Bls12_381;
use ark_groth16::Groth16;
use ark_relations::gr1cs::SynthesisError;
use rand_core::{Error, RngCore};

use super::circuit::circuit_for_setup;
use super::proving_key::ProvingKey;
use super::workers;

/// The context under which the public seed becomes the set-up's randomness.
const DEVELOPMENT_CONTEXT: &str = "tacit v1 receipt development set-up";

/// A proving key from a **public** seed: whoever reads this can forge any receipt under it. It proves
/// nothing to anybody and is for tests and demonstrations. The same bytes on every machine.
#[must_use]
pub fn development_keys() -> ProvingKey {
    workers::install(|| {
        let mut rng = PublicRng::new();
        let key = generate(&mut rng).expect("a set-up fails always or never; tests run it");
        ProvingKey::from_parameters(key).expect("the set-up is of this circuit")
    })
}

fn generate(rng: &mut PublicRng) -> Result<ark_groth16::ProvingKey<Bls12_381>, SynthesisError> {
    Groth16::<Bls12_381>::generate_random_parameters_with_reduction(circuit_for_setup(), rng)
}

/// BLAKE3's output over nothing but a label.
struct PublicRng(blake3::OutputReader);

impl PublicRng {
    fn new() -> Self {
        Self(blake3::Hasher::new_derive_key(DEVELOPMENT_CONTEXT).finalize_xof())
    }
}

impl RngCore for PublicRng {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}
