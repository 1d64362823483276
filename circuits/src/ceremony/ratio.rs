//! Whether vectors stand in a ratio, by random sums.
//!
//! Every vector is combined under weights of 128 bits that whoever verifies draws afresh, so that one wrong point in it
//! goes unseen with probability 2⁻¹²⁸. That takes points of prime order, which reading them established.

use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use ark_ec::pairing::{Pairing as _, PairingOutput};
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr as _, CurveGroup as _, VariableBaseMSM as _};
use ark_ff::{BigInt, PrimeField as _, Zero as _};
use rand_core::{CryptoRng, RngCore};

use crate::curve::Field;

/// A weight of 128 bits.
pub(super) type Weight = BigInt<4>;

pub(super) fn weights<R: RngCore + CryptoRng>(count: usize, rng: &mut R) -> Vec<Weight> {
    let weight = |_| BigInt([rng.next_u64(), rng.next_u64(), 0, 0]);
    (0..count).map(weight).collect()
}

/// Σ weight·point.
pub(super) fn combine<C: SWCurveConfig<ScalarField = Field>>(
    points: &[Affine<C>],
    weights: &[Weight],
) -> Affine<C> {
    Projective::<C>::msm_bigint(points, weights).into_affine()
}

/// Σ scalar·point.
pub(super) fn product<C: SWCurveConfig<ScalarField = Field>>(
    points: &[Affine<C>],
    scalars: &[Field],
) -> Projective<C> {
    let scalars: Vec<Weight> = scalars.iter().map(|scalar| scalar.into_bigint()).collect();
    Projective::<C>::msm_bigint(points, &scalars)
}

/// Whether e(a, b) = e(c, d).
pub(super) fn pairings_agree(a: G1Affine, b: G2Affine, c: G1Affine, d: G2Affine) -> bool {
    let PairingOutput(quotient) = Bls12_381::multi_pairing([a, -c], [b, d]);
    PairingOutput::<Bls12_381>(quotient).is_zero()
}

/// Whether each point of G1 is the one before it times τ, of which τ·G2 is given.
pub(super) fn are_powers_g1<R: RngCore + CryptoRng>(
    points: &[G1Affine],
    tau_g2: G2Affine,
    rng: &mut R,
) -> bool {
    let (low, high) = steps(points, rng);
    pairings_agree(low, tau_g2, high, G2Affine::generator())
}

/// Whether each point of G2 is the one before it times τ, of which τ·G1 is given.
pub(super) fn are_powers_g2<R: RngCore + CryptoRng>(
    points: &[G2Affine],
    tau_g1: G1Affine,
    rng: &mut R,
) -> bool {
    let (low, high) = steps(points, rng);
    pairings_agree(tau_g1, low, G1Affine::generator(), high)
}

/// All points but the last and all but the first, under the same weights.
fn steps<C: SWCurveConfig<ScalarField = Field>, R: RngCore + CryptoRng>(
    points: &[Affine<C>],
    rng: &mut R,
) -> (Affine<C>, Affine<C>) {
    let steps = points.len().saturating_sub(1);
    let weights = weights(steps, rng);
    (
        combine(&points[..steps], &weights),
        combine(&points[points.len() - steps..], &weights),
    )
}
