//! What the files of all states have in common.

use super::circuit::Circuit;
use super::error::StateError;
use super::points::Encoded;

const MAGIC: [u8; 16] = *b"tacit cerstate 1";
const DIGEST_CONTEXT: &str = "tacit v1 ceremony state";
/// Bytes before the points: the magic, the kind of state, the power of two of the domain.
const PREFIX_BYTES: usize = MAGIC.len() + 2;

impl Circuit {
    /// Bytes of the longest state in a ceremony for this circuit; its keys have fewer.
    #[must_use]
    pub fn max_state_bytes(&self) -> u64 {
        let (n, m) = (self.size(), self.variables());
        let powers = point_bytes(4 * n - 1, n + 1);
        let queries = point_bytes(3 * m + n - 1, m);
        (PREFIX_BYTES + powers.max(queries)) as u64
    }
}

/// What a state is of. The number is that in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Powers = 1,
    Specialised = 2,
    Delta = 3,
}

pub(super) fn begin(kind: Kind, log2_size: u8) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([kind as u8, log2_size]);
    bytes
}

/// The points, where there are exactly as many as there should be.
pub(super) fn body(
    bytes: &[u8],
    kind: Kind,
    log2_size: u8,
    expected: usize,
) -> Result<&[u8], StateError> {
    let body = bytes.strip_prefix(&MAGIC).ok_or(StateError::Format)?;
    match body {
        [first, log2, body @ ..] if *first == kind as u8 => {
            if *log2 != log2_size || bytes.len() != PREFIX_BYTES + expected {
                return Err(StateError::Length);
            }
            Ok(body)
        }
        _ => Err(StateError::Format),
    }
}

/// By which records name a state.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    blake3::derive_key(DIGEST_CONTEXT, bytes)
}

/// Bytes of so many points of G1 and of G2.
pub(super) fn point_bytes(g1: usize, g2: usize) -> usize {
    g1 * ark_bls12_381::g1::Config::BYTES + g2 * ark_bls12_381::g2::Config::BYTES
}
