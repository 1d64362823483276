//! Outcomes and events of a block's transactions, and proofs of one of them.
//!
//! What an outcome and an event mean is the ledger's matter; here they are bytes in its canonical
//! encoding.

use crate::{
    Digest, FinalityError, Hash, Header,
    merkle::{self, MerklePath},
};
use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, ReadExt as _, Write,
};
use commonware_cryptography::Hasher as _;

/// The longest encoding of an outcome, in bytes. An outcome is a tag and a number or two.
pub const MAX_OUTCOME_BYTES: usize = 256;
/// The longest encoding of an event, in bytes. A transaction is smaller than this, and an event
/// repeats parts of its transaction.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;
/// The most events that one transaction may cause, so that a result has a bound when it is read.
const MAX_EVENTS: usize = 65_536;

const RESULT_LABEL: &[u8] = b"tacit/transaction-result/v1";
const EVENT_LABEL: &[u8] = b"tacit/event/v1";

/// What came of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionResult {
    /// The transaction's id: the hash of all its bytes.
    pub tx_id: [u8; 32],
    /// The ledger's encoding of the outcome.
    pub outcome: Bytes,
    /// The ledger's encoding of each event, in the order in which they happened.
    pub events: Vec<Bytes>,
}

impl TransactionResult {
    fn leaf(&self) -> Digest {
        leaf(&self.tx_id, &self.outcome, &events_root(&self.events))
    }
}

impl Write for TransactionResult {
    fn write(&self, buf: &mut impl BufMut) {
        self.tx_id.write(buf);
        self.outcome.write(buf);
        self.events.write(buf);
    }
}

impl EncodeSize for TransactionResult {
    fn encode_size(&self) -> usize {
        self.tx_id.len() + self.outcome.encode_size() + self.events.encode_size()
    }
}

impl Read for TransactionResult {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            tx_id: <[u8; 32]>::read(buf)?,
            outcome: Bytes::read_cfg(buf, &RangeCfg::from(0..=MAX_OUTCOME_BYTES))?,
            events: Vec::read_cfg(
                buf,
                &(
                    RangeCfg::from(0..=MAX_EVENTS),
                    RangeCfg::from(0..=MAX_EVENT_BYTES),
                ),
            )?,
        })
    }
}

/// The root that a header carries for these results.
pub fn results_root(results: &[TransactionResult]) -> Digest {
    merkle::root(&leaves(results))
}

/// Proves that a transaction stands in a block, and with what outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxProof {
    /// The transaction's id.
    pub tx_id: [u8; 32],
    /// The ledger's encoding of its outcome.
    pub outcome: Bytes,
    /// Root over its events.
    pub events_root: Digest,
    /// From the transaction's result to the header's `results_root`.
    pub path: MerklePath,
}

impl TxProof {
    /// Proves the result at `index` of a block, or `None` if the block has no such transaction.
    pub fn new(results: &[TransactionResult], index: usize) -> Option<Self> {
        let result = results.get(index)?;
        Some(Self {
            tx_id: result.tx_id,
            outcome: result.outcome.clone(),
            events_root: events_root(&result.events),
            path: merkle::path(&leaves(results), index)?,
        })
    }

    /// Checks the proof against a header, whose own finality is checked elsewhere.
    ///
    /// # Errors
    ///
    /// [`FinalityError::NotProven`] if it leads to another root.
    pub fn verify(&self, header: &Header) -> Result<(), FinalityError> {
        let leaf = leaf(&self.tx_id, &self.outcome, &self.events_root);
        if self.path.root(leaf) == Some(header.results_root) {
            Ok(())
        } else {
            Err(FinalityError::NotProven {
                what: "transaction",
                height: header.height.get(),
            })
        }
    }
}

impl Write for TxProof {
    fn write(&self, buf: &mut impl BufMut) {
        self.tx_id.write(buf);
        self.outcome.write(buf);
        self.events_root.write(buf);
        self.path.write(buf);
    }
}

impl EncodeSize for TxProof {
    fn encode_size(&self) -> usize {
        self.tx_id.len() + self.outcome.encode_size() + Digest::SIZE + self.path.encode_size()
    }
}

impl Read for TxProof {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            tx_id: <[u8; 32]>::read(buf)?,
            outcome: Bytes::read_cfg(buf, &RangeCfg::from(0..=MAX_OUTCOME_BYTES))?,
            events_root: Digest::read(buf)?,
            path: MerklePath::read(buf)?,
        })
    }
}

/// Proves that a transaction of a block caused an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventProof {
    /// The transaction that caused it.
    pub transaction: TxProof,
    /// The ledger's encoding of the event.
    pub event: Bytes,
    /// From the event to the transaction's `events_root`.
    pub path: MerklePath,
}

impl EventProof {
    /// Proves the event at `event` of the transaction at `index`, or `None` if there is none.
    pub fn new(results: &[TransactionResult], index: usize, event: usize) -> Option<Self> {
        let events = &results.get(index)?.events;
        Some(Self {
            transaction: TxProof::new(results, index)?,
            event: events.get(event)?.clone(),
            path: merkle::path(&event_leaves(events), event)?,
        })
    }

    /// Checks the proof against a header, whose own finality is checked elsewhere.
    ///
    /// # Errors
    ///
    /// [`FinalityError::NotProven`] if it leads to another root.
    pub fn verify(&self, header: &Header) -> Result<(), FinalityError> {
        self.transaction.verify(header)?;
        let leaf = Hash::hash(&[EVENT_LABEL, &self.event]);
        if self.path.root(leaf) == Some(self.transaction.events_root) {
            Ok(())
        } else {
            Err(FinalityError::NotProven {
                what: "event",
                height: header.height.get(),
            })
        }
    }
}

impl Write for EventProof {
    fn write(&self, buf: &mut impl BufMut) {
        self.transaction.write(buf);
        self.event.write(buf);
        self.path.write(buf);
    }
}

impl EncodeSize for EventProof {
    fn encode_size(&self) -> usize {
        self.transaction.encode_size() + self.event.encode_size() + self.path.encode_size()
    }
}

impl Read for EventProof {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            transaction: TxProof::read(buf)?,
            event: Bytes::read_cfg(buf, &RangeCfg::from(0..=MAX_EVENT_BYTES))?,
            path: MerklePath::read(buf)?,
        })
    }
}

fn leaves(results: &[TransactionResult]) -> Vec<Digest> {
    results.iter().map(TransactionResult::leaf).collect()
}

fn leaf(tx_id: &[u8; 32], outcome: &[u8], events_root: &Digest) -> Digest {
    // Both fixed-width parts come first, so the framing is unambiguous without a length.
    Hash::hash(&[RESULT_LABEL, tx_id, events_root, outcome])
}

fn events_root(events: &[Bytes]) -> Digest {
    merkle::root(&event_leaves(events))
}

fn event_leaves(events: &[Bytes]) -> Vec<Digest> {
    events
        .iter()
        .map(|event| Hash::hash(&[EVENT_LABEL, event]))
        .collect()
}
