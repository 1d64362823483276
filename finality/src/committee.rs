//! The validators of an epoch.

use crate::{ConsensusKey, FinalityError};
use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, DecodeExt as _, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, Write,
};
use commonware_utils::ordered::Set;

/// The most validators an epoch may have.
///
/// A certificate carries one signature per signing validator, so this also bounds a certificate to
/// about 8 KB; the network is meant for about 100 members.
pub const MAX_VALIDATORS: usize = 128;

/// The validators of one epoch: between one and [`MAX_VALIDATORS`] distinct keys, in byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committee(Set<ConsensusKey>);

impl Committee {
    /// Makes a committee of `keys`, in any order.
    ///
    /// # Errors
    ///
    /// [`FinalityError::InvalidCommittee`] if there is no key, if there are more than
    /// [`MAX_VALIDATORS`], or if one stands twice.
    pub fn new(keys: Vec<ConsensusKey>) -> Result<Self, FinalityError> {
        if keys.is_empty() {
            return Err(FinalityError::InvalidCommittee("it has no validator"));
        }
        if keys.len() > MAX_VALIDATORS {
            return Err(FinalityError::InvalidCommittee(
                "it has too many validators",
            ));
        }
        Set::try_from(keys)
            .map(Self)
            .map_err(|_| FinalityError::InvalidCommittee("one key stands twice"))
    }

    /// Makes a committee of encoded ed25519 public keys.
    ///
    /// # Errors
    ///
    /// As [`Self::new`], and if one of the encodings is no ed25519 public key.
    pub fn from_key_bytes(keys: impl IntoIterator<Item = [u8; 32]>) -> Result<Self, FinalityError> {
        let keys = keys
            .into_iter()
            .map(|bytes| {
                ConsensusKey::decode(Bytes::copy_from_slice(&bytes))
                    .map_err(|_| FinalityError::InvalidCommittee("a key is no ed25519 public key"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(keys)
    }

    /// The keys, in byte order; a signer's index in a certificate counts them from zero.
    pub fn keys(&self) -> &Set<ConsensusKey> {
        &self.0
    }

    /// Whether `key` belongs to the committee.
    pub fn contains(&self, key: &ConsensusKey) -> bool {
        self.0.position(key).is_some()
    }

    /// The longest encoding, in bytes.
    pub(crate) fn max_encode_size() -> usize {
        Set::<ConsensusKey>::max_encode_size(MAX_VALIDATORS)
    }
}

impl Write for Committee {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl EncodeSize for Committee {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl Read for Committee {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Set::read_cfg(buf, &(RangeCfg::from(1..=MAX_VALIDATORS), ())).map(Self)
    }
}

const _: () = assert!(ConsensusKey::SIZE == 32);
