//! A contribution's secrets: drawn, or given by a beacon, and wiped.

use rand_core::{CryptoRng, RngCore};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use ark_ff::{Field as _, One as _, PrimeField as _, Zero as _};

use super::Phase;
use crate::curve::Field;

const DRAWN_CONTEXT: &str = "tacit v1 ceremony secrets";
const BEACON_LABEL: &[u8] = b"tacit v1 ceremony beacon";
const BEACON_CONTEXT: &str = "tacit v1 ceremony beacon secrets";
/// Bytes of a scalar before reduction: its bias is below 2⁻²⁵⁰.
const WIDE_BYTES: usize = 64;

/// τ, α and β in phase 1, δ in phase 2. Neither 0 nor 1; wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Secrets {
    values: Vec<Field>,
}

impl Secrets {
    /// From `rng`, and from `entropy` besides: they are secret if either is.
    pub(super) fn draw<R: RngCore + CryptoRng>(phase: Phase, entropy: &[u8], rng: &mut R) -> Self {
        let mut drawn = Zeroizing::new([0u8; WIDE_BYTES]);
        rng.fill_bytes(&mut *drawn);
        let mut hasher = blake3::Hasher::new_derive_key(DRAWN_CONTEXT);
        hasher.update(&*drawn);
        hasher.update(entropy);
        let secrets = Self::expand(phase, &hasher);
        hasher.zeroize();
        secrets
    }

    /// What a public value gives, for everybody to recompute: SHA-256 of a label, the transcript's head and the value,
    /// hashed again and again 2^`log2_hashes` times, so that who can choose among several values has no time to see
    /// which of them suits.
    pub(super) fn of_beacon(phase: Phase, head: &[u8; 32], beacon: &[u8], log2_hashes: u8) -> Self {
        let begin = Sha256::new().chain_update(BEACON_LABEL);
        let mut digest = begin.chain_update(head).chain_update(beacon).finalize();
        for _ in 0..1u64 << log2_hashes {
            digest = Sha256::digest(digest);
        }
        let mut hasher = blake3::Hasher::new_derive_key(BEACON_CONTEXT);
        hasher.update(&digest);
        Self::expand(phase, &hasher)
    }

    fn expand(phase: Phase, hasher: &blake3::Hasher) -> Self {
        let mut output = hasher.finalize_xof();
        let mut bytes = Zeroizing::new([0; WIDE_BYTES]);
        // No reallocation may leave a copy behind.
        let mut values = Vec::with_capacity(phase.secrets().len());
        while values.len() < phase.secrets().len() {
            output.fill(&mut *bytes);
            let value = Field::from_le_bytes_mod_order(&*bytes);
            if !value.is_zero() && !value.is_one() {
                values.push(value);
            }
        }
        output.zeroize();
        Self { values }
    }

    /// In the order of [`Phase::secrets`].
    pub(super) fn values(&self) -> &[Field] {
        &self.values
    }

    /// first, first·ratio, first·ratio², …
    pub(super) fn powers(first: Field, ratio: Field, count: usize) -> Zeroizing<Vec<Field>> {
        let mut powers = Zeroizing::new(Vec::with_capacity(count));
        let mut power = first;
        for _ in 0..count {
            powers.push(power);
            power *= ratio;
        }
        powers
    }

    /// Of the first secret. It is not zero.
    pub(super) fn inverse(&self) -> Zeroizing<Field> {
        let first = self.values.first().and_then(|value| value.inverse());
        Zeroizing::new(first.unwrap_or_default())
    }
}
