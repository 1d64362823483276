//! Calls about nobody, which both sides make from what they share.
//!
//! A batch is padded so that its size tells others less. Whoever answers must see that padding is
//! padding, for it charges nothing: padding comes from a seed that both sides draw, as entries of the type
//! that no identifier has, under factors that the asker does not choose. An evaluation of one says nothing
//! about any identifier.

use ark_ff::PrimeField;
use rand_core::{CryptoRng, RngCore, impls};

use super::blind::{BlindState, blind_entries};
use super::finalize::Entry;
use super::input::HashesToSmallOrder;
use crate::curve::{Field, Point};
use crate::scope::{ListId, TagEpoch};

const CONTEXT: &str = "tacit v1 padding calls";

/// Makes `count` padding calls to a list: `x` of each is 64 bytes of BLAKE3 in key derivation mode over the
/// seed, little-endian, modulo r; then each factor 64 bytes modulo ℓ, drawn as [`blind`](super::blind) draws.
///
/// # Errors
/// [`HashesToSmallOrder`], with overwhelming probability never.
pub fn padding_calls(
    seed: &[u8; 32],
    count: usize,
    list: ListId,
    tag_epoch: TagEpoch,
) -> Result<(Vec<BlindState>, Vec<Point>), HashesToSmallOrder> {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(seed);
    let mut stream = Stream(hasher.finalize_xof());
    let entries: Vec<Entry> = (0..count)
        .map(|_| {
            let mut wide = [0; 64];
            stream.fill_bytes(&mut wide);
            Entry::padding_of(Field::from_le_bytes_mod_order(&wide))
        })
        .collect();
    blind_entries(&entries, list, tag_epoch, &mut stream)
}

/// The output of BLAKE3 as randomness.
struct Stream(blake3::OutputReader);

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Stream {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_the_seeds_the_lists_and_the_epochs() {
        let points = |seed, count, list, epoch| {
            padding_calls(&[seed; 32], count, ListId(list), TagEpoch(epoch))
                .expect("points")
                .1
        };
        let some = points(1, 5, 2, 3);
        assert_eq!(some, points(1, 5, 2, 3));
        for others in [points(2, 5, 2, 3), points(1, 5, 3, 3), points(1, 5, 2, 4)] {
            assert!(some.iter().all(|point| !others.contains(point)));
        }
        assert!(points(1, 0, 2, 3).is_empty());
    }
}
