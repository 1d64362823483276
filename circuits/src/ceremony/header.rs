//! What a ceremony is held for, and by whom.

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{CryptoRng, RngCore};

use super::circuit::Circuit;
use super::error::HeaderError;
use super::{
    MAX_BEACON_LOG2_HASHES, MAX_HEADER_BYTES, MAX_LOG2_SIZE, MAX_MEMBERS, MAX_NAME_BYTES,
    MAX_SOURCE_BYTES, MIN_BEACON_LOG2_HASHES, MIN_LOG2_SIZE,
};

const MAGIC: [u8; 16] = *b"tacit ceremony 1";
const ID_CONTEXT: &str = "tacit v1 ceremony header";

/// What a ceremony is held for, and by whom.
///
/// Format: sixteen bytes `tacit ceremony 1`, then the fields in borsh.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    nonce: [u8; 32],
    circuit: [u8; 32],
    log2_size: u8,
    beacon_log2_hashes: u8,
    beacon_source: String,
    members: Vec<String>,
}

impl Header {
    /// A new ceremony.
    ///
    /// `beacon_source` says in words, before anybody contributes, which public values the beacons will be.
    /// `beacon_log2_hashes` is the power of two of hashes that separate a beacon from what it contributes.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn new<R: RngCore + CryptoRng>(
        circuit: &Circuit,
        members: Vec<String>,
        beacon_source: String,
        beacon_log2_hashes: u8,
        rng: &mut R,
    ) -> Result<Self, HeaderError> {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let header = Self {
            nonce,
            circuit: circuit.fingerprint(),
            log2_size: circuit.log2_size(),
            beacon_log2_hashes,
            beacon_source,
            members,
        };
        header.check()?;
        Ok(header)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HeaderError> {
        let body = bytes.strip_prefix(&MAGIC).ok_or(HeaderError::Format)?;
        if bytes.len() > MAX_HEADER_BYTES {
            return Err(HeaderError::Format);
        }
        let header = Self::try_from_slice(body).map_err(|_| HeaderError::Format)?;
        header.check()?;
        Ok(header)
    }

    /// The only encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        // Writing into memory does not fail.
        let _ = self.serialize(&mut bytes);
        bytes
    }

    /// The ceremony's identity: BLAKE3 of its header.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        blake3::derive_key(ID_CONTEXT, &self.to_bytes())
    }

    /// [`Circuit::fingerprint`] of the circuit.
    #[must_use]
    pub fn circuit(&self) -> [u8; 32] {
        self.circuit
    }

    /// The power of two that is the domain's size n.
    #[must_use]
    pub fn log2_size(&self) -> u8 {
        self.log2_size
    }

    /// The power of two of SHA-256 hashes between a beacon and its contribution.
    #[must_use]
    pub fn beacon_log2_hashes(&self) -> u8 {
        self.beacon_log2_hashes
    }

    /// Which public values the beacons are.
    #[must_use]
    pub fn beacon_source(&self) -> &str {
        &self.beacon_source
    }

    /// Who is expected to contribute, to either phase once.
    #[must_use]
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// A member's number.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<u16> {
        let found = self.members.iter().position(|member| member == name)?;
        u16::try_from(found).ok()
    }

    fn check(&self) -> Result<(), HeaderError> {
        let count = self.members.len();
        if !(1..=MAX_MEMBERS).contains(&count) {
            return Err(HeaderError::Members { count });
        }
        for (index, name) in self.members.iter().enumerate() {
            let is_usable = (1..=MAX_NAME_BYTES).contains(&name.len())
                && name.trim() == name
                && !name.chars().any(char::is_control)
                && !self.members[..index].contains(name);
            if !is_usable {
                return Err(HeaderError::Name { name: name.clone() });
            }
        }
        let source = &self.beacon_source;
        if !(1..=MAX_SOURCE_BYTES).contains(&source.len()) || source.chars().any(char::is_control) {
            return Err(HeaderError::Source);
        }
        let log2 = self.log2_size;
        if !(MIN_LOG2_SIZE..=MAX_LOG2_SIZE).contains(&log2) {
            return Err(HeaderError::Size { log2 });
        }
        let log2 = self.beacon_log2_hashes;
        if !(MIN_BEACON_LOG2_HASHES..=MAX_BEACON_LOG2_HASHES).contains(&log2) {
            return Err(HeaderError::Hashes { log2 });
        }
        Ok(())
    }
}
