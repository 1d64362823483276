//! Writes a blinding as a fraction of two short odd numbers.
//!
//! A receipt shows `a·H = b·B` instead of `B = r·H`, with `r = a/b` modulo ℓ and `a`, `b` of about
//! half of ℓ's length, which halves the circuit's work. Both are odd, so that their digits can be
//! ±1. About 0.3 % of all `r` have no such fraction; they are drawn again before anything is sent.
//!
//! This runs in variable time, in the querier's own process; nothing else does that touches `r`.

use std::cmp::Ordering;

use zeroize::Zeroize;

use crate::curve::limbs;
use crate::curve::scalar::Scalar;

/// Bound on the length of both parts: `|a|, |b| < 2^130`.
pub const SPLIT_BITS: u32 = 130;

/// ℓ, as 64-bit limbs from the least significant.
const ORDER: [u64; 4] = [
    0xd097_0e5e_d6f7_2cb7,
    0xa668_2093_ccc8_1082,
    0x0667_3b01_0134_3b00,
    0x0e7d_b4ea_6533_afa9,
];

/// Longer rows of the reduction cannot contribute to a fraction within [`SPLIT_BITS`].
const ROW_BITS: u32 = SPLIT_BITS + 2;
/// Coefficients tried in combining two rows, up to this size either way.
const COEFFICIENT: i8 = 2;

/// `r = a/b` modulo ℓ, both odd and below 2^130 in size. A secret as `r` is.
#[derive(Clone, Copy, PartialEq, Eq, Zeroize)]
pub struct Split {
    /// The numerator.
    pub a: Half,
    /// The denominator.
    pub b: Half,
}

/// A signed integer of at most [`SPLIT_BITS`] bits.
#[derive(Clone, Copy, PartialEq, Eq, Zeroize)]
pub struct Half {
    /// Whether it is below zero.
    pub negative: bool,
    /// Its size, as 64-bit limbs from the least significant.
    pub magnitude: [u64; 3],
}

impl Split {
    /// The smallest such fraction among the combinations of the shortest rows of Euclid's
    /// algorithm on `(ℓ, r)`; `None` where there is none.
    pub(super) fn of_vartime(r: &Scalar) -> Option<Self> {
        let rows = short_rows_vartime(&limbs(&r.to_bytes()));
        let mut best: Option<(Wide, Wide, Wide)> = None;
        for (index, first) in rows.iter().enumerate() {
            for second in &rows[index + 1..] {
                for i in -COEFFICIENT..=COEFFICIENT {
                    for j in -COEFFICIENT..=COEFFICIENT {
                        let a = first.0.times(i).plus(second.0.times(j));
                        let b = first.1.times(i).plus(second.1.times(j));
                        if !a.is_odd() || !b.is_odd() {
                            continue;
                        }
                        let size = a.size().max(b.size());
                        if size.bits() <= SPLIT_BITS
                            && best.is_none_or(|(smallest, ..)| size < smallest)
                        {
                            best = Some((size, a, b));
                        }
                    }
                }
            }
        }
        best.map(|(_, a, b)| Self {
            a: a.half(),
            b: b.half(),
        })
    }
}

/// Rows `(u, v)` with `u = v·r` modulo ℓ and both within [`ROW_BITS`], the two around the middle and
/// their neighbours.
fn short_rows_vartime(r: &[u64; 4]) -> Vec<(Wide, Wide)> {
    let (mut before, mut row) = (
        (Wide::from_limbs(&ORDER), Wide::ZERO),
        (Wide::from_limbs(r), Wide::ONE),
    );
    let mut rows = Vec::with_capacity(8);
    // Remainders fall and cofactors grow; past ROW_BITS no later cofactor is short again.
    while row.1.size().bits() <= ROW_BITS {
        if row.0.bits() <= ROW_BITS {
            rows.push(row);
        }
        if row.0 == Wide::ZERO {
            break;
        }
        // before − q·row by shifts, largest first.
        while before.0 >= row.0 {
            let mut shift = before.0.bits() - row.0.bits();
            if row.0.shifted(shift) > before.0 {
                shift -= 1;
            }
            before.0 = before.0.plus(row.0.shifted(shift).negated());
            before.1 = before.1.plus(row.1.shifted(shift).negated());
        }
        (before, row) = (row, before);
    }
    rows
}

/// A 256-bit integer in two's complement; the values met here stay below 2^253 in size.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wide {
    high: i128,
    low: u128,
}

impl Wide {
    const ZERO: Self = Self { high: 0, low: 0 };
    const ONE: Self = Self { high: 0, low: 1 };

    fn from_limbs(limbs: &[u64; 4]) -> Self {
        let pair = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
        Self {
            high: pair(limbs[2], limbs[3]).cast_signed(),
            low: pair(limbs[0], limbs[1]),
        }
    }

    fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Self {
            high: self
                .high
                .wrapping_add(other.high)
                .wrapping_add(i128::from(carry)),
            low,
        }
    }

    fn negated(self) -> Self {
        Self {
            high: !self.high,
            low: !self.low,
        }
        .plus(Self::ONE)
    }

    fn shifted(self, bits: u32) -> Self {
        match bits {
            0 => self,
            1..128 => Self {
                high: self.high << bits | (self.low >> (128 - bits)).cast_signed(),
                low: self.low << bits,
            },
            _ => Self {
                high: (self.low << (bits - 128)).cast_signed(),
                low: 0,
            },
        }
    }

    /// For the few coefficients in use.
    fn times(self, coefficient: i8) -> Self {
        let size = match coefficient.unsigned_abs() {
            0 => Self::ZERO,
            1 => self,
            _ => self.shifted(1),
        };
        if coefficient < 0 {
            size.negated()
        } else {
            size
        }
    }

    fn is_odd(self) -> bool {
        self.low & 1 == 1
    }

    fn size(self) -> Self {
        if self.high < 0 { self.negated() } else { self }
    }

    /// Length of a number that is not negative.
    fn bits(self) -> u32 {
        if self.high == 0 {
            128 - self.low.leading_zeros()
        } else {
            256 - self.high.leading_zeros()
        }
    }

    fn half(self) -> Half {
        let size = self.size();
        Half {
            negative: self.high < 0,
            magnitude: [size.low as u64, (size.low >> 64) as u64, size.high as u64],
        }
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.high, self.low).cmp(&(other.high, other.low))
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
