//! Groth16's prover: from the values of all variables to the three points of a proof.
//!
//! The proof is the one that arkworks' prover makes with the same blinding. What differs is how its sums are taken:
//! once for all that enters a point, over the points of the key that are not the identity.

use ark_bls12_381::{Bls12_381, G1Affine, G2Affine, g1, g2};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_groth16::{Proof, ProvingKey};
use zeroize::Zeroizing;

use super::msm::Bases;
use crate::curve::Field;
use crate::endomorphism::{self, Digits};

/// The points of a proving key, ordered by what they are added up to.
///
/// With z for the values, h for the quotient's coefficients and the key's names for its points:
/// `A = α + Σ zᵢ·aᵢ + r·δ`, `B = β + Σ zᵢ·bᵢ + s·δ` in G2, and
/// `C = s·A + Σ zᵢ·lᵢ + Σ hᵢ·hᵢ + r·(β + Σ zᵢ·bᵢ)` in G1, since the `s·δ` that B has in G1 cancels against `−r·s·δ`.
pub(super) struct Points {
    alpha: G1Affine,
    beta: G2Affine,
    a: Bases<g1::Config>,
    b: Bases<g2::Config>,
    c: Bases<g1::Config>,
}

/// What makes a proof hide its witness.
pub(super) struct Blinding {
    pub(super) r: Zeroizing<Field>,
    pub(super) s: Zeroizing<Field>,
}

/// Where the scalars of the sums stand: r, s, the variables with 1 first, the quotient, r times the variables.
struct Places {
    variables: usize,
    quotient: usize,
}

const R: usize = 0;
const S: usize = 1;
const VARIABLES: usize = 2;

impl Places {
    fn quotient(&self) -> usize {
        VARIABLES + self.variables
    }

    fn blinded_variables(&self) -> usize {
        self.quotient() + self.quotient
    }
}

fn places<P>(from: usize, points: &[P]) -> impl Iterator<Item = (u32, &P)> {
    (from as u32..).zip(points)
}

impl Points {
    pub(super) fn new(key: &ProvingKey<Bls12_381>) -> Self {
        let places_of = Places {
            variables: key.a_query.len(),
            quotient: key.h_query.len(),
        };
        let witness = places_of.quotient() - key.l_query.len();
        let blinded = places_of.blinded_variables();
        Self {
            alpha: key.vk.alpha_g1,
            beta: key.vk.beta_g2,
            a: Bases::new(places(VARIABLES, &key.a_query).chain([(R as u32, &key.delta_g1)])),
            b: Bases::new(places(VARIABLES, &key.b_g2_query).chain([(S as u32, &key.vk.delta_g2)])),
            c: Bases::new(
                places(witness, &key.l_query)
                    .chain(places(places_of.quotient(), &key.h_query))
                    .chain(places(blinded, &key.b_g1_query))
                    .chain([(R as u32, &key.beta_g1)]),
            ),
        }
    }

    /// The proof for the values of all variables, 1 first, and the quotient's coefficients.
    pub(super) fn prove(
        &self,
        variables: &[Field],
        quotient: &[Field],
        blinding: &Blinding,
    ) -> Proof<Bls12_381> {
        let Blinding { r, s } = blinding;
        let mut scalars = Zeroizing::new(Vec::<Digits>::with_capacity(
            2 + 2 * variables.len() + quotient.len(),
        ));
        scalars.extend([**r, **s].iter().map(endomorphism::digits));
        scalars.extend(variables.iter().chain(quotient).map(endomorphism::digits));
        scalars.extend(
            variables
                .iter()
                .map(|value| endomorphism::digits(&(*value * **r))),
        );
        let ((a, b), c) = rayon::join(
            || rayon::join(|| self.a.sum(&scalars), || self.b.sum(&scalars)),
            || self.c.sum(&scalars),
        );
        let a = (a + self.alpha).into_affine();
        Proof {
            a,
            b: (b + self.beta).into_affine(),
            c: (c + a.into_group() * **s).into_affine(),
        }
    }
}
