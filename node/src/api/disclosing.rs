//! Discloses by itself: finds the calls that a demand is about, opens them, and says so.

use std::collections::BTreeMap;
use std::time::Duration;

use tacit_client::audit::{AuditBundle, MAX_BUNDLE_CALLS};
use tacit_frontend::disclosures::{BundlePart, Disclosed, DisclosureError};
use tacit_frontend::ports::{Applied, Ledger as _};
use tacit_frontend::retention::Period;
use tacit_ledger::kernel::BusinessDate;
use tacit_ledger::network::{
    Disclosure, DisclosureCause, DisclosureId, DisclosureScope, SessionId, read,
};
use tacit_proto::operator as proto;

use super::Operator;
use super::audit::{Asked, asked};
use super::error::ApiError;

/// How often it is looked for demands.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// After so many looks a demand that could not be answered is tried again: minutes of a few business days.
const LOOKS_BETWEEN_TRIES: u32 = 60;

/// How long rows that are behind are waited for: ten seconds.
const ROWS_INTERVAL: Duration = Duration::from_millis(200);
const ROWS_LOOKS: u32 = 50;

/// Batches of one date among which drawn calls are found.
const MAX_BATCHES_OF_DATE: u32 = 1_000_000;

impl Operator {
    /// Answers demands on this member as they come, for as long as the node runs. What it cannot answer it
    /// says, and people can.
    pub(crate) async fn disclose_as_demanded(self) {
        let mut failed: BTreeMap<DisclosureId, u32> = BTreeMap::new();
        loop {
            match self.demands().await {
                Ok(open) => {
                    failed.retain(|id, _| open.iter().any(|demand| demand.id == *id));
                    for demand in open {
                        let wait = failed.entry(demand.id).or_default();
                        if *wait > 0 {
                            *wait -= 1;
                            continue;
                        }
                        match self.disclose(&demand).await {
                            Ok(_) => {
                                tracing::info!(disclosure = %demand.id, "disclosures.answer: answered")
                            }
                            Err(error) => {
                                *wait = LOOKS_BETWEEN_TRIES;
                                tracing::warn!(
                                    disclosure = %demand.id, until = %demand.until, %error,
                                    "disclosures.answer: not answered; trying again"
                                );
                            }
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "disclosures.answer: the demands cannot be read")
                }
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn demands(&self) -> Result<Vec<Disclosure>, ApiError> {
        let me = self.ledger.member_id();
        let mut found = self.read(|view| read::disclosures_of(view, me)).await?;
        found.retain(Disclosure::is_open);
        Ok(found)
    }

    /// Opens what a demand is about and says so on the ledger.
    pub(super) async fn disclose(&self, demand: &Disclosure) -> Result<Applied, ApiError> {
        let frontend = self.frontend()?;
        self.caught_up().await?;
        let calls = self.demanded(demand).await?;
        // Dates without calls are answered with none.
        let asked = if calls.is_empty() {
            Asked::new()
        } else {
            asked(&calls)?
        };
        // Calls of one retention period make one part, which is kept as long as their records are.
        let mut of_periods: BTreeMap<Option<Period>, Asked> = BTreeMap::new();
        for ((session, sequence), places) in asked {
            let period = frontend
                .disclosures
                .period_of(SessionId(session), sequence)
                .await?;
            let of_period = of_periods.entry(period).or_default();
            of_period.insert((session, sequence), places);
        }
        if of_periods.is_empty() {
            of_periods.insert(None, Asked::new());
        }
        let mut parts = Vec::with_capacity(of_periods.len());
        for (period, asked) in of_periods {
            let bundle = self.bundle(asked, false, |_, _| ()).await?;
            parts.push(BundlePart { period, bundle });
        }
        Ok(frontend.disclosures.answer(demand.id, parts).await?)
    }

    /// Waits until the rows hold all that is final now.
    pub(super) async fn caught_up(&self) -> Result<(), ApiError> {
        let height = self.ledger.height();
        for _ in 0..ROWS_LOOKS {
            if self.read_model.position().await?.height >= height {
                return Ok(());
            }
            tokio::time::sleep(ROWS_INTERVAL).await;
        }
        Err(behind())
    }

    /// The calls of a demand, by name.
    async fn demanded(&self, demand: &Disclosure) -> Result<Vec<proto::CallRef>, ApiError> {
        match &demand.cause {
            DisclosureCause::Demanded { scope, .. } => match scope {
                DisclosureScope::Calls(calls) => {
                    let named = calls.iter().map(|call| proto::CallRef {
                        session: call.session.0,
                        sequence: call.sequence,
                        index: call.index,
                    });
                    Ok(named.collect())
                }
                DisclosureScope::Period { from, until } => {
                    let clock = self.read(read::clock).await?.unwrap_or_default();
                    // Calls may come as long as the last date lasts; the last day to answer waits for none.
                    let today = clock.business_date;
                    if today <= *until && today < demand.until {
                        return Err(ApiError::caller(
                            "period-not-over",
                            format!("the period lasts until {until}"),
                            "It is answered when it is over.",
                        ));
                    }
                    self.asked_between(*from, *until).await
                }
            },
            DisclosureCause::Drawn { date, calls } => {
                let me = self.ledger.member_id();
                let batches = self
                    .read_model
                    .asked_between(me, *date, *date, MAX_BATCHES_OF_DATE);
                let found = numbered(&batches.await?, calls);
                // The rows may be behind the ledger.
                if found.len() != calls.len() {
                    return Err(behind());
                }
                Ok(found)
            }
        }
    }

    async fn asked_between(
        &self,
        from: BusinessDate,
        until: BusinessDate,
    ) -> Result<Vec<proto::CallRef>, ApiError> {
        let me = self.ledger.member_id();
        // One more than a bundle holds is enough to be refused.
        let most = MAX_BUNDLE_CALLS + 1;
        let batches = self
            .read_model
            .asked_between(me, from, until, most as u32)
            .await?;
        let mut calls = Vec::new();
        for (session, sequence, number) in batches {
            let all = (0..number).map(|index| proto::CallRef {
                session: session.0,
                sequence,
                index,
            });
            calls.extend(all.take(most - calls.len()));
        }
        Ok(calls)
    }
}

/// One bundle of all that can be shown of an answer; none where nothing can be shown any more.
pub(super) fn merged(disclosed: Disclosed) -> Result<Option<Vec<u8>>, ApiError> {
    let Disclosed {
        member, bundles, ..
    } = disclosed;
    if let [_] = &bundles[..] {
        return Ok(bundles.into_iter().next());
    }
    let mut merged: Option<AuditBundle> = None;
    for bytes in bundles {
        let read = AuditBundle::from_bytes(&bytes).ok();
        // What a member sends is not what it says where it does not fit together.
        let bundle = read.filter(|(_, whole)| *whole).map(|(bundle, _)| bundle);
        let bundle = bundle.filter(|bundle| bundle.member == member);
        let bundle = bundle.ok_or(DisclosureError::NotTheBundle)?;
        match &mut merged {
            None => merged = Some(bundle),
            Some(merged) if merged.chain_id == bundle.chain_id => {
                merged.batches.extend(bundle.batches);
                merged.unopened.extend(bundle.unopened);
                merged.records.extend(bundle.records);
            }
            Some(_) => return Err(DisclosureError::NotTheBundle.into()),
        }
    }
    let bytes = merged.map(|merged| merged.to_bytes()).transpose();
    bytes.map_err(|_| DisclosureError::TooLarge.into())
}

fn behind() -> ApiError {
    ApiError::node(
        "read-model-behind",
        "not all calls of the demand stand in the read model yet",
        "Try again later.",
    )
}

/// The calls with these numbers, ascending from 1, among those of batches in the order of the log.
fn numbered(batches: &[(SessionId, u64, u32)], numbers: &[u32]) -> Vec<proto::CallRef> {
    let (mut found, mut before) = (Vec::with_capacity(numbers.len()), 0_u64);
    let mut numbers = numbers.iter().map(|number| u64::from(*number)).peekable();
    for (session, sequence, calls) in batches {
        let last = before + u64::from(*calls);
        while let Some(number) = numbers.next_if(|number| *number > before && *number <= last) {
            found.push(proto::CallRef {
                session: session.0,
                sequence: *sequence,
                index: (number - before - 1) as u32,
            });
        }
        before = last;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_numbers_name_calls_in_the_order_of_the_log() {
        let batches = [
            (SessionId(7), 0, 3),
            (SessionId(9), 4, 1),
            (SessionId(7), 1, 1_000),
        ];
        let named = |numbers: &[u32]| {
            let found = numbered(&batches, numbers);
            let name = |call: &proto::CallRef| (call.session, call.sequence, call.index);
            found.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(named(&[1, 3, 4]), [(7, 0, 0), (7, 0, 2), (9, 4, 0)]);
        assert_eq!(named(&[5, 1_004]), [(7, 1, 0), (7, 1, 999)]);
        // What no batch holds is not made up.
        assert_eq!(named(&[1_004, 1_005]), [(7, 1, 999)]);
        assert_eq!(named(&[]), []);
    }
}
