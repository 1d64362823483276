//! What several test files need. Point arithmetic here is arkworks', not that of the crate.
#![allow(dead_code, reason = "each test file uses some of it")]

use ark_ec::{AffineRepr, CurveGroup};
use ark_ed_on_bls12_381::EdwardsAffine;
use ark_ff::{AdditiveGroup, UniformRand};
use num_bigint::{BigInt, BigUint, Sign};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tacit_circuits::curve::{Field, WirePoint, decode_field, encode_field};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{Tag, VersionId};
use tacit_circuits::oprf::{EvaluationContext, Half, Input, ListKey};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn field(number: u64) -> Field {
    Field::from(number)
}

pub(crate) fn key(seed: u64) -> ListKey {
    ListKey::generate(&mut rng(seed))
}

pub(crate) fn input(x: u64) -> Input {
    Input {
        kind: IdentifierType::Phone,
        x: field(x),
        list: ListId(7),
        tag_epoch: TagEpoch(3),
    }
}

pub(crate) fn context() -> EvaluationContext {
    EvaluationContext {
        chain_id: [9; 32],
        session: 4,
        sequence: 5,
        list: ListId(7),
        tag_epoch: TagEpoch(3),
    }
}

pub(crate) fn version(number: u32) -> VersionId {
    VersionId {
        list: ListId(7),
        tag_epoch: TagEpoch(3),
        version: ListVersion(number),
    }
}

pub(crate) fn tag(number: u128) -> Tag {
    Tag::new(number).unwrap()
}

pub(crate) fn wire(point: &EdwardsAffine) -> WirePoint {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&encode_field(&point.x));
    bytes[32..].copy_from_slice(&encode_field(&point.y));
    WirePoint(bytes)
}

pub(crate) fn affine(wire: &WirePoint) -> EdwardsAffine {
    let part = |from: usize| {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&wire.0[from..from + 32]);
        decode_field(&bytes).unwrap()
    };
    EdwardsAffine::new_unchecked(part(0), part(32))
}

pub(crate) fn add_wire(a: &WirePoint, b: &WirePoint) -> WirePoint {
    wire(&(affine(a) + affine(b)).into_affine())
}

/// The same point with a torsion component: `(0, −1)` has order 2.
pub(crate) fn add_order_two(point: &WirePoint) -> WirePoint {
    let order_two = EdwardsAffine::new_unchecked(Field::ZERO, -field(1));
    add_wire(point, &wire(&order_two))
}

/// All eight, the identity first.
pub(crate) fn small_order_points() -> Vec<WirePoint> {
    let order = ark_ff::BigInt::<4>::new([
        0xd097_0e5e_d6f7_2cb7,
        0xa668_2093_ccc8_1082,
        0x0667_3b01_0134_3b00,
        0x0e7d_b4ea_6533_afa9,
    ]);
    let mut rng = rng(0);
    // ℓ times a point of the whole curve has an order that divides 8.
    let generator = loop {
        let point = EdwardsAffine::get_point_from_y_unchecked(Field::rand(&mut rng), false);
        if let Some(point) = point {
            let torsion = point.mul_bigint(order).into_affine();
            if !torsion.mul_bigint([4u64]).into_affine().is_zero() {
                break torsion;
            }
        }
    };
    (0..8u64)
        .map(|n| wire(&generator.mul_bigint([n]).into_affine()))
        .collect()
}

/// ℓ.
pub(crate) fn order() -> BigUint {
    "6554484396890773809930967563523245729705921265872317281365359162392183254199"
        .parse()
        .unwrap()
}

pub(crate) fn integer(little_endian: &[u8]) -> BigUint {
    BigUint::from_bytes_le(little_endian)
}

pub(crate) fn half(half: &Half) -> BigInt {
    let bytes: Vec<u8> = half
        .magnitude
        .iter()
        .flat_map(|limb| limb.to_le_bytes())
        .collect();
    let sign = if half.negative {
        Sign::Minus
    } else {
        Sign::Plus
    };
    BigInt::from_biguint(sign, integer(&bytes))
}
