//! What two members know of each other's charges without a word: secrets agreed upon by their keys.
//!
//! With `P = s⁻¹·H`, both sides of a session have `s₁⁻¹·s₂⁻¹·H` (Diffie–Hellman), and nobody else has. What
//! is drawn from it under a context of the ledger's needs neither to be sent nor to be kept: a provider
//! that lost its database finds the blindings of what it is owed again.
//!
//! # What it does not give
//! Forward secrecy: whoever learns one of the two keys learns all that was ever drawn. It opens what the
//! key's handles open anyway.

use curve25519_dalek::scalar::Scalar;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::ciphertext::{Opening, public_value};
use super::element::Element;
use super::key::{QuotaKey, QuotaPublicKey};

const SECRET: &str = "tacit v1 quota shared secret";
const BLINDING: &str = "tacit v1 quota agreed blinding";
const BYTES: &str = "tacit v1 quota agreed bytes";

/// What the holders of two keys share. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SharedSecret([u8; 32]);

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(<redacted>)")
    }
}

impl QuotaKey {
    /// The secret shared with the holder of `other`: BLAKE3 in key derivation mode over the encoding of
    /// `s⁻¹·P`. In constant time.
    #[must_use]
    pub fn agree(&self, other: &QuotaPublicKey) -> SharedSecret {
        let inverse = Zeroizing::new(self.secret().invert());
        let mut shared = other.element().point() * *inverse;
        let mut encoded = shared.compress();
        let secret = SharedSecret(blake3::derive_key(SECRET, encoded.as_bytes()));
        shared.zeroize();
        encoded.zeroize();
        secret
    }
}

impl SharedSecret {
    /// An amount, in minor units, under the blinding that both sides have for a context. A context is used
    /// for one amount: two under one blinding show their difference.
    #[must_use]
    pub fn opening(&self, context: &[u8; 32], amount_minor: u32) -> Opening {
        let mut wide = Zeroizing::new([0; 64]);
        self.fill(BLINDING, context, &mut *wide);
        Opening {
            value: amount_minor,
            blinding: Scalar::from_bytes_mod_order_wide(&wide),
        }
    }

    /// How many times `step_minor` a commitment holds, at most `most` times, if its blinding is the one that
    /// both sides have for the context. Tried from `most` down; takes time that grows with what lacks.
    #[must_use]
    pub fn find_vartime(
        &self,
        context: &[u8; 32],
        commitment: &Element,
        step_minor: u32,
        most: u32,
    ) -> Option<u32> {
        let bare = *commitment - self.opening(context, 0).commitment();
        let step = public_value(step_minor.into());
        let full = u64::from(step_minor) * u64::from(most);
        let mut lacks = public_value(full) - bare;
        for missing in 0..=most {
            if lacks.is_identity() {
                return Some(most - missing);
            }
            lacks = lacks - step;
        }
        None
    }

    /// Bytes that both sides have for a context, as many as `output` takes.
    pub fn draw(&self, context: &[u8; 32], output: &mut [u8]) {
        self.fill(BYTES, context, output);
    }

    fn fill(&self, label: &str, context: &[u8; 32], output: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_derive_key(label);
        hasher.update(&self.0);
        hasher.update(context);
        let mut reader = hasher.finalize_xof();
        reader.fill(output);
        reader.zeroize();
        hasher.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Ciphertext;

    fn key(seed: u8) -> QuotaKey {
        QuotaKey::derive(&[seed; 32], 0)
    }

    #[test]
    fn both_sides_and_nobody_else_come_to_the_same() {
        let (a, b, c) = (key(1), key(2), key(3));
        let context = [7; 32];
        let ours = a.agree(&b.public()).opening(&context, 5);
        let theirs = b.agree(&a.public()).opening(&context, 5);
        assert_eq!(ours.commitment(), theirs.commitment());
        for other in [
            c.agree(&b.public()).opening(&context, 5),
            a.agree(&c.public()).opening(&context, 5),
            a.agree(&b.public()).opening(&[8; 32], 5),
            a.agree(&b.public()).opening(&context, 6),
        ] {
            assert_ne!(ours.commitment(), other.commitment());
        }
        let (mut left, mut right) = ([0; 40], [0; 40]);
        a.agree(&b.public()).draw(&context, &mut left);
        b.agree(&a.public()).draw(&context, &mut right);
        assert_eq!(left, right);
    }

    #[test]
    fn a_charge_is_found_by_its_steps_and_nothing_else_is() {
        let secret = key(1).agree(&key(2).public());
        let context = [7; 32];
        for count in [0, 1, 499, 999] {
            let charge = secret.opening(&context, 30 * count).commitment();
            assert_eq!(secret.find_vartime(&context, &charge, 30, 999), Some(count));
        }
        let charge = secret.opening(&context, 61).commitment();
        assert_eq!(secret.find_vartime(&context, &charge, 30, 999), None);
        let charge = secret.opening(&context, 30_000).commitment();
        assert_eq!(secret.find_vartime(&context, &charge, 30, 999), None);
        let charge = secret.opening(&[8; 32], 30).commitment();
        assert_eq!(secret.find_vartime(&context, &charge, 30, 999), None);
        let free = secret.opening(&context, 0).commitment();
        assert_eq!(secret.find_vartime(&context, &free, 0, 999), Some(999));
    }

    #[test]
    fn the_sum_of_openings_opens_the_sum_of_commitments() {
        let secret = key(1).agree(&key(2).public());
        let parts: Vec<_> = (0..5_u8)
            .map(|n| secret.opening(&[n; 32], u32::from(n) * 100))
            .collect();
        let sum = Opening::sum(&parts).expect("a small sum");
        assert_eq!(sum.amount_minor(), 1_000);
        let commitments = parts.iter().map(Opening::commitment);
        let total = commitments.fold(Ciphertext::<0>::zero().commitment, |a, b| a + b);
        assert_eq!(sum.commitment(), total);
        let large = secret.opening(&[9; 32], u32::MAX);
        assert!(Opening::sum(&[large, secret.opening(&[8; 32], 1)]).is_none());
    }
}
