//! Jubjub, its field, and the hashes over it.
//!
//! [`Field`] is what circuits compute in. [`Point`] is a point of the prime-order group 𝔾 and
//! cannot be anything else; [`WirePoint`] is how it travels. Secrets multiply points in
//! `constant_time` only; `vartime` is for what verifiers compute from public values.

pub(crate) mod constant_time;
pub(crate) mod elligator;
mod field;
mod point;
pub mod poseidon2;
pub(crate) mod scalar;
pub(crate) mod vartime;

pub(crate) use field::limbs;
pub use field::{FIELD_BYTES, Field, FieldError, decode_field, encode_field, field_borsh};
pub use point::{Point, PointError, WIRE_POINT_BYTES, WirePoint};
pub(crate) use point::{clear_cofactor, encode_affine};
