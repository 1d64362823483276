//! From evaluated points to tags: the querier's last step, and the owner's short cut.

use std::fmt;
use std::iter::repeat;
use std::sync::atomic::{AtomicUsize, Ordering};

use ark_ed_on_bls12_381::EdwardsAffine;
use ark_ff::UniformRand;
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;

use super::blind::BlindState;
use super::dleq::Proof;
use super::evaluate::{EvaluationContext, EvaluationError, verify};
use super::input::{HashesToSmallOrder, Preimage, hash_all};
use super::key::{ListKey, PublicKey};
use crate::curve::poseidon2::{Domain, hash_2};
use crate::curve::scalar::Scalar;
use crate::curve::{FIELD_BYTES, Field, Point, constant_time, decode_field, encode_field};
use crate::identifier::{IdentifierType, PADDING_TYPE_CODE};
use crate::list::{Tag, TagError};
use crate::scope::{ListId, TagEpoch, pack_epoch};

/// Points that share an inversion, and one step of a thread's work.
const CHUNK: usize = 64;

/// Why answers became no tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalizeError {
    /// The provider's answer does not hold.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// Nobody is at fault, and nobody will ever see it.
    #[error("call {index}: {source}")]
    Tag {
        /// The place in the batch.
        index: usize,
        /// Why it is no tag.
        source: TagError,
    },
}

/// Checks the answers against the ledger's `key`, unblinds them as `N = r⁻¹·Z` and returns each
/// call's tag, in the order of the calls. On all cores.
///
/// As in RFC 9497 § 3.3.2, there is no way to a tag around the proof. `states` are those that
/// [`blind`](super::blind::blind) returned, in one piece or cut into batches.
///
/// # Errors
/// [`FinalizeError`].
pub fn finalize(
    states: &[BlindState],
    key: &PublicKey,
    context: &EvaluationContext,
    evaluated: &[Point],
    proof: &Proof,
) -> Result<Vec<Tag>, FinalizeError> {
    let blinded: Vec<Point> = states.iter().map(|state| *state.blinded()).collect();
    verify(key, context, &blinded, evaluated, proof)?;
    let unblinded: Vec<Field> = states
        .par_chunks(CHUNK)
        .zip(evaluated.par_chunks(CHUNK))
        .flat_map_iter(|(states, evaluated)| {
            let inverses: Vec<Scalar> = states
                .iter()
                .map(|state| state.blind().scalar().invert().unwrap_or(Scalar::one()))
                .collect();
            let points: Vec<EdwardsAffine> =
                evaluated.iter().map(|point| *point.affine()).collect();
            constant_time::montgomery_u_each(inverses.iter(), &points)
        })
        .collect();
    states
        .par_iter()
        .zip(unblinded)
        .enumerate()
        .map(|(index, (state, u))| {
            tag(state.x(), u).map_err(|source| FinalizeError::Tag { index, source })
        })
        .collect()
}

/// What an owner puts on a list: an identifier, or padding that looks like one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    type_code: u16,
    x: Field,
}

impl Entry {
    /// The entry of an identifier in its field form.
    #[must_use]
    pub fn identifier(kind: IdentifierType, x: Field) -> Self {
        Self {
            type_code: kind.code(),
            x,
        }
    }

    /// A padding entry: a random field element of the type that no identifier has.
    ///
    /// Its tag is made like all others. A random string of 128 bits would stand out, since a real
    /// tag never exceeds 0.906·2^128.
    pub fn padding<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self {
            type_code: PADDING_TYPE_CODE,
            x: Field::rand(rng),
        }
    }

    /// The padding entry of a field element that somebody drew.
    pub(super) fn padding_of(x: Field) -> Self {
        Self {
            type_code: PADDING_TYPE_CODE,
            x,
        }
    }

    pub(crate) fn type_code(&self) -> u16 {
        self.type_code
    }

    pub(crate) fn x(&self) -> Field {
        self.x
    }

    /// Whether this is padding.
    #[must_use]
    pub fn is_padding(&self) -> bool {
        self.type_code == PADDING_TYPE_CODE
    }

    /// Type code (two bytes), then `x`, both little-endian: how an owner keeps an entry. The caller
    /// encrypts it before it rests anywhere.
    #[must_use]
    pub fn to_secret_bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..2].copy_from_slice(&self.type_code.to_le_bytes());
        bytes[2..].copy_from_slice(&encode_field(&self.x));
        bytes
    }

    /// Restores an entry from [`to_secret_bytes`](Self::to_secret_bytes).
    ///
    /// # Errors
    /// [`NoEntry`] for a type that does not exist, and for what is not canonical.
    pub fn from_secret_bytes(bytes: &[u8; ENTRY_BYTES]) -> Result<Self, NoEntry> {
        let (type_code, x) = bytes.split_first_chunk::<2>().ok_or(NoEntry)?;
        let type_code = u16::from_le_bytes(*type_code);
        if type_code != PADDING_TYPE_CODE && IdentifierType::from_code(type_code).is_err() {
            return Err(NoEntry);
        }
        let x = x.try_into().map_err(|_| NoEntry)?;
        let x = decode_field(x).map_err(|_| NoEntry)?;
        Ok(Self { type_code, x })
    }
}

/// Bytes of an entry as its owner keeps it.
pub const ENTRY_BYTES: usize = 2 + FIELD_BYTES;

/// The stored entry is damaged. Whoever keeps it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no entry of a list")]
pub struct NoEntry;

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry(<redacted>)")
    }
}

/// Why an owner's entry has no tag. Nobody is at fault, and nobody will ever see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnTagError {
    /// See [`HashesToSmallOrder`].
    #[error(transparent)]
    SmallOrder(#[from] HashesToSmallOrder),
    /// See [`TagError`].
    #[error("entry {index}: {source}")]
    Tag {
        /// The place among the entries.
        index: usize,
        /// Why it is no tag.
        source: TagError,
    },
}

/// The tags of an owner's own entries, in their order. Constant time in the key; on all cores.
///
/// `progress` hears how many entries are done, from several threads and not always in order.
///
/// # Errors
/// [`OwnTagError`].
pub fn tag_batch(
    key: &ListKey,
    entries: &[Entry],
    list: ListId,
    tag_epoch: TagEpoch,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Tag>, OwnTagError> {
    let epoch = pack_epoch(list, tag_epoch);
    let scalar = key.scalar();
    let done = AtomicUsize::new(0);
    let chunks: Vec<Vec<Tag>> = entries
        .par_chunks(CHUNK)
        .enumerate()
        .map(|(chunk, entries)| {
            let tags = tag_chunk(&scalar, entries, epoch, chunk * CHUNK)?;
            progress(done.fetch_add(entries.len(), Ordering::Relaxed) + entries.len());
            Ok(tags)
        })
        .collect::<Result<_, OwnTagError>>()?;
    Ok(chunks.into_iter().flatten().collect())
}

fn tag_chunk(
    key: &Scalar,
    entries: &[Entry],
    epoch: Field,
    offset: usize,
) -> Result<Vec<Tag>, OwnTagError> {
    let preimages: Vec<Preimage> = entries
        .iter()
        .map(|&Entry { type_code, x }| Preimage {
            type_code,
            x,
            epoch,
        })
        .collect();
    let hashed =
        hash_all(&preimages).map_err(|HashesToSmallOrder { index }| HashesToSmallOrder {
            index: offset + index,
        })?;
    entries
        .iter()
        .zip(constant_time::montgomery_u_each(repeat(key), &hashed))
        .enumerate()
        .map(|(index, (entry, u))| {
            tag(entry.x, u).map_err(|source| OwnTagError::Tag {
                index: offset + index,
                source,
            })
        })
        .collect()
}

/// `⌊H2(tag; x, X(N)) / 2^127⌋`.
fn tag(x: Field, u: Field) -> Result<Tag, TagError> {
    Tag::from_hash(&hash_2(Domain::Tag, x, u))
}
