//! What a member signs who has rebuilt a version's tree.

use super::Snapshot;
use crate::scope::MemberId;

/// Separates this use of BLAKE3 from all others.
const CONTEXT: &str = "tacit v1 attestation of a rebuilt list";

/// `BLAKE3(label, attester, publication id, snapshot bytes)`, with the label as the context of
/// BLAKE3's key derivation mode and the attester as four little-endian bytes.
///
/// It cannot be made from the root alone, differs from attester to attester, and can be recomputed
/// by every holder of the snapshot, so that who attests without having the list is found out.
#[must_use]
pub fn attestation_digest(
    attester: MemberId,
    publication_id: &[u8; 32],
    snapshot: &Snapshot,
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&attester.0.to_le_bytes());
    hasher.update(publication_id);
    snapshot.hash_into(&mut hasher);
    hasher.finalize().into()
}
