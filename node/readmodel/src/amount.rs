//! Amounts of quota: a part that everybody sees, and a part that is sealed.
//!
//! # What is sealed, and to whom
//! One amount below 2³² is one ciphertext ([`tacit_circuits::quota`]); it is not split into limbs. The
//! ledger's events hold it for querier, provider and supervisor. An [`Amount`] keeps what two of them see:
//! the member whose movement it is ([`OWNER`]) and the supervisor ([`SUPERVISOR`]).
//!
//! # What opens
//! Ciphertexts add up part by part, so a sum of any number of movements is one ciphertext, and is opened
//! once: `amount.total().select([OWNER])` with the member's key, `[SUPERVISOR]` with the supervisor's, by
//! [`ValueTable::open_vartime`](tacit_circuits::quota::ValueTable::open_vartime). That searches from 0 up to
//! a bound, in a time that grows with the value: with the usual table and on one core 0.2 s for 2³⁶ minor
//! units, a quarter of an hour for 2⁴⁸.
//!
//! - A sum of n sealed amounts is below n · 2³². So up to 65,536 of them open below 2⁴⁸ whatever they are;
//!   of more, those whose values stay below the bound do.
//! - What a member holds never exceeds what all accounts and escrows hold, which is public: that is the
//!   bound to search up to for [`Holdings`](crate::Holdings).
//! - A sum of what only came or only went is never below zero. A difference may be: it does not open, and
//!   its two sides are opened instead.
//!
//! A bound that was too low shows as nothing found; it never shows another value.

use tacit_circuits::quota::transfer::Role;
use tacit_circuits::quota::{Ciphertext, Element};
use tacit_database::ColumnError;

#[cfg(doc)]
use tacit_circuits::quota::{OWNER, SUPERVISOR};

/// Bytes of a sealed amount as the ledger's events and the tables hold it.
pub(crate) const SEALED_BYTES: usize = Ciphertext::<3>::BYTES;

/// A public and a sealed part, whose sum is the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// What everybody sees, in minor units.
    pub public_minor: i64,
    /// What only the member and the supervisor see; zero where all is public.
    pub sealed: Ciphertext<2>,
}

impl Amount {
    /// Nothing.
    #[must_use]
    pub fn zero() -> Self {
        Self {
            public_minor: 0,
            sealed: Ciphertext::zero(),
        }
    }

    /// Whether nothing is sealed, so that nobody has to open anything.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.sealed == Ciphertext::zero()
    }

    /// Both parts as one ciphertext, to be opened.
    #[must_use]
    pub fn total(&self) -> Ciphertext<2> {
        let public = self.public_minor.unsigned_abs();
        match self.public_minor {
            0 => self.sealed,
            1.. => self.sealed.plus_public(public),
            _ => self.sealed.minus_public(public),
        }
    }

    /// The sum, unless the public part exceeds 63 bits.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            public_minor: self.public_minor.checked_add(other.public_minor)?,
            sealed: self.sealed.plus(&other.sealed),
        })
    }

    /// The difference, unless the public part exceeds 63 bits.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            public_minor: self.public_minor.checked_sub(other.public_minor)?,
            sealed: self.sealed.minus(&other.sealed),
        })
    }
}

/// What one of the parties and the supervisor see of a sealed amount. Reads no more of it than that: most
/// of the time of a sum goes into reading.
pub(crate) fn seen_by(
    role: Role,
    bytes: &[u8; SEALED_BYTES],
) -> Result<Ciphertext<2>, ColumnError> {
    let (parts, _) = bytes.as_chunks();
    let element = |part: usize| {
        let element = parts
            .get(part)
            .and_then(|part| Element::from_bytes(part).ok());
        element.ok_or_else(|| ColumnError::Value("sealed".into()))
    };
    // The commitment comes before the handles.
    let handle = |role: Role| element(1 + role as usize);
    Ok(Ciphertext {
        commitment: element(0)?,
        handles: [handle(role)?, handle(Role::Supervisor)?],
    })
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use tacit_circuits::quota::{OWNER, Opening, QuotaKey, SUPERVISOR, ValueTable};

    use super::*;

    fn key(seed: u8) -> QuotaKey {
        QuotaKey::derive(&[seed; 32], 0)
    }

    fn sealed(amount_minor: u32, seed: u64) -> Ciphertext<3> {
        let parties = [1, 2, 3].map(|seed| key(seed).public());
        Opening::random(amount_minor, &mut ChaCha20Rng::seed_from_u64(seed)).seal(&parties)
    }

    #[test]
    fn each_party_sees_its_own_handle_and_the_supervisors() {
        let amount = sealed(900, 1);
        let bytes: [u8; SEALED_BYTES] = amount.to_vec().try_into().unwrap();
        for (role, owner) in [(Role::Querier, 1), (Role::Provider, 2)] {
            let seen = seen_by(role, &bytes).unwrap();
            assert_eq!(
                seen,
                amount.select([role as usize, Role::Supervisor as usize])
            );
            assert!(seen.select([OWNER]).opens_to(&key(owner), 900));
            assert!(seen.select([SUPERVISOR]).opens_to(&key(3), 900));
        }
    }

    #[test]
    fn bytes_that_are_no_ciphertext_are_damage() {
        let mut bytes: [u8; SEALED_BYTES] = sealed(900, 1).to_vec().try_into().unwrap();
        bytes[..32].fill(0xff);
        assert!(seen_by(Role::Querier, &bytes).is_err());
    }

    #[test]
    fn a_total_holds_both_parts_whatever_their_signs() {
        let table = ValueTable::with_bits(8);
        let part = |public_minor, sealed: Ciphertext<3>| Amount {
            public_minor,
            sealed: sealed.select([0, 2]),
        };
        let (came, went) = (part(500, sealed(40, 1)), part(100, sealed(300, 2)));
        let opened = |amount: &Amount, place, seed| {
            let one = amount.total().select([place]);
            table.open_vartime(&key(seed), &one, 1 << 16)
        };
        let sum = came.plus(&went).unwrap();
        assert_eq!(opened(&sum, OWNER, 1), Some(940));
        let left = came.minus(&went).unwrap();
        assert_eq!(left.public_minor, 400);
        assert_eq!(opened(&left, OWNER, 1), Some(140));
        assert_eq!(opened(&left, SUPERVISOR, 3), Some(140));
        // Below zero: nothing is found, rather than something wrong.
        assert_eq!(opened(&went.minus(&came).unwrap(), OWNER, 1), None);
        let negative = part(-30, sealed(40, 3));
        assert_eq!(opened(&negative, OWNER, 1), Some(10));
        assert!(
            Amount {
                public_minor: 7,
                ..Amount::zero()
            }
            .is_public()
        );
        assert!(!sum.is_public());
    }

    #[test]
    fn public_parts_beyond_63_bits_do_not_wrap() {
        let most = Amount {
            public_minor: i64::MAX,
            ..Amount::zero()
        };
        let one = Amount {
            public_minor: 1,
            ..Amount::zero()
        };
        assert_eq!(most.plus(&one), None);
        assert_eq!(
            Amount::zero().minus(&most).and_then(|low| low.minus(&most)),
            None
        );
    }
}
