//! From a header to the signatures that made it final.

use crate::{
    ChainId, Committee, FinalityError, Finalization, Header, Scheme, committee::MAX_VALIDATORS,
};
use bytes::BufMut;
use commonware_codec::{
    Buf, Encode as _, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write,
};
use commonware_cryptography::{
    Digestible as _,
    transcript::{Transcript, Version},
};
use commonware_parallel::Sequential;
use std::collections::BTreeMap;

/// The most headers between a block and the certified one after it.
///
/// A block without a certificate of its own is final because a later block of the epoch has one.
/// Validators certify nearly every block; long runs without a certificate come from lossy links.
pub const MAX_DESCENDANTS: usize = 1_024;

const NAMESPACE: &[u8] = b"tacit/consensus/v1/";

/// The prefix of everything that validators of a chain sign.
pub fn namespace(chain_id: &ChainId) -> Vec<u8> {
    [NAMESPACE, chain_id].concat()
}

/// A header with what makes it final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalizedHeader {
    /// The block in question.
    pub header: Header,
    /// The blocks after it, up to the one that the certificate names; empty if it names `header`.
    pub descendants: Vec<Header>,
    /// A quorum's signatures over the last of these blocks.
    pub finalization: Finalization,
}

impl FinalizedHeader {
    /// Checks that the header is final under the validators of its epoch.
    ///
    /// # Errors
    ///
    /// [`FinalityError::UnknownEpoch`], [`FinalityError::BrokenChain`],
    /// [`FinalityError::WrongBlock`] or [`FinalityError::NotSigned`], in this order.
    pub fn verify(&self, committees: &Committees) -> Result<(), FinalityError> {
        let epoch = self.header.epoch();
        if committees.committee(epoch.get()).is_none() {
            return Err(FinalityError::UnknownEpoch { epoch: epoch.get() });
        }

        // All blocks up to the certified one lie in one epoch, because an epoch starts from a
        // block that is final already.
        let mut last = (&self.header, self.header.digest());
        for next in &self.descendants {
            if next.parent != last.1 || next.height != last.0.height.next() || next.epoch() != epoch
            {
                return Err(FinalityError::BrokenChain {
                    height: next.height.get(),
                });
            }
            last = (next, next.digest());
        }

        let proposal = &self.finalization.proposal;
        if proposal.payload != last.1 || proposal.round.epoch() != epoch {
            return Err(FinalityError::WrongBlock {
                height: last.0.height.get(),
            });
        }
        committees.verify(&self.finalization)
    }
}

impl Write for FinalizedHeader {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.write(buf);
        self.descendants.write(buf);
        self.finalization.write(buf);
    }
}

impl EncodeSize for FinalizedHeader {
    fn encode_size(&self) -> usize {
        self.header.encode_size() + self.descendants.encode_size() + self.finalization.encode_size()
    }
}

impl Read for FinalizedHeader {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            header: Header::read(buf)?,
            descendants: Vec::read_cfg(buf, &(RangeCfg::from(0..=MAX_DESCENDANTS), ()))?,
            finalization: Finalization::read_cfg(buf, &MAX_VALIDATORS)?,
        })
    }
}

/// The validators of each epoch that a verifier has followed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committees {
    chain_id: ChainId,
    epochs: BTreeMap<u64, Committee>,
}

impl Committees {
    /// Starts from what the verifier takes on trust: the chain's id and its first validators.
    pub fn new(chain_id: ChainId, genesis: Committee) -> Self {
        Self {
            chain_id,
            epochs: BTreeMap::from([(0, genesis)]),
        }
    }

    /// The chain that the committees belong to.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// The validators of `epoch`, if its hand-over was followed.
    pub fn committee(&self, epoch: u64) -> Option<&Committee> {
        self.epochs.get(&epoch)
    }

    /// The newest epoch whose validators are known.
    pub fn newest(&self) -> u64 {
        self.epochs.keys().next_back().copied().unwrap_or(0)
    }

    /// Takes it that the newest known validators stayed until `epoch`.
    ///
    /// Evidence leaves out the hand-overs that changed nothing. Leaving out one that changed something takes a
    /// quorum of validators that sign for an epoch that is not theirs, as forging the hand-over would: what is
    /// trusted stays the same.
    pub(crate) fn carry_to(&mut self, epoch: u64) {
        if let Some((newest, committee)) = self.epochs.last_key_value()
            && *newest < epoch
        {
            let committee = committee.clone();
            self.epochs.insert(epoch, committee);
        }
    }

    /// Checks that a quorum of the epoch's validators signed `finalization`.
    ///
    /// # Errors
    ///
    /// [`FinalityError::UnknownEpoch`] or [`FinalityError::NotSigned`].
    pub fn verify(&self, finalization: &Finalization) -> Result<(), FinalityError> {
        let epoch = finalization.proposal.round.epoch().get();
        let committee = self
            .committee(epoch)
            .ok_or(FinalityError::UnknownEpoch { epoch })?;
        if is_signed(&self.chain_id, committee, finalization) {
            Ok(())
        } else {
            Err(FinalityError::NotSigned { epoch })
        }
    }

    /// Learns the validators of the epoch after the one that `handover` ends.
    ///
    /// # Errors
    ///
    /// Those of [`FinalizedHeader::verify`], and [`FinalityError::NoHandover`] if the header ends
    /// no epoch.
    pub fn follow(&mut self, handover: &FinalizedHeader) -> Result<(), FinalityError> {
        handover.verify(self)?;
        let header = &handover.header;
        let next = header.handover.clone().ok_or(FinalityError::NoHandover {
            height: header.height.get(),
        })?;
        self.epochs.insert(header.epoch().next().get(), next);
        Ok(())
    }
}

/// Whether a quorum of `committee` signed `finalization`.
fn is_signed(chain_id: &ChainId, committee: &Committee, finalization: &Finalization) -> bool {
    let scheme = Scheme::verifier(&namespace(chain_id), committee.keys().clone());
    // Signatures are checked together under random weights. Drawing these from a hash of all that
    // is checked leaves a forger nothing to aim at, and the verdict is the same on every machine.
    let mut weights = Transcript::new(b"tacit/certificate-weights", Version::V1);
    weights.commit(namespace(chain_id).as_slice());
    weights.commit(committee.encode());
    weights.commit(finalization.encode());
    finalization.verify::<_>(&mut weights.noise(b"weights"), &scheme, &Sequential)
}
