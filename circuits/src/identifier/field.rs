//! The field form of an identifier.
//!
//! Canonical bytes become `x ∈ F` as 32 little-endian bytes, in one of two forms that never meet
//! because their last bytes differ:
//!
//! ```text
//! packed, up to 30 bytes    length ‖ bytes ‖ zeros up to 31 ‖ 0x00
//! hashed, longer            31 bytes of BLAKE3 in key-derivation mode ‖ 0x01
//! ```
//!
//! The first is injective; the second collides only where 248 bits of BLAKE3 do, which is 2^124
//! work. Both are below 2^249 and therefore canonical: the modulus exceeds 2^254.

use ark_bls12_381::Fr;
use ark_ff::PrimeField as _;
use zeroize::Zeroizing;

/// Longest canonical form that is packed instead of hashed: 31 bytes less one for the length.
pub const MAX_PACKED_BYTES: usize = 30;

/// The context under which longer ones are hashed.
const LONG_FORM_CONTEXT: &str = "tacit v1 identifier long form";

const LONG_FORM_MARK: u8 = 1;

/// `x` of an identifier with these canonical bytes.
pub(super) fn field_form(canonical: &[u8]) -> Fr {
    let mut bytes = Zeroizing::new([0u8; 32]);
    match u8::try_from(canonical.len()) {
        Ok(length) if canonical.len() <= MAX_PACKED_BYTES => {
            bytes[0] = length;
            bytes[1..=canonical.len()].copy_from_slice(canonical);
        }
        _ => {
            let mut hasher = blake3::Hasher::new_derive_key(LONG_FORM_CONTEXT);
            hasher.update(canonical);
            hasher.finalize_xof().fill(&mut bytes[..31]);
            bytes[31] = LONG_FORM_MARK;
        }
    }
    Fr::from_le_bytes_mod_order(&*bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ark_ff::BigInteger as _;
    use proptest::prelude::*;

    use super::*;

    fn bytes_of(x: Fr) -> Vec<u8> {
        x.into_bigint().to_bytes_le()
    }

    #[test]
    fn thirty_bytes_are_packed_and_thirty_one_are_hashed() {
        let packed = bytes_of(field_form(&[b'7'; MAX_PACKED_BYTES]));
        assert_eq!(packed[0], 30);
        assert_eq!(&packed[1..31], &[b'7'; 30]);
        assert_eq!(packed[31], 0);
        let hashed = bytes_of(field_form(&[b'7'; MAX_PACKED_BYTES + 1]));
        assert_eq!(hashed[31], LONG_FORM_MARK);
        assert_ne!(&hashed[1..31], &[b'7'; 30]);
    }

    #[test]
    fn trailing_zero_bytes_do_not_vanish() {
        let forms: BTreeSet<Vec<u8>> = (0..40)
            .map(|length| bytes_of(field_form(&vec![0; length])))
            .collect();
        assert_eq!(forms.len(), 40);
    }

    proptest! {
        #[test]
        fn different_canonical_bytes_have_different_field_forms(
            a in proptest::collection::vec(any::<u8>(), 0..48),
            b in proptest::collection::vec(any::<u8>(), 0..48),
        ) {
            prop_assert_eq!(a == b, field_form(&a) == field_form(&b));
        }

        #[test]
        fn the_bytes_can_be_read_back_from_a_packed_form(
            a in proptest::collection::vec(any::<u8>(), 0..=MAX_PACKED_BYTES),
        ) {
            let bytes = bytes_of(field_form(&a));
            prop_assert_eq!(&bytes[1..=usize::from(bytes[0])], &a[..]);
        }
    }
}
