//! The Poseidon2 permutation over F with state 3 and 4, and the hashes made of it.
//!
//! `H2(d; a, b) = P3(a, b, d)[0]`, `H3(d; a, b, c) = P4(a, b, c, d)[0]`, and a tree node is
//! `P4(c0, c1, c2, c3)[0] + c0`. `d` is a [`Domain`]'s constant and fills the capacity, so each use
//! has a hash function of its own.
//!
//! # Source
//! Grassi, Khovratovich, Schofnegger, *Poseidon2* (AFRICACRYPT 2023): S-box x⁵, 8 full and 56
//! partial rounds for 128 bits of security at this field. The round constants come from the Grain
//! generator, and so does the internal matrix of the state 4, which stands here as in the authors'
//! parameter file for BLS12-381; the tests hold both permutations against the vectors published
//! with it.

mod domain;
mod grain;

use std::sync::LazyLock;

use ark_ff::{AdditiveGroup, Field as _, MontFp};

pub use domain::Domain;

use super::Field;
use grain::Grain;

/// Rounds with an S-box on every element, half before and half after the partial ones.
const FULL_ROUNDS: usize = 8;
/// Rounds with one S-box.
const PARTIAL_ROUNDS: usize = 56;

/// The diagonal of the internal matrix of the state 4, less one.
const DIAGONAL_4: [Field; 4] = [
    MontFp!("3318655301660913042182619814759206048255383170476851554953749170663204936509"),
    MontFp!("44109141949870474831175246250426841318460684547410744873114578168622501784228"),
    MontFp!("29659240597933972492294679304149537656111319867730125083673280425768884331730"),
    MontFp!("22737209252563391582737936950219322780303060945177735953720593600577551054727"),
];

static STATE_3: LazyLock<Permutation<3>> = LazyLock::new(Permutation::generate);
static STATE_4: LazyLock<Permutation<4>> = LazyLock::new(Permutation::generate);

/// `P3`, in place.
pub fn permute_3(state: &mut [Field; 3]) {
    STATE_3.permute(state, external_3, internal_3);
}

/// `P4`, in place.
pub fn permute_4(state: &mut [Field; 4]) {
    STATE_4.permute(state, external_4, internal_4);
}

/// `H2(d; a, b) = P3(a, b, d)[0]`.
#[must_use]
pub fn hash_2(domain: Domain, a: Field, b: Field) -> Field {
    let mut state = [a, b, domain.constant()];
    permute_3(&mut state);
    state[0]
}

/// `H3(d; a, b, c) = P4(a, b, c, d)[0]`.
#[must_use]
pub fn hash_3(domain: Domain, a: Field, b: Field, c: Field) -> Field {
    let mut state = [a, b, c, domain.constant()];
    permute_4(&mut state);
    state[0]
}

/// A node over four children: `P4(c0, c1, c2, c3)[0] + c0`.
///
/// The feed-forward makes it one-way although all four inputs are chosen; it needs no domain, since
/// trees have a fixed depth.
#[must_use]
pub fn hash_node(children: &[Field; 4]) -> Field {
    let mut state = *children;
    permute_4(&mut state);
    state[0] + children[0]
}

/// What a circuit needs of a permutation: the constants, and both linear layers.
pub(crate) struct Rounds<const T: usize> {
    pub(crate) full: &'static [[Field; T]; FULL_ROUNDS],
    pub(crate) partial: &'static [Field; PARTIAL_ROUNDS],
    pub(crate) external: fn(&mut [Field; T]),
    pub(crate) internal: fn(&mut [Field; T]),
}

/// The parts of `P3`.
pub(crate) fn rounds_3() -> Rounds<3> {
    STATE_3.rounds(external_3, internal_3)
}

/// The parts of `P4`.
pub(crate) fn rounds_4() -> Rounds<4> {
    STATE_4.rounds(external_4, internal_4)
}

struct Permutation<const T: usize> {
    full: [[Field; T]; FULL_ROUNDS],
    partial: [Field; PARTIAL_ROUNDS],
}

impl<const T: usize> Permutation<T> {
    fn generate() -> Self {
        let mut grain = Grain::new(T as u32, FULL_ROUNDS as u32, PARTIAL_ROUNDS as u32);
        let mut full = [[Field::ZERO; T]; FULL_ROUNDS];
        let mut partial = [Field::ZERO; PARTIAL_ROUNDS];
        // In the order of the rounds: the first four full ones, the partial ones, the last four.
        let (before, after) = full.split_at_mut(FULL_ROUNDS / 2);
        for constant in before
            .as_flattened_mut()
            .iter_mut()
            .chain(&mut partial)
            .chain(after.as_flattened_mut())
        {
            *constant = grain.field();
        }
        Self { full, partial }
    }

    fn rounds(
        &'static self,
        external: fn(&mut [Field; T]),
        internal: fn(&mut [Field; T]),
    ) -> Rounds<T> {
        Rounds {
            full: &self.full,
            partial: &self.partial,
            external,
            internal,
        }
    }

    #[inline(always)]
    fn permute(
        &self,
        state: &mut [Field; T],
        external: impl Fn(&mut [Field; T]),
        internal: impl Fn(&mut [Field; T]),
    ) {
        let full_round = |state: &mut [Field; T], constants: &[Field; T]| {
            for (element, constant) in state.iter_mut().zip(constants) {
                *element += constant;
                s_box(element);
            }
            external(state);
        };
        external(state);
        for constants in &self.full[..FULL_ROUNDS / 2] {
            full_round(state, constants);
        }
        for constant in &self.partial {
            state[0] += constant;
            s_box(&mut state[0]);
            internal(state);
        }
        for constants in &self.full[FULL_ROUNDS / 2..] {
            full_round(state, constants);
        }
    }
}

/// `x⁵`.
#[inline(always)]
fn s_box(x: &mut Field) {
    let mut fourth = *x;
    fourth.square_in_place();
    fourth.square_in_place();
    *x *= fourth;
}

/// `circ(2, 1, 1)`.
#[inline(always)]
fn external_3(state: &mut [Field; 3]) {
    let sum = state[0] + state[1] + state[2];
    for element in state {
        *element += sum;
    }
}

/// The paper's `M4`, by its eight additions and four doublings.
#[inline(always)]
fn external_4(state: &mut [Field; 4]) {
    let t0 = state[0] + state[1];
    let t1 = state[2] + state[3];
    let t2 = state[1].double() + t1;
    let t3 = state[3].double() + t0;
    let t4 = t1.double().double() + t3;
    let t5 = t0.double().double() + t2;
    *state = [t3 + t5, t5, t2 + t4, t4];
}

/// All ones, plus `diag(1, 1, 2)`.
#[inline(always)]
fn internal_3(state: &mut [Field; 3]) {
    let sum = state[0] + state[1] + state[2];
    state[0] += sum;
    state[1] += sum;
    state[2] = state[2].double() + sum;
}

/// All ones, plus [`DIAGONAL_4`].
#[inline(always)]
fn internal_4(state: &mut [Field; 4]) {
    let sum = state[0] + state[1] + state[2] + state[3];
    for (element, factor) in state.iter_mut().zip(&DIAGONAL_4) {
        *element *= factor;
        *element += sum;
    }
}
