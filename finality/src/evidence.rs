//! One file that proves one claim to whoever holds the genesis.

use crate::{
    ChainId, Committee, Committees, FinalityError, FinalizedHeader, ResultClaim, ValueProof,
};
use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, DecodeExt as _, Encode as _, EncodeSize, Error as CodecError, RangeCfg, Read,
    ReadExt as _, Write,
};

/// The most changes of validators that a piece of evidence may walk through from genesis.
///
/// At a change a week this is 19 years; it bounds a file to about a megabyte, and keeps a hostile one from making
/// a verifier work for ever.
pub const MAX_HANDOVERS: usize = 1_024;

/// The most values that one piece of evidence proves at a time: what a full set of receipts appeals to, with
/// room. It bounds a file to a few hundred kilobytes.
pub const MAX_PROVEN_VALUES: usize = 128;

/// What a piece of evidence proves about the block it names.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The block itself, and nothing else.
    Block,
    /// A state key's value after the block.
    Value(Box<ValueProof>),
    /// What came of a transaction in the block, with its events.
    Result(Box<ResultClaim>),
    /// The values of several state keys after the block, each proven by itself.
    Values(Vec<ValueProof>),
}

/// A claim about a block, the block's certificate, and the way from genesis to its validators.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The last header of each epoch before the block's that handed over to other validators, in order.
    pub handovers: Vec<FinalizedHeader>,
    /// The block.
    pub block: FinalizedHeader,
    /// What is claimed about it.
    pub claim: Claim,
}

impl Evidence {
    /// Reads evidence from bytes that came from anywhere.
    ///
    /// # Errors
    ///
    /// [`FinalityError::Malformed`] if the bytes are not exactly one piece of evidence.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FinalityError> {
        Self::decode(Bytes::copy_from_slice(bytes))
            .map_err(|error| FinalityError::malformed("evidence", error))
    }

    /// The bytes that [`Self::from_bytes`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode().to_vec()
    }

    /// Checks the claim for the network `chain_id` whose first validators were `genesis`.
    ///
    /// # Errors
    ///
    /// The first error met: hand-overs in order, then the block's certificate, then the claim.
    pub fn verify(&self, chain_id: ChainId, genesis: Committee) -> Result<(), FinalityError> {
        let mut committees = Committees::new(chain_id, genesis);
        for handover in &self.handovers {
            committees.carry_to(handover.header.epoch().get());
            committees.follow(handover)?;
        }
        committees.carry_to(self.block.header.epoch().get());
        self.verify_with(&committees)
    }

    /// Checks evidence of blocks up to this one's, in the order of their epochs, that has no hand-overs of its own:
    /// the way from genesis is this one's.
    ///
    /// # Errors
    ///
    /// The first error met, with the place of the evidence that it is of, counted from 0.
    pub fn verify_before(
        &self,
        others: &[Self],
        chain_id: ChainId,
        genesis: Committee,
    ) -> Result<(), (usize, FinalityError)> {
        let mut committees = Committees::new(chain_id, genesis);
        let mut handovers = self.handovers.iter().peekable();
        for (place, other) in others.iter().enumerate() {
            let epoch = other.block.header.epoch();
            while let Some(handover) = handovers.next_if(|next| next.header.epoch() < epoch) {
                committees.carry_to(handover.header.epoch().get());
                committees
                    .follow(handover)
                    .map_err(|error| (place, error))?;
            }
            committees.carry_to(epoch.get());
            let verified = other.verify_with(&committees);
            verified.map_err(|error| (place, error))?;
        }
        Ok(())
    }

    /// Checks the claim under committees that the verifier followed before.
    ///
    /// # Errors
    ///
    /// Those of [`FinalizedHeader::verify`] and [`FinalityError::NotProven`].
    pub fn verify_with(&self, committees: &Committees) -> Result<(), FinalityError> {
        self.block.verify(committees)?;
        match &self.claim {
            Claim::Block => Ok(()),
            Claim::Value(proof) => proof.verify(&self.block.header),
            Claim::Result(proof) => proof.verify(&self.block.header),
            Claim::Values(proofs) => proofs
                .iter()
                .try_for_each(|proof| proof.verify(&self.block.header)),
        }
    }
}

impl Write for Evidence {
    fn write(&self, buf: &mut impl BufMut) {
        self.handovers.write(buf);
        self.block.write(buf);
        self.claim.write(buf);
    }
}

impl EncodeSize for Evidence {
    fn encode_size(&self) -> usize {
        self.handovers.encode_size() + self.block.encode_size() + self.claim.encode_size()
    }
}

impl Read for Evidence {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            handovers: Vec::read_cfg(buf, &(RangeCfg::from(0..=MAX_HANDOVERS), ()))?,
            block: FinalizedHeader::read(buf)?,
            claim: Claim::read(buf)?,
        })
    }
}

impl Write for Claim {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::Block => 0u8.write(buf),
            Self::Value(proof) => {
                1u8.write(buf);
                proof.write(buf);
            }
            Self::Result(proof) => {
                2u8.write(buf);
                proof.write(buf);
            }
            Self::Values(proofs) => {
                3u8.write(buf);
                proofs.write(buf);
            }
        }
    }
}

impl EncodeSize for Claim {
    fn encode_size(&self) -> usize {
        1 + match self {
            Self::Block => 0,
            Self::Value(proof) => proof.encode_size(),
            Self::Result(proof) => proof.encode_size(),
            Self::Values(proofs) => proofs.encode_size(),
        }
    }
}

impl Read for Claim {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        match u8::read(buf)? {
            0 => Ok(Self::Block),
            1 => Ok(Self::Value(Box::new(ValueProof::read(buf)?))),
            2 => Ok(Self::Result(Box::new(ResultClaim::read(buf)?))),
            3 => {
                let count = RangeCfg::from(0..=MAX_PROVEN_VALUES);
                Ok(Self::Values(Vec::read_cfg(buf, &(count, ()))?))
            }
            tag => Err(CodecError::InvalidEnum(tag)),
        }
    }
}
