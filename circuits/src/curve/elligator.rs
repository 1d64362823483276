//! Elligator2 onto Jubjub through its Montgomery form `B·t² = s³ + A·s² + s`.
//!
//! # Source
//! RFC 9380 § 6.7.1 (`map_to_curve_elligator2`) with `J = A = 40962`, `K = B = −40964` and
//! `Z = 5`, which is what the RFC's `find_z_ell2` returns for this field; then the birational map of
//! § D.1 to the Edwards form. One map is applied where RFC 9380 § 3 wants the sum of two for a hash
//! that is indifferentiable from a random oracle: see [`crate::oprf::hash_to_curve`].

use ark_ec::twisted_edwards::MontCurveConfig;
use ark_ed_on_bls12_381::{EdwardsAffine, JubjubConfig};
use ark_ff::{BigInteger, Field as _, LegendreSymbol, MontFp, One, PrimeField, batch_inversion};

use super::Field;

const A: Field = <JubjubConfig as MontCurveConfig>::COEFF_A;
const B: Field = <JubjubConfig as MontCurveConfig>::COEFF_B;
/// The non-square of the map.
const Z: Field = MontFp!("5");

/// The point of the curve that each field element maps to; not yet in 𝔾.
pub(crate) fn map_to_curve(elements: &[Field]) -> Vec<EdwardsAffine> {
    let b_inverse = B.inverse().unwrap_or_default();
    // 1 + Z·u² is never zero, since −1 is a square and Z is not.
    let mut inverses: Vec<Field> = elements
        .iter()
        .map(|u| Field::one() + Z * u.square())
        .collect();
    batch_inversion(&mut inverses);
    let montgomery: Vec<(Field, Field)> = inverses
        .into_iter()
        .map(|inverse| {
            let s = -A * inverse;
            let square = |s: Field| ((s + A) * s + Field::one()) * s * b_inverse;
            let first = matches!(
                square(s).legendre(),
                LegendreSymbol::QuadraticResidue | LegendreSymbol::Zero
            );
            let s = if first { s } else { -s - A };
            let t = square(s).sqrt().unwrap_or_default();
            // sgn0(t / K) is 1 on the first branch and 0 on the second.
            let odd = (t * b_inverse).into_bigint().is_odd();
            (s, if odd == first { t } else { -t })
        })
        .collect();
    let mut inverses: Vec<Field> = montgomery
        .iter()
        .map(|(s, t)| *t * (*s + Field::one()))
        .collect();
    batch_inversion(&mut inverses);
    montgomery
        .into_iter()
        .zip(inverses)
        .map(|((s, t), inverse)| {
            // (s/t, (s−1)/(s+1)). t = 0 only at (0, 0), which is (0, −1); s = −1 is off the curve.
            if t == Field::default() {
                return EdwardsAffine::new_unchecked(t, -Field::one());
            }
            let x = s * (s + Field::one()) * inverse;
            let y = (s - Field::one()) * t * inverse;
            EdwardsAffine::new_unchecked(x, y)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ark_ec::AffineRepr;
    use ark_ff::AdditiveGroup;
    use serde_json::Value;

    use super::*;
    use crate::curve::{clear_cofactor, decode_field, encode_affine};

    fn vectors() -> Vec<(Field, Vec<u8>, Vec<u8>)> {
        let file: Value =
            serde_json::from_str(include_str!("../../vectors/v1/elligator2.json")).unwrap();
        let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
        let cases = file["cases"].as_array().unwrap().iter();
        cases
            .map(|case| {
                let u = decode_field(&bytes(&case["u"]).try_into().unwrap()).unwrap();
                (u, bytes(&case["mapped"]), bytes(&case["cleared"]))
            })
            .collect()
    }

    #[test]
    fn elements_map_to_the_points_of_another_implementation() {
        let vectors = vectors();
        assert!(!vectors.is_empty());
        let elements: Vec<Field> = vectors.iter().map(|(u, ..)| *u).collect();
        let mapped = map_to_curve(&elements);
        let cleared = clear_cofactor(&mapped);
        for (index, (u, expected, expected_cleared)) in vectors.iter().enumerate() {
            assert_eq!(encode_affine(&mapped[index]), expected[..], "{u}");
            assert_eq!(encode_affine(&cleared[index]), expected_cleared[..], "{u}");
            // One alone is what it is in a batch, and u and −u are not told apart.
            assert_eq!(map_to_curve(&[*u])[0], mapped[index]);
            assert_eq!(map_to_curve(&[-*u])[0], mapped[index]);
        }
    }

    #[test]
    fn zero_maps_to_a_point_of_small_order_and_spoils_no_neighbour() {
        let [zero, two] = map_to_curve(&[Field::ZERO, Field::from(2)])[..] else {
            panic!("two elements map to two points");
        };
        assert!(zero.is_on_curve() && two.is_on_curve());
        assert!(clear_cofactor(&[zero])[0].is_zero());
        assert_eq!(two, map_to_curve(&[Field::from(2)])[0]);
    }
}
