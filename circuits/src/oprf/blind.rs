//! The querier's first step: hide each identifier behind a random factor.

use std::fmt;

use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::finalize::Entry;
use super::input::{HashesToSmallOrder, Input, Preimage, hash_all};
use super::split::Split;
use crate::curve::scalar::{self, EIGHTH, SCALAR_BYTES, Scalar};
use crate::curve::{Field, Point, constant_time};
use crate::scope::{ListId, TagEpoch, pack_epoch};

/// Inputs that share a few inversions, and one step of a thread's work.
const CHUNK: usize = 64;

/// The factor `r` of one call. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Blind(Zeroizing<[u8; SCALAR_BYTES]>);

impl Blind {
    /// The scalar, little-endian, for the sealed audit record.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        self.0.clone()
    }

    /// Restores a factor from [`to_secret_bytes`](Self::to_secret_bytes).
    ///
    /// # Errors
    /// [`NoBlind`] for zero and for what is not canonical.
    pub fn from_secret_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, NoBlind> {
        match scalar::decode(bytes) {
            Some(r) if r != Scalar::zero() => Ok(Self(Zeroizing::new(*bytes))),
            _ => Err(NoBlind),
        }
    }

    /// `r = a/b` with short odd `a` and `b`, which a receipt's proof starts from. In variable time.
    ///
    /// It is there for every blind that was drawn by [`blind`]; `None` says that these bytes come
    /// from elsewhere.
    #[must_use]
    pub fn split_vartime(&self) -> Option<Split> {
        Split::of_vartime(&self.scalar())
    }

    /// Whether `blinded` is `r·H` of this entry: whoever was shown factor and entry sees that the call was
    /// about no other. In variable time: they are shown to be known.
    #[must_use]
    pub fn hides(&self, entry: &Entry, list: ListId, tag_epoch: TagEpoch, blinded: &Point) -> bool {
        let preimage = Preimage::of_entry(entry, pack_epoch(list, tag_epoch));
        let hashed = hash_all(&[preimage]);
        hashed.is_ok_and(|hashed| {
            let product = constant_time::multiply(&self.scalar(), &hashed[0]);
            product == *blinded.affine()
        })
    }

    pub(crate) fn scalar(&self) -> Scalar {
        // Canonical and not zero since it was drawn.
        scalar::decode(&self.0).unwrap_or(Scalar::one())
    }
}

/// The stored factor is damaged. Whoever keeps it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no blinding factor")]
pub struct NoBlind;

/// What the querier keeps of a call until the answer comes.
#[derive(Clone)]
pub struct BlindState {
    x: Field,
    blind: Blind,
    blinded: Point,
}

impl BlindState {
    /// The factor that hides the identifier.
    #[must_use]
    pub fn blind(&self) -> &Blind {
        &self.blind
    }

    /// `B`, as it was sent.
    #[must_use]
    pub fn blinded(&self) -> &Point {
        &self.blinded
    }

    pub(super) fn x(&self) -> Field {
        self.x
    }
}

impl fmt::Debug for Blind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blind(<redacted>)")
    }
}

impl fmt::Debug for BlindState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindState")
            .field("x", &"<redacted>")
            .field("blind", &self.blind)
            .field("blinded", &self.blinded)
            .finish()
    }
}

/// Hides each input as `B = r·H`, with a fresh `r` uniform among those that have a [`Split`]. On all
/// cores.
///
/// # Errors
/// [`HashesToSmallOrder`], with overwhelming probability never.
pub fn blind<R: RngCore + CryptoRng>(
    inputs: &[Input],
    rng: &mut R,
) -> Result<(Vec<BlindState>, Vec<Point>), HashesToSmallOrder> {
    let preimages: Vec<Preimage> = inputs.iter().map(Preimage::of).collect();
    blind_all(&preimages, rng)
}

/// Hides an owner's own entries as [`blind`] hides what a querier asks about. Padding among them is
/// hidden like the rest, so that an owner can prove of any entry that its tag comes from the list's
/// key.
///
/// # Errors
/// [`HashesToSmallOrder`], with overwhelming probability never.
pub fn blind_entries<R: RngCore + CryptoRng>(
    entries: &[Entry],
    list: ListId,
    tag_epoch: TagEpoch,
    rng: &mut R,
) -> Result<(Vec<BlindState>, Vec<Point>), HashesToSmallOrder> {
    let epoch = pack_epoch(list, tag_epoch);
    let preimages: Vec<Preimage> = entries
        .iter()
        .map(|entry| Preimage::of_entry(entry, epoch))
        .collect();
    blind_all(&preimages, rng)
}

fn blind_all<R: RngCore + CryptoRng>(
    preimages: &[Preimage],
    rng: &mut R,
) -> Result<(Vec<BlindState>, Vec<Point>), HashesToSmallOrder> {
    let blinds = draw(preimages.len(), rng);
    let chunks: Vec<Vec<BlindState>> = preimages
        .par_chunks(CHUNK)
        .zip(blinds.par_chunks(CHUNK))
        .enumerate()
        .map(|(chunk, (preimages, blinds))| {
            blind_chunk(preimages, blinds).map_err(|HashesToSmallOrder { index }| {
                HashesToSmallOrder {
                    index: chunk * CHUNK + index,
                }
            })
        })
        .collect::<Result<_, _>>()?;
    let states: Vec<BlindState> = chunks.into_iter().flatten().collect();
    let blinded = states.iter().map(|state| state.blinded).collect();
    Ok((states, blinded))
}

fn blind_chunk(
    preimages: &[Preimage],
    blinds: &[Blind],
) -> Result<Vec<BlindState>, HashesToSmallOrder> {
    let hashed = hash_all(preimages)?;
    // B' = (r/8)·H, from which B = 8·B' follows by three doublings.
    let eighths: Vec<Scalar> = blinds
        .iter()
        .map(|blind| blind.scalar() * *EIGHTH)
        .collect();
    let blinded = Point::from_eighths(&constant_time::multiply_each(eighths.iter(), &hashed))
        .map_err(|(index, _)| HashesToSmallOrder { index })?;
    Ok(preimages
        .iter()
        .zip(blinds)
        .zip(blinded)
        .map(|((preimage, blind), blinded)| BlindState {
            x: preimage.x,
            blind: blind.clone(),
            blinded,
        })
        .collect())
}

/// Draws `count` factors and draws those again that have no split.
fn draw<R: RngCore + CryptoRng>(count: usize, rng: &mut R) -> Vec<Blind> {
    let mut blinds = Vec::with_capacity(count);
    while blinds.len() < count {
        let drawn: Vec<Scalar> = (blinds.len()..count)
            .map(|_| scalar::random_nonzero(rng))
            .collect();
        blinds.par_extend(
            drawn
                .into_par_iter()
                .filter(|r| Split::of_vartime(r).is_some())
                .map(|r| Blind(Zeroizing::new(r.to_bytes()))),
        );
    }
    blinds
}
