//! Groth16's prover: from the values of all variables to the three points of a proof.
//!
//! The proof is the one that arkworks' prover makes with the same blinding. What differs is how its sums are taken:
//! once for all that enters a point, over the points of the key that are not the identity.

use ark_bls12_381::{Bls12_381, G1Affine, G2Affine, g1, g2};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::UniformRand as _;
use ark_groth16::{Proof, ProvingKey};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::msm::Bases;
use crate::curve::Field;
use crate::endomorphism::{Digits, digits};

/// What makes a proof hide its witness.
pub(super) struct Blinding {
    r: Zeroizing<Field>,
    s: Zeroizing<Field>,
}

impl Blinding {
    pub(super) fn random<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self {
            r: Zeroizing::new(Field::rand(rng)),
            s: Zeroizing::new(Field::rand(rng)),
        }
    }
}

/// The points of a proving key, ordered by what they are added up to.
///
/// With z for the variables' values, h for the quotient's coefficients and the key's letters for its points:
/// `A = α + Σ zᵢ·Aᵢ + r·δ`; `B = β + Σ zᵢ·Bᵢ + s·δ` in G2; and in G1
/// `C = s·A + Σ zᵢ·Lᵢ + Σ hᵢ·Hᵢ + r·(β + Σ zᵢ·Bᵢ)`, since the `r·s·δ` in r times B cancels against the one that is
/// taken away.
pub(super) struct Points {
    alpha: G1Affine,
    beta: G2Affine,
    a: Bases<g1::Config>,
    b: Bases<g2::Config>,
    c: Bases<g1::Config>,
}

// Where the scalars stand: r, s, the variables with 1 first, r times the variables, the quotient.
const R: usize = 0;
const S: usize = 1;
const VARIABLES: usize = 2;

impl Points {
    pub(super) fn new(key: &ProvingKey<Bls12_381>) -> Self {
        let blinded_variables = VARIABLES + key.a_query.len();
        let quotient = blinded_variables + key.a_query.len();
        let witness = blinded_variables - key.l_query.len();
        let a = from(VARIABLES, &key.a_query).chain([at(R, &key.delta_g1)]);
        let b = from(VARIABLES, &key.b_g2_query).chain([at(S, &key.vk.delta_g2)]);
        let c = from(witness, &key.l_query)
            .chain(from(quotient, &key.h_query))
            .chain(from(blinded_variables, &key.b_g1_query))
            .chain([at(R, &key.beta_g1)]);
        Self {
            alpha: key.vk.alpha_g1,
            beta: key.vk.beta_g2,
            a: Bases::new(a),
            b: Bases::new(b),
            c: Bases::new(c),
        }
    }

    /// The proof for the values of all variables, 1 first, and the quotient's coefficients.
    pub(super) fn prove(
        &self,
        variables: &[Field],
        quotient: &[Field],
        blinding: &Blinding,
    ) -> Proof<Bls12_381> {
        let (r, s) = (*blinding.r, *blinding.s);
        let count = VARIABLES + 2 * variables.len() + quotient.len();
        let mut scalars = Zeroizing::new(Vec::<Digits>::with_capacity(count));
        scalars.extend([digits(&r), digits(&s)]);
        scalars.extend(variables.iter().map(digits));
        scalars.extend(variables.iter().map(|value| digits(&(r * value))));
        scalars.extend(quotient.iter().map(digits));
        let ((a, b), c) = rayon::join(
            || rayon::join(|| self.a.sum(&scalars), || self.b.sum(&scalars)),
            || self.c.sum(&scalars),
        );
        let a = (a + self.alpha).into_affine();
        Proof {
            a,
            b: (b + self.beta).into_affine(),
            c: (c + a.into_group() * s).into_affine(),
        }
    }
}

/// A point, and where its scalar stands.
fn at<P>(place: usize, point: &P) -> (u32, &P) {
    // The circuit has some ten thousand variables.
    (place as u32, point)
}

/// Points whose scalars stand beside each other.
fn from<P>(first: usize, points: &[P]) -> impl Iterator<Item = (u32, &P)> {
    let place = move |(index, point)| at(first + index, point);
    points.iter().enumerate().map(place)
}
