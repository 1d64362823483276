//! Our code against the committed vectors.
//!
//! They come from an implementation that is not ours; `circuits/vectors/README.md` says which, and
//! what each file holds. In a file named `…_bad_…`, every case is refused with exactly the error
//! that it names, and its twin is taken.

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod hashes;
mod identifiers;
mod lists;
mod lists_bad;
mod log;
mod points;
mod proofs;
mod quota;
mod receipts;

use std::collections::VecDeque;
use std::path::Path;

use rand::{CryptoRng, RngCore};
use serde_json::Value;
use tacit_circuits::curve::{Field, Point, WirePoint, decode_field};
use tacit_circuits::list::Tag;
use tacit_circuits::oprf::{ListKey, PublicKey};

/// A file of `vectors/v1`.
fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors/v1")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The entries of an array. An empty one would test nothing.
fn entries<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let entries = value[name].as_array().expect(name);
    assert!(!entries.is_empty(), "{name} is empty");
    entries
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number<T: TryFrom<u64>>(value: &Value) -> T {
    let number = value.as_u64().expect("a number");
    T::try_from(number).ok().expect("a smaller number")
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).expect("hexadecimal digits")
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().expect("another number of bytes")
}

fn field(value: &Value) -> Field {
    decode_field(&array(value)).unwrap()
}

fn fields(value: &Value, name: &str) -> Vec<Field> {
    entries(value, name).iter().map(field).collect()
}

fn wire(value: &Value) -> WirePoint {
    WirePoint(array(value))
}

fn point(value: &Value) -> Point {
    Point::decode(&wire(value)).unwrap()
}

fn points(value: &Value) -> Vec<Point> {
    let points = value.as_array().expect("points");
    points.iter().map(point).collect()
}

fn integer(value: &Value) -> u128 {
    u128::from_le_bytes(array(value))
}

fn tag(value: &Value) -> Tag {
    Tag::new(integer(value)).unwrap()
}

fn secret_key(value: &Value) -> ListKey {
    ListKey::from_secret_bytes(&array(value)).unwrap()
}

fn public_key(value: &Value) -> PublicKey {
    PublicKey::from_wire(&wire(value)).unwrap()
}

/// Yields the bytes that it was given and panics past them, so that a test knows what was drawn.
struct Scripted(VecDeque<u8>);

impl Scripted {
    fn new(bytes: impl IntoIterator<Item = u8>) -> Self {
        Self(bytes.into_iter().collect())
    }

    fn is_used_up(&self) -> bool {
        self.0.is_empty()
    }
}

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        unreachable!("everything is drawn as bytes")
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("everything is drawn as bytes")
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.pop_front().expect("more was drawn than expected");
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Scripted {}
