//! What the ledger says that this member has to do, and until when. Nothing of it is kept here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tacit_circuits::scope::{ListId, MemberId};
use tacit_ledger::kernel::BusinessDate;
use tacit_ledger::network::{
    Disclosure, DisclosureId, Dispute, DisputeId, DisputeStatus, read as state,
};

use super::NoticeKind;
use crate::ports::{Ledger, LedgerError, read};

/// Disputes that are read at a time.
const PAGE: u64 = 1_024;

/// Something that this member has to do. Dates are the last on which it is done in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// To answer a dispute about a list of its own: silence loses.
    Answer {
        /// Which.
        dispute: DisputeId,
        /// The list.
        list: ListId,
        /// Last date.
        until: BusinessDate,
    },
    /// To rule on a dispute, as a member of its panel, or to step down.
    Rule {
        /// Which.
        dispute: DisputeId,
        /// The list.
        list: ListId,
        /// Last date; none while the owner may still answer.
        until: Option<BusinessDate>,
    },
    /// To publish a version without the entry that a dispute was about.
    Correct {
        /// Which.
        dispute: DisputeId,
        /// The list.
        list: ListId,
        /// Last date.
        until: BusinessDate,
    },
    /// To disclose calls to supervisors.
    Disclose {
        /// The demand.
        disclosure: DisclosureId,
        /// Last date.
        until: BusinessDate,
    },
}

impl Duty {
    /// Its kind.
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::Answer { .. } => NoticeKind::DisputeToAnswer,
            Self::Rule { .. } => NoticeKind::DisputeToRule,
            Self::Correct { .. } => NoticeKind::CorrectionDue,
            Self::Disclose { .. } => NoticeKind::DisclosureDue,
        }
    }

    /// The last date on which it is done in time.
    pub const fn until(&self) -> Option<BusinessDate> {
        match self {
            Self::Answer { until, .. }
            | Self::Correct { until, .. }
            | Self::Disclose { until, .. } => Some(*until),
            Self::Rule { until, .. } => *until,
        }
    }

    /// The list, where it is about one.
    pub const fn list(&self) -> Option<ListId> {
        match self {
            Self::Answer { list, .. } | Self::Rule { list, .. } | Self::Correct { list, .. } => {
                Some(*list)
            }
            Self::Disclose { .. } => None,
        }
    }
}

/// Reads the duties of one member.
pub(crate) struct Duties {
    ledger: Arc<dyn Ledger>,
    /// All disputes up to this one are closed, for good: they are not read again.
    closed: AtomicU64,
}

impl Duties {
    pub(super) fn new(ledger: Arc<dyn Ledger>) -> Self {
        let closed = AtomicU64::new(0);
        Self { ledger, closed }
    }

    /// All duties, disputes first, in the order of their numbers.
    pub(super) async fn now(&self) -> Result<Vec<Duty>, LedgerError> {
        let me = self.ledger.member_id();
        let mut duties = Vec::new();
        for dispute in self.open_disputes().await? {
            duties.extend(duty_of(&dispute, me));
        }
        let mut due = Vec::with_capacity(duties.len());
        for (duty, decided_height) in duties {
            if let (Some(height), Some(list)) = (decided_height, duty.list())
                && self.is_corrected(list, height).await?
            {
                continue;
            }
            due.push(duty);
        }
        let demands = read(&*self.ledger, |view| state::disclosures_of(view, me)).await?;
        let open = demands.into_iter().filter(Disclosure::is_open);
        due.extend(open.map(|demand| Duty::Disclose {
            disclosure: demand.id,
            until: demand.until,
        }));
        Ok(due)
    }

    async fn open_disputes(&self) -> Result<Vec<Dispute>, LedgerError> {
        let floor = DisputeId(self.closed.load(Ordering::Relaxed));
        let mut disputes = disputes_after(&*self.ledger, floor).await?;
        let closed = disputes.iter().take_while(|dispute| is_closed(dispute));
        if let Some(last) = closed.last() {
            self.closed.fetch_max(last.id.0, Ordering::Relaxed);
        }
        disputes.retain(|dispute| !is_closed(dispute));
        Ok(disputes)
    }

    /// Whether a list has a version that was published since, or needs none any more.
    async fn is_corrected(&self, list: ListId, height: u64) -> Result<bool, LedgerError> {
        read(&*self.ledger, |view| match state::list(view, list)? {
            Some(list) if list.is_standing() => state::is_corrected(view, &list, height),
            _ => Ok(true),
        })
        .await
    }
}

/// All disputes after one, in their order.
pub(super) async fn disputes_after(
    ledger: &dyn Ledger,
    floor: DisputeId,
) -> Result<Vec<Dispute>, LedgerError> {
    let count = read(ledger, state::dispute_count).await?;
    let mut disputes = Vec::new();
    let mut first = floor.0 + 1;
    while first <= count {
        let last = count.min(first + PAGE - 1);
        let ids = || (first..=last).map(DisputeId);
        let page = read(ledger, |view| state::disputes_numbered(view, ids())).await?;
        disputes.extend(page.into_iter().flatten());
        first = last + 1;
    }
    Ok(disputes)
}

pub(super) const fn is_closed(dispute: &Dispute) -> bool {
    matches!(dispute.status, DisputeStatus::Closed { .. })
}

/// What a dispute asks of a member, and since which height the list has to be corrected, where it has.
fn duty_of(dispute: &Dispute, me: MemberId) -> Option<(Duty, Option<u64>)> {
    let (id, list) = (dispute.id, dispute.publication.list);
    let sits = dispute
        .panel
        .iter()
        .any(|seat| seat.member == me && seat.ruling.is_none());
    let owns = dispute.owner == me;
    let rule = |until| Duty::Rule {
        dispute: id,
        list,
        until,
    };
    match dispute.status {
        DisputeStatus::Answering { until } if owns => {
            let dispute = id;
            Some((
                Duty::Answer {
                    dispute,
                    list,
                    until,
                },
                None,
            ))
        }
        DisputeStatus::Answering { .. } if sits => Some((rule(None), None)),
        DisputeStatus::Ruling { until } if sits => Some((rule(Some(until)), None)),
        DisputeStatus::Correcting {
            decided_height,
            until,
            ..
        } if owns => {
            let dispute = id;
            let duty = Duty::Correct {
                dispute,
                list,
                until,
            };
            Some((duty, Some(decided_height)))
        }
        _ => None,
    }
}
