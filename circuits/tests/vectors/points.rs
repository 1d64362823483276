use ark_ec::CurveGroup;
use tacit_circuits::curve::{Point, encode_field};
use tacit_circuits::oprf::{KeyError, ListKey, PublicKey};

use super::{array, common, entries, file, point, text, wire};

#[test]
fn multiples_of_the_generator_are_those_of_another_implementation() {
    let file = file("points.json");
    assert_eq!(
        common::order(),
        common::integer(&super::bytes(&file["order"]))
    );
    assert_eq!(
        common::affine(&wire(&file["generator"])),
        eight_times(&Point::generator()),
    );
    for case in entries(&file, "multiples") {
        let key = ListKey::from_secret_bytes(&array(&case["k"])).unwrap();
        let public = key.public();
        assert_eq!(public.to_wire(), wire(&case["wire"]), "{case}");
        assert_eq!(PublicKey::from_wire(&wire(&case["wire"])), Ok(public));
        assert_eq!(
            eight_times(public.point()),
            common::affine(&wire(&case["affine"]))
        );
        assert_eq!(
            encode_field(&public.montgomery_u()),
            array(&case["montgomery_u"])
        );
    }
}

#[test]
fn bytes_that_are_no_point_are_refused_for_the_reason_that_applies() {
    let file = file("points_bad_encoding.json");
    let twin = PublicKey::from_wire(&wire(&file["twin"])).unwrap();
    assert_eq!(point(&file["twin"]), *twin.point());
    for case in entries(&file, "cases") {
        let error = Point::decode(&wire(&case["wire"])).unwrap_err();
        assert_eq!(format!("{error:?}"), text(&case["error"]), "{case}");
        assert_eq!(
            PublicKey::from_wire(&wire(&case["wire"])),
            Err(KeyError::Point(error)),
            "{case}"
        );
        let batch = [wire(&file["twin"]), wire(&case["wire"])];
        assert_eq!(Point::decode_batch(&batch), Err((1, error)), "{case}");
    }
}

#[test]
fn a_point_with_torsion_is_the_same_point_but_not_the_same_key() {
    let file = file("points_bad_encoding.json");
    let twin = point(&file["twin"]);
    let others = entries(&file, "other_encodings_of_the_twin");
    assert_eq!(others.len(), 7);
    for other in others {
        assert_eq!(point(other), twin);
        let error = PublicKey::from_wire(&wire(other)).unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            text(&file["key_error_of_other_encodings"])
        );
    }
}

/// The point itself, by arkworks, from the eighth that travels.
fn eight_times(point: &Point) -> ark_ed_on_bls12_381::EdwardsAffine {
    use ark_ec::AffineRepr;
    common::affine(&point.encode())
        .mul_bigint([8u64])
        .into_affine()
}
