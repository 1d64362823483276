//! The value of a state key, proven to stand at a block.

use crate::{Digest, FinalityError, Hash, Header};
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error as CodecError, RangeCfg, Read, Write};
use commonware_cryptography::Hasher as _;
use commonware_storage::{
    merkle::MAX_PROOF_DIGESTS_PER_ELEMENT,
    mmr,
    qmdb::{
        any::unordered::{Update, variable},
        current::unordered::proof::constant::KeyValueProof,
    },
};
use tacit_ledger::kernel::state::{MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// Bytes of the activity bitmap that one leaf of the state tree covers.
const CHUNK_BYTES: usize = 32;
const KEY_LABEL: &[u8] = b"tacit/state-key/v1";

/// One entry of the state log: a key's update or removal, or the end of a block.
pub type StateOperation = variable::Operation<mmr::Family, Digest, Bytes>;
/// The store's proof that an update is the newest one of its key.
pub type StateProof = KeyValueProof<mmr::Family, Digest, CHUNK_BYTES>;

/// The key under which the store keeps a state key: its labelled hash.
pub fn key_digest(state_key: &[u8]) -> Digest {
    Hash::hash(&[KEY_LABEL, state_key])
}

/// Proves that a state key had a value after a block.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueProof {
    /// The ledger's bytes of the key.
    pub key: Bytes,
    /// The value after the block.
    pub value: Bytes,
    /// The store's proof, which leads to the `root` of the header's state.
    pub proof: StateProof,
}

impl ValueProof {
    /// Checks the proof against a header, whose own finality is checked elsewhere.
    ///
    /// # Errors
    ///
    /// [`FinalityError::NotProven`] if it leads to another root.
    pub fn verify(&self, header: &Header) -> Result<(), FinalityError> {
        let operation = StateOperation::Update(Update(key_digest(&self.key), self.value.clone()));
        if self.proof.verify::<Hash, _>(operation, &header.state.root) {
            Ok(())
        } else {
            Err(FinalityError::NotProven {
                what: "value",
                height: header.height.get(),
            })
        }
    }
}

impl Write for ValueProof {
    fn write(&self, buf: &mut impl BufMut) {
        self.key.write(buf);
        self.value.write(buf);
        self.proof.write(buf);
    }
}

impl EncodeSize for ValueProof {
    fn encode_size(&self) -> usize {
        self.key.encode_size() + self.value.encode_size() + self.proof.encode_size()
    }
}

impl Read for ValueProof {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            key: Bytes::read_cfg(buf, &RangeCfg::from(0..=MAX_KEY_BYTES))?,
            value: Bytes::read_cfg(buf, &RangeCfg::from(0..=MAX_VALUE_BYTES))?,
            proof: StateProof::read_cfg(buf, &MAX_PROOF_DIGESTS_PER_ELEMENT)?,
        })
    }
}
