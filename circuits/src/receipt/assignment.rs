//! Everything that the circuit is given, as field elements.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::gadget::DIGITS;
use super::montgomery::MontgomeryPoint;
use super::statement::PUBLIC_INPUTS;
use crate::curve::Field;
use crate::list::LIST_DEPTH;
use crate::log::LOG_DEPTH;
use crate::merkle::ARITY;
use crate::oprf::Half;

/// A slot and the siblings on its way to a root, from the leaf up.
#[derive(Clone, Copy, PartialEq, Eq, Zeroize)]
pub struct TreePath<const DEPTH: usize> {
    /// The leaf's slot. Bits beyond the tree's slots are ignored.
    pub slot: u64,
    /// At each height the other three children.
    pub siblings: [[Field; ARITY - 1]; DEPTH],
}

/// Digits of ±1 from the most significant on, `true` for 1.
pub type Digits = [bool; DIGITS];

/// What the circuit's variables are computed from: public inputs and witness.
///
/// Unlike a [`Witness`](super::Witness), it can hold anything, true or not: tests of soundness and
/// the set-up need that. Secret; wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Assignment {
    /// The public inputs, in the order of [`PUBLIC_INPUT_NAMES`](super::PUBLIC_INPUT_NAMES).
    pub public: [Field; PUBLIC_INPUTS],
    /// t, the subject's type code.
    pub kind: Field,
    /// x, the identifier.
    pub x: Field,
    /// s, the secret of the commitment.
    pub secret: Field,
    /// The digits of a, where r = a/b.
    pub a: Digits,
    /// The digits of b.
    pub b: Digits,
    /// Elligator2's image: the eighth of H, or its negative.
    pub hashed: MontgomeryPoint,
    /// B, or its negative.
    pub blinded: MontgomeryPoint,
    /// Z, or its negative.
    pub evaluated: MontgomeryPoint,
    /// N₀, an eighth of N.
    pub unblinded: MontgomeryPoint,
    /// The way from the call's leaf to the log's root.
    pub log_path: TreePath<LOG_DEPTH>,
    /// ⌊T / 2^127⌋, the tag.
    pub tag_high: Field,
    /// T mod 2^127.
    pub tag_low: Field,
    /// The tag of the deciding leaf.
    pub low: Field,
    /// The next larger tag.
    pub next: Field,
    /// The way from the deciding leaf to the list's root.
    pub list_path: TreePath<LIST_DEPTH>,
    /// o: whether an owner proves a sampled entry.
    pub sampled: Field,
}

impl Assignment {
    /// Of the right shape, and satisfying nothing.
    pub(super) fn blank() -> Self {
        let zero = Field::default();
        Self {
            public: [zero; PUBLIC_INPUTS],
            kind: zero,
            x: zero,
            secret: zero,
            a: [false; DIGITS],
            b: [false; DIGITS],
            hashed: MontgomeryPoint::default(),
            blinded: MontgomeryPoint::default(),
            evaluated: MontgomeryPoint::default(),
            unblinded: MontgomeryPoint::default(),
            log_path: TreePath {
                slot: 0,
                siblings: [[zero; ARITY - 1]; LOG_DEPTH],
            },
            tag_high: zero,
            tag_low: zero,
            low: zero,
            next: zero,
            list_path: TreePath {
                slot: 0,
                siblings: [[zero; ARITY - 1]; LIST_DEPTH],
            },
            sampled: zero,
        }
    }
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assignment(<redacted>)")
    }
}

/// The digits of an odd number below `2^DIGITS` in size; `None` for an even one.
pub(super) fn digits(half: &Half) -> Option<Digits> {
    let bit = |place: usize| half.magnitude[place / 64] >> (place % 64) & 1 == 1;
    if !bit(0) || bit(DIGITS) {
        return None;
    }
    // Σ dᵢ·2^i with dᵢ = 2βᵢ − 1 is 2β − 2^n + 1, so that β = ⌊v/2⌋ + 2^(n−1) for v > 0; −v has all
    // digits the other way round.
    let mut digits = [true; DIGITS];
    for place in 0..DIGITS - 1 {
        digits[DIGITS - 1 - place] = bit(place + 1);
    }
    Some(digits.map(|digit| digit != half.negative))
}
