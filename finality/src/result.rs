//! The outcome and events of one transaction, proven to stand in a block.

use crate::{FinalityError, Header};
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error as CodecError, RangeCfg, Read, Write};
use tacit_ledger::kernel::{BlockResult, Digest, ResultProof, codec};

/// The longest encoding of a result with its proof, in bytes: as many events as one transaction may
/// cause, each of the largest size, and a path.
pub const MAX_RESULT_BYTES: usize = 2 * 1024 * 1024;

/// Proves what came of a transaction, or what a block did by itself, with all its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultClaim {
    /// The transaction's id, outcome and events.
    pub result: BlockResult,
    /// From the result to the header's `results_root`.
    pub proof: ResultProof,
}

impl ResultClaim {
    /// Checks the proof against a header, whose own finality is checked elsewhere.
    ///
    /// # Errors
    ///
    /// [`FinalityError::NotProven`] if it leads to another root.
    pub fn verify(&self, header: &Header) -> Result<(), FinalityError> {
        let mut root = [0; 32];
        root.copy_from_slice(header.results_root.as_ref());
        if self.proof.verify(&Digest(root), &self.result) {
            Ok(())
        } else {
            Err(FinalityError::NotProven {
                what: "result",
                height: header.height.get(),
            })
        }
    }

    /// The ledger's canonical encoding of both parts.
    fn bytes(&self) -> Bytes {
        codec::encode(&(&self.result, &self.proof)).into()
    }
}

impl Write for ResultClaim {
    fn write(&self, buf: &mut impl BufMut) {
        self.bytes().write(buf);
    }
}

impl EncodeSize for ResultClaim {
    fn encode_size(&self) -> usize {
        self.bytes().encode_size()
    }
}

impl Read for ResultClaim {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let bytes = Bytes::read_cfg(buf, &RangeCfg::from(0..=MAX_RESULT_BYTES))?;
        let (result, proof) = codec::decode(&bytes)
            .map_err(|_| CodecError::Invalid("ResultClaim", "not the ledger's encoding"))?;
        Ok(Self { result, proof })
    }
}
