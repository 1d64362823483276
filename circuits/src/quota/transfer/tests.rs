//! For each relation, a claim that breaks it and as little else as can be.

use curve25519_dalek::scalar::Scalar;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::proof::{Claim, prove_unchecked};
use super::{Kind, Parties, Statement, verify};
use crate::quota::ciphertext::{Ciphertext, commit};
use crate::quota::element::Element;
use crate::quota::generators::value_generator;
use crate::quota::key::QuotaKey;

const BLINDING: u64 = 77;
const SOURCE_BLINDING: u64 = 99;

fn keys() -> [QuotaKey; 3] {
    [1, 2, 3].map(|number| QuotaKey::derive(&[number; 32], 0))
}

struct Case {
    kind: Kind,
    parties: Parties,
    source: Ciphertext<1>,
    amount: Ciphertext<3>,
    claim: Claim,
}

/// The highest limb takes all that is there, in range or not.
fn limbs(kind: Kind, rest: u64) -> Vec<u64> {
    match kind {
        Kind::Open => vec![rest & u64::from(u32::MAX), rest >> 32],
        Kind::Settle => vec![rest],
    }
}

fn times(element: &Element, factor: u64) -> Element {
    Element::from_point(element.point() * Scalar::from(factor))
}

impl Case {
    /// A source and an amount as the ledger would have them, and a claim that is true where `held` is
    /// at least `value` and both are in range.
    fn new(kind: Kind, held: u64, value: u64) -> Self {
        let keys = keys();
        let parties = keys.each_ref().map(QuotaKey::public);
        let prover = kind.prover() as usize;
        Self {
            kind,
            parties,
            source: Ciphertext {
                commitment: commit(held, &Scalar::from(SOURCE_BLINDING)),
                handles: [times(parties[prover].element(), SOURCE_BLINDING)],
            },
            amount: Ciphertext {
                commitment: commit(value, &Scalar::from(BLINDING)),
                handles: parties.map(|party| times(party.element(), BLINDING)),
            },
            claim: Claim {
                value,
                blinding: Scalar::from(BLINDING),
                ranged: (value, Scalar::from(BLINDING)),
                key: *keys[prover].secret(),
                limbs: limbs(kind, held.wrapping_sub(value)),
            },
        }
    }

    fn holds(&self) -> bool {
        let statement = Statement {
            kind: self.kind,
            context: [7; 32],
            parties: &self.parties,
            source: &self.source,
            amount: &self.amount,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let proof = prove_unchecked(&statement, &self.claim, &mut rng);
        verify(&statement, &proof).is_ok()
    }
}

/// A true claim, and the same after `fault`.
fn refuses(kind: Kind, fault: impl FnOnce(&mut Case)) -> bool {
    let mut case = Case::new(kind, 5_000, 1_200);
    assert!(case.holds());
    fault(&mut case);
    !case.holds()
}

const KINDS: [Kind; 2] = [Kind::Open, Kind::Settle];

#[test]
fn relation_1_the_amount_is_what_its_parties_can_open() {
    for kind in KINDS {
        let prover = kind.prover() as usize;
        // Handles that agree with each other and not with the commitment.
        assert!(refuses(kind, |case| {
            case.claim.blinding += Scalar::ONE;
            for (handle, party) in case.amount.handles.iter_mut().zip(case.parties) {
                *handle = *handle + *party.element();
            }
            let more = *case.parties[prover].element();
            case.source.handles[0] = case.source.handles[0] + more;
        }));
        // Another value than that in range.
        assert!(refuses(kind, |case| case.claim.value += 1));
    }
}

#[test]
fn relation_2_each_party_has_the_handle_of_this_amount() {
    for kind in KINDS {
        let prover = kind.prover() as usize;
        for place in 0..3 {
            assert!(refuses(kind, |case| {
                let other = times(case.parties[place].element(), 5);
                case.amount.handles[place] = case.amount.handles[place] + other;
                if place == prover {
                    case.source.handles[0] = case.source.handles[0] + other;
                }
            }));
        }
    }
}

#[test]
fn relation_3_the_key_is_the_provers() {
    for kind in KINDS {
        // With another s, a source can be found that makes relation 4 true.
        assert!(refuses(kind, |case| {
            let other = Scalar::from(1_234u64);
            let factor = case.claim.key * other.invert();
            let prover = case.kind.prover() as usize;
            let rest = case.source.handles[0] - case.amount.handles[prover];
            let moved = Element::from_point(rest.point() * factor);
            case.source.handles[0] = case.amount.handles[prover] + moved;
            case.claim.key = other;
        }));
    }
}

#[test]
fn relation_4_the_rest_is_what_the_source_holds_less_the_amount() {
    for kind in KINDS {
        assert!(refuses(kind, |case| case.claim.limbs[0] += 1));
        assert!(refuses(kind, |case| {
            case.source.commitment = case.source.commitment - value_generator();
        }));
        assert!(refuses(kind, |case| {
            case.source.handles[0] = case.source.handles[0] + value_generator();
        }));
    }
}

#[test]
fn relation_5_no_amount_is_as_large_as_2_to_the_32() {
    for (value, holds) in [((1 << 32) - 1, true), (1 << 32, false), (u64::MAX, false)] {
        assert_eq!(Case::new(Kind::Open, u64::MAX, value).holds(), holds);
    }
}

#[test]
fn relation_5_no_rest_is_below_zero() {
    for kind in KINDS {
        assert!(Case::new(kind, 10, 10).holds());
        // What is left, −1, is no limb; 2^64 − 1 takes its place and breaks relation 4.
        assert!(!Case::new(kind, 10, 11).holds());
        assert!(!Case::new(kind, 0, u64::from(u32::MAX)).holds());
    }
}

#[test]
fn relation_5_no_limb_of_a_rest_is_as_large_as_2_to_the_32() {
    for (held, holds) in [(u64::from(u32::MAX), true), (1 << 32, false)] {
        assert_eq!(Case::new(Kind::Settle, held, 0).holds(), holds);
    }
    assert!(Case::new(Kind::Open, u64::MAX, 0).holds());
    // The same rest, with one unit of the higher limb moved to the lower.
    let mut case = Case::new(Kind::Open, 1 << 40, 0);
    assert!(case.holds());
    case.claim.limbs = vec![1 << 32, (1 << 8) - 1];
    assert!(!case.holds());
}
