//! A block: its header, and the bytes of its transactions.
//!
//! A block's hash is that of its header, which commits to the body. Decoding refuses a body that its
//! header does not commit to, so two blocks of one hash are equal.

use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write};
use commonware_consensus::{
    Block as ConsensusBlock, BoundedBlock, CertifiableBlock, Heightable,
    types::{Epoch, Height, Round, View},
};
use commonware_cryptography::{Digest as _, Digestible, Hasher as _, Signer as _, ed25519};
use tacit_finality::{ChainId, Committee, Digest, Hash, Header, ProposalContext, StateCommitment};
use tacit_ledger::kernel::envelope::MAX_ENVELOPE_BYTES;

/// The most transactions in a block. A small transaction executes in a few microseconds, so this is
/// a few tens of milliseconds of work.
pub const MAX_BLOCK_TRANSACTIONS: usize = 8_192;

/// The most bytes of transactions in a block: ten full call batches and room. Every validator
/// receives a block whole before it votes, so this bounds what a slow link must carry in a view.
pub const MAX_BLOCK_BYTES: usize = 2 * 1024 * 1024;

const BODY_LABEL: &[u8] = b"tacit/block-body/v1";
const GENESIS_LABEL: &[u8] = b"tacit/genesis-block/v1";

/// A header and the transactions to which its `body` commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What the block's hash covers.
    pub header: Header,
    /// The canonical bytes of each transaction's envelope, in order of execution.
    pub envelopes: Vec<Bytes>,
}

impl Block {
    /// The block before the first: it holds no transaction, and nothing is stored for it.
    ///
    /// `state` is the commitment of an empty store; what the genesis writes is written by the first
    /// block.
    pub fn genesis(
        chain_id: &ChainId,
        time_ms: u64,
        committee: Committee,
        state: StateCommitment,
    ) -> Self {
        let context = ProposalContext {
            round: Round::new(Epoch::zero(), View::zero()),
            // Nobody proposed it; the field wants a key, and this one signs nothing.
            leader: ed25519::PrivateKey::from_seed(0).public_key(),
            parent: (View::zero(), Digest::EMPTY),
        };
        Self {
            header: Header {
                context,
                parent: Hash::hash(&[GENESIS_LABEL, chain_id]),
                height: Height::zero(),
                time_ms,
                body: body_digest(&[]),
                state,
                results_root: Digest::EMPTY,
                handover: Some(committee),
            },
            envelopes: Vec::new(),
        }
    }
}

/// What a header's `body` must be for these transactions.
pub fn body_digest(envelopes: &[Bytes]) -> Digest {
    // Hashing each envelope first makes the framing unambiguous: the outer input is a label and
    // whole digests.
    let digests: Vec<Digest> = envelopes
        .iter()
        .map(|envelope| Hash::hash(&[envelope]))
        .collect();
    let mut parts: Vec<&[u8]> = Vec::with_capacity(digests.len() + 1);
    parts.push(BODY_LABEL);
    parts.extend(digests.iter().map(AsRef::<[u8]>::as_ref));
    Hash::hash(&parts)
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.write(buf);
        self.envelopes.write(buf);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        self.header.encode_size() + self.envelopes.encode_size()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let header = Header::read(buf)?;
        let envelopes = Vec::<Bytes>::read_cfg(
            buf,
            &(
                RangeCfg::from(0..=MAX_BLOCK_TRANSACTIONS),
                RangeCfg::from(0..=MAX_ENVELOPE_BYTES),
            ),
        )?;
        if envelopes.iter().map(Bytes::len).sum::<usize>() > MAX_BLOCK_BYTES {
            return Err(CodecError::Invalid(
                "Block",
                "its transactions exceed MAX_BLOCK_BYTES",
            ));
        }
        if body_digest(&envelopes) != header.body {
            return Err(CodecError::Invalid(
                "Block",
                "its header commits to another body",
            ));
        }
        Ok(Self { header, envelopes })
    }
}

impl Digestible for Block {
    type Digest = Digest;

    fn digest(&self) -> Digest {
        self.header.digest()
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        self.header.height
    }
}

impl ConsensusBlock for Block {
    fn parent(&self) -> Digest {
        self.header.parent
    }
}

impl CertifiableBlock for Block {
    type Context = ProposalContext;

    fn context(&self) -> ProposalContext {
        self.header.context.clone()
    }
}

impl BoundedBlock for Block {
    fn max_encode_size((): &()) -> usize {
        /// A length takes at most five bytes before each transaction and before their list.
        const MAX_LENGTH_BYTES: usize = 5;
        Header::max_encode_size()
            + MAX_BLOCK_BYTES
            + MAX_LENGTH_BYTES * (MAX_BLOCK_TRANSACTIONS + 1)
    }
}

#[cfg(test)]
mod tests;
