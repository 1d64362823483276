//! Calls that a bundle proves and does not open: their records were erased in time, or somebody else holds them.
//!
//! That they were made, when, of whom, and under which hash of their records is proven as it is for opened
//! calls. That the records are gone, and for how long they were kept, is the member's word: what a bundle can
//! refute is a destruction before the time that it states itself.

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::curve::Point;
use tacit_circuits::oprf::padding_calls;
use tacit_circuits::scope::{ListId, ListVersion};
use tacit_finality::Evidence;
use tacit_ledger::kernel::codec::{BoundedVec, Bytes, CodecError, Text};
use tacit_ledger::kernel::envelope::MAX_ENVELOPE_BYTES;
use tacit_ledger::kernel::{BusinessDate, Digest, Envelope, MemberId};
use tacit_ledger::network::request::MAX_CALLS;
use tacit_ledger::network::{Action, Request};
use tacit_sealing::{MAX_CLASS_BYTES, Month, OwnRecords, Period};

use super::fault::{BundleFault, CallFault};
use super::proof::Settled;
use super::{AuditedBatch, AuditedCall, AuditedCallName, BundleError, Sealed};

/// Calls of one batch that are not opened.
#[derive(Clone, Debug, PartialEq)]
pub struct UnopenedBatch {
    /// The transaction that settled the batch.
    pub envelope: Vec<u8>,
    /// That it stands in a finalized block, and what it did there.
    pub finality: Evidence,
    /// The places of the calls in the request, ascending.
    pub places: Vec<u32>,
    /// What the member says became of its records; None where it says nothing of them.
    pub erasure: Option<Erasure>,
    /// Shows that they are padding, about nobody; None where that is not claimed.
    pub padding: Option<Padding>,
}

/// What shows that calls are padding: the seed that both sides of the request drew, from which the points are
/// made anew. An identifier's point comes from no seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Padding {
    /// How many of the request's calls, at its end, are padding.
    pub count: u32,
    /// The seed.
    pub seed: [u8; 32],
}

/// The end of what was kept of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// To whose key it was sealed.
    pub period: Period,
    /// Whole months for which it was kept after its own.
    pub keep_months: u32,
    /// The business date on which the key was destroyed.
    pub destroyed: BusinessDate,
}

/// A call that a bundle proves and does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnopenedCall {
    /// Its name.
    pub name: AuditedCallName,
    /// Height of the block that logged it.
    pub height: u64,
    /// That block's time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Its leaf in the network's log.
    pub leaf: u64,
    /// The hash of its record.
    pub audit: Digest,
    /// The list that was asked.
    pub list: ListId,
    /// Who answered.
    pub provider: MemberId,
    /// What became of the record, as the member says.
    pub erasure: Option<Erasure>,
    /// Whether it is padding, about nobody. Proven.
    pub is_padding: bool,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Encoded {
    envelope: Bytes<MAX_ENVELOPE_BYTES>,
    finality: Sealed,
    places: BoundedVec<u32, MAX_CALLS>,
    erasure: Option<EncodedErasure>,
    padding: Option<Padding>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct EncodedErasure {
    class: Text<MAX_CLASS_BYTES>,
    month: u32,
    keep_months: u32,
    destroyed: BusinessDate,
}

impl Encoded {
    pub(super) fn of(batch: &UnopenedBatch) -> Result<Self, CodecError> {
        let erasure = |erasure: &Erasure| -> Result<_, CodecError> {
            Ok(EncodedErasure {
                class: Text::new(erasure.period.class.as_str())?,
                month: erasure.period.month.number(),
                keep_months: erasure.keep_months,
                destroyed: erasure.destroyed,
            })
        };
        Ok(Self {
            envelope: Bytes::try_from(batch.envelope.clone())?,
            finality: Bytes::try_from(batch.finality.to_bytes())?,
            places: BoundedVec::try_from(batch.places.clone())?,
            erasure: batch.erasure.as_ref().map(erasure).transpose()?,
            padding: batch.padding,
        })
    }

    pub(super) fn read(self) -> Result<UnopenedBatch, BundleError> {
        let erasure = |erasure: EncodedErasure| {
            let class = erasure.class.as_str().parse();
            let month = Month::numbered(erasure.month);
            let (Ok(class), Some(month)) = (class, month) else {
                return Err(BundleError::Period);
            };
            Ok(Erasure {
                period: Period { class, month },
                keep_months: erasure.keep_months,
                destroyed: erasure.destroyed,
            })
        };
        Ok(UnopenedBatch {
            envelope: self.envelope.to_vec(),
            finality: Evidence::from_bytes(&self.finality)?,
            places: self.places.into_vec(),
            erasure: self.erasure.map(erasure).transpose()?,
            padding: self.padding,
        })
    }
}

impl AuditedBatch {
    /// Calls that are opened with a custodian's copy. Places that the copy does not have are left out.
    pub fn from_copy(batch: UnopenedBatch, version: ListVersion, records: &OwnRecords) -> Self {
        let call = |index: &u32| {
            let (_, nonce, record) = records.calls.get(*index as usize)?;
            Some(AuditedCall {
                index: *index,
                nonce: *nonce,
                record: record.clone(),
                answer: None,
            })
        };
        Self {
            calls: batch.places.iter().filter_map(call).collect(),
            envelope: batch.envelope,
            finality: batch.finality,
            context: records.context.clone(),
            version: version.0,
        }
    }
}

impl Padding {
    /// The place of the first padding call of a request; None where its last calls are not what the seed gives.
    fn first_in(&self, request: &Request) -> Option<usize> {
        let first = request.calls.len().checked_sub(self.count as usize)?;
        let (list, tag_epoch) = (request.list, request.tag_epoch);
        let made = padding_calls(&self.seed, self.count as usize, list, tag_epoch);
        let (_, made) = made.ok()?;
        let tail = &request.blinded()[first..];
        let sent = Point::decode_batch(tail).ok()?;
        (made == sent).then_some(first)
    }
}

impl UnopenedBatch {
    /// The request that the transaction settles, where it does.
    pub fn request(&self) -> Option<Request> {
        let envelope = Envelope::from_bytes(&self.envelope).ok()?;
        match Action::of(&envelope) {
            Some(Ok(Action::CallBatch(calls))) => Some(calls.signed.request),
            _ => None,
        }
    }

    pub(super) fn prove(
        &self,
        place: usize,
        settled: &Settled,
    ) -> Result<Vec<UnopenedCall>, BundleFault> {
        let ascending = self.places.is_sorted_by(|a, b| a < b);
        if self.places.is_empty() || !ascending {
            return Err(BundleFault::Disorder(place));
        }
        if let Some(erasure) = &self.erasure {
            let in_time = erasure.destroyed >= erasure.period.over_on(erasure.keep_months);
            // A request is made before its calls are logged.
            let made_before = erasure.period.month <= Month::of(settled.business_date);
            if !in_time || !made_before {
                return Err(BundleFault::ErasedEarly(place));
            }
        }
        let request = &settled.calls.signed.request;
        let first_padding = self.padding.map(|padding| padding.first_in(request));
        let call = |index: &u32| {
            let name = AuditedCallName {
                session: request.session,
                sequence: request.sequence,
                index: *index,
            };
            let sent = request.calls.get(*index as usize);
            let sent = sent.ok_or(BundleFault::Call {
                call: name,
                fault: CallFault::NoSuchCall,
            })?;
            let is_padding = match first_padding {
                None => false,
                Some(first) => first.is_some_and(|first| *index as usize >= first),
            };
            if self.padding.is_some() && !is_padding {
                return Err(BundleFault::Call {
                    call: name,
                    fault: CallFault::NotPadding,
                });
            }
            Ok(UnopenedCall {
                name,
                height: settled.height,
                time_ms: settled.time_ms,
                leaf: settled.first_leaf + u64::from(*index),
                audit: sent.audit,
                list: request.list,
                provider: request.provider,
                erasure: self.erasure.clone(),
                is_padding,
            })
        };
        self.places.iter().map(call).collect()
    }
}
