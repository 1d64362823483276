//! The Grain LFSR in self-shrinking mode, which Poseidon and Poseidon2 draw their constants from.
//!
//! # Source
//! Grassi et al., *Poseidon* (USENIX Security 2021), appendix E; used unchanged by Poseidon2.

use ark_ff::{BigInteger, PrimeField};

use crate::curve::Field;

/// Bits of the register.
const STATE_BITS: usize = 80;
/// Clocks before the first bit is used.
const WARM_UP: usize = 160;

pub(super) struct Grain {
    state: [bool; STATE_BITS],
    position: usize,
}

impl Grain {
    /// A generator for an S-box `x^α` over a prime field.
    pub(super) fn new(width: u32, full_rounds: u32, partial_rounds: u32) -> Self {
        // A prime field is type 1, the S-box x^α with positive α is type 0.
        let fields = [
            (1, 2),
            (0, 4),
            (Field::MODULUS_BIT_SIZE, 12),
            (width, 12),
            (full_rounds, 10),
            (partial_rounds, 10),
            ((1 << 30) - 1, 30),
        ];
        let mut state = [false; STATE_BITS];
        let bits = fields
            .into_iter()
            .flat_map(|(value, bits)| (0..bits).rev().map(move |bit| value >> bit & 1 == 1));
        for (slot, bit) in state.iter_mut().zip(bits) {
            *slot = bit;
        }
        let mut grain = Self { state, position: 0 };
        for _ in 0..WARM_UP {
            grain.clock();
        }
        grain
    }

    fn clock(&mut self) -> bool {
        let tap = |offset| self.state[(self.position + offset) % STATE_BITS];
        let bit = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0);
        self.state[self.position] = bit;
        self.position = (self.position + 1) % STATE_BITS;
        bit
    }

    /// Self-shrinking: of each pair of bits, the second counts where the first is set.
    fn bit(&mut self) -> bool {
        loop {
            let (select, bit) = (self.clock(), self.clock());
            if select {
                return bit;
            }
        }
    }

    /// The next element: big-endian bits, drawn again until below the modulus.
    pub(super) fn field(&mut self) -> Field {
        loop {
            let bits: Vec<bool> = (0..Field::MODULUS_BIT_SIZE).map(|_| self.bit()).collect();
            if let Some(element) =
                Field::from_bigint(<Field as PrimeField>::BigInt::from_bits_be(&bits))
            {
                return element;
            }
        }
    }
}
