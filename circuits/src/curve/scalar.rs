//! Scalars modulo ℓ, in the constant-time arithmetic of the `jubjub` crate.

use std::sync::LazyLock;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// ℤ modulo ℓ, the order of 𝔾. Constant time in every operation that is not named `_vartime`.
pub(crate) type Scalar = jubjub::Fr;

/// Bytes of an encoded scalar.
pub(crate) const SCALAR_BYTES: usize = 32;

/// `8⁻¹ mod ℓ`: what turns a multiplication's result into its form on the wire.
pub(crate) static EIGHTH: LazyLock<Scalar> =
    LazyLock::new(|| Scalar::from(8).invert().unwrap_or(Scalar::zero()));

/// Uniform in ℤ_ℓ*.
pub(crate) fn random_nonzero<R: RngCore + CryptoRng>(rng: &mut R) -> Scalar {
    let mut bytes = Zeroizing::new([0; 64]);
    loop {
        rng.fill_bytes(&mut *bytes);
        let scalar = Scalar::from_bytes_wide(&bytes);
        if scalar != Scalar::zero() {
            return scalar;
        }
    }
}

/// The canonical scalar in these bytes; `None` where they are at or above ℓ.
pub(crate) fn decode(bytes: &[u8; SCALAR_BYTES]) -> Option<Scalar> {
    Scalar::from_bytes(bytes).into()
}
