//! Values out of `v·G`: baby steps and giant steps (Shanks 1971).

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use rayon::prelude::*;

use super::ciphertext::{Ciphertext, public_value};
use super::element::Element;
use super::key::QuotaKey;

/// Baby steps of the usual table, as a power of two: 4 MiB, made once in a fraction of a
/// second, and any amount within 2^14 giant steps, some 10 ms.
const USUAL_BITS: u32 = 18;
/// Larger tables would need more than 512 MiB.
const MAX_BITS: u32 = 25;
/// Points that are encoded together, which shares one inversion.
const CHUNK: usize = 512;
/// Giant steps that are tried first. Most amounts are small, so each further try takes twice as many.
const FIRST_TRY: usize = 8;
/// Slots hold a step in their lowest bits and part of an encoding above.
const STEP_MASK: u64 = (1 << (MAX_BITS + 1)) - 1;

/// The encodings of `2·i·G` for i from 1 to `2^bits`, in open addressing with twice as many slots.
/// Doubles, since those are what can be encoded many at a time.
pub struct ValueTable {
    bits: u32,
    slots: Vec<u64>,
}

impl ValueTable {
    /// A table of the usual size.
    #[must_use]
    pub fn new() -> Self {
        Self::with_bits(USUAL_BITS)
    }

    /// A table of `2^bits` steps, 16 bytes each, between 2^8 and 2^25. Twice the steps halve what a value takes.
    #[must_use]
    pub fn with_bits(bits: u32) -> Self {
        let bits = bits.clamp(8, MAX_BITS);
        let steps: u64 = 1 << bits;
        let starts: Vec<u64> = (1..=steps).step_by(CHUNK).collect();
        let chunks: Vec<Vec<[u8; 32]>> = starts
            .par_iter()
            .map(|start| encode_doubles(multiples(*start, steps)))
            .collect();
        let mut table = Self {
            bits,
            slots: vec![0; 2 << bits],
        };
        for (step, encoding) in (1..).zip(chunks.into_iter().flatten()) {
            table.insert(&encoding, step);
        }
        table
    }

    /// What a ciphertext holds for the holder of `key`, if that is below `bound`. Takes time that grows
    /// with the value: `bound/2^bits` giant steps at most.
    #[must_use]
    pub fn open_vartime(
        &self,
        key: &QuotaKey,
        ciphertext: &Ciphertext<1>,
        bound: u64,
    ) -> Option<u64> {
        self.solve_vartime(&ciphertext.value_point(key), bound)
    }

    /// The v below `bound` with `element = v·G`.
    #[must_use]
    pub fn solve_vartime(&self, element: &Element, bound: u64) -> Option<u64> {
        let stride = public_value(1 << self.bits);
        let mut point = *element.point();
        let mut base = 0;
        let mut steps = FIRST_TRY;
        while base < bound {
            let mut points = Vec::with_capacity(steps);
            for step in 0..steps as u64 {
                // The identity has no double to be encoded with the others, and needs none.
                if point.is_identity() {
                    return base
                        .checked_add(step << self.bits)
                        .filter(|value| *value < bound);
                }
                points.push(point);
                point -= stride.point();
            }
            for (step, encoding) in (0..).zip(encode_doubles(points)) {
                let found = self.candidates(&encoding).find_map(|baby| {
                    let value = base.checked_add(step << self.bits)?.checked_add(baby)?;
                    (value < bound && public_value(value) == *element).then_some(value)
                });
                if found.is_some() {
                    return found;
                }
            }
            base = base.checked_add((steps as u64) << self.bits)?;
            steps = (2 * steps).min(CHUNK);
        }
        None
    }

    fn insert(&mut self, encoding: &[u8; 32], step: u64) {
        let (mut slot, tag) = self.place(encoding);
        while self.slots[slot] != 0 {
            slot = (slot + 1) % self.slots.len();
        }
        self.slots[slot] = tag | step;
    }

    /// Steps whose encodings agree as far as the table holds them: the right one, if it is there.
    fn candidates(&self, encoding: &[u8; 32]) -> impl Iterator<Item = u64> {
        let (first, tag) = self.place(encoding);
        let length = self.slots.len();
        (0..length)
            .map(move |offset| self.slots[(first + offset) % length])
            .take_while(|slot| *slot != 0)
            .filter(move |slot| slot & !STEP_MASK == tag)
            .map(|slot| slot & STEP_MASK)
    }

    /// Where an encoding goes, and what of it the slot holds. Its bits are as good as a hash, and slot
    /// and tag take different ones.
    fn place(&self, encoding: &[u8; 32]) -> (usize, u64) {
        let word = |from: usize| {
            encoding[from..from + 8]
                .iter()
                .rev()
                .fold(0, |word: u64, byte| word << 8 | u64::from(*byte))
        };
        let slot = word(8) % self.slots.len() as u64;
        (slot as usize, word(16) & !STEP_MASK)
    }
}

impl Default for ValueTable {
    fn default() -> Self {
        Self::new()
    }
}

/// `start·G` and what follows, up to a chunk or the last step.
fn multiples(start: u64, last: u64) -> Vec<RistrettoPoint> {
    let first = RistrettoPoint::mul_base(&Scalar::from(start));
    let one = public_value(1);
    let count = (last - start + 1).min(CHUNK as u64) as usize;
    std::iter::successors(Some(first), |point| Some(point + one.point()))
        .take(count)
        .collect()
}

fn encode_doubles(points: Vec<RistrettoPoint>) -> Vec<[u8; 32]> {
    let encodings = RistrettoPoint::double_and_compress_batch(&points);
    encodings.into_iter().map(|encoding| encoding.0).collect()
}
