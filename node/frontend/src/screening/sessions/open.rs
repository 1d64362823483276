//! Opens sessions.

use std::collections::HashMap;

use tacit_circuits::scope::ListId;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::action::{MAX_OPENINGS, SessionTerms};
use tacit_ledger::network::{Event, Session, read as state};

use super::super::plan::PlannedList;
use super::lane::DEADLINE_MARGIN_BLOCKS;
use super::{SessionError, Sessions};
use crate::ports::{LedgerError, read};
use crate::wallet::{WalletError, Wanted, padded_size};

/// Sessions grow to at most this multiple of the configured size by themselves.
const MAX_GROWTH: u64 = 16;

/// Least blocks of a session that is opened: until it is final, and while its last requests are answered,
/// it is of no use.
const MIN_SESSION_BLOCKS: u64 = 2 * DEADLINE_MARGIN_BLOCKS;

/// For how many calls sessions are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// For as many as configured, or as are asked for if these are more.
    Ample,
    /// For as many as are asked for.
    Exact,
}

impl Sessions {
    /// Opens a session for each list. Where quota is short, for just the calls asked for, if that is wanted.
    pub(super) async fn open_all(
        &self,
        wanted: &[(PlannedList, u64)],
        sparingly: bool,
    ) -> Result<(), SessionError> {
        for some in wanted.chunks(MAX_OPENINGS) {
            match self.open(some, Size::Ample).await {
                Err(error) if sparingly && is_short(&error) => self.open_sparingly(some).await?,
                other => other?,
            }
        }
        Ok(())
    }

    /// Opens for just what is asked; if not even that suffices for all, for each alone, so that what there
    /// is goes as far as it can. Fails only where nothing could be opened.
    async fn open_sparingly(&self, wanted: &[(PlannedList, u64)]) -> Result<(), SessionError> {
        let mut result = self.open(wanted, Size::Exact).await;
        if wanted.len() > 1 && result.as_ref().is_err_and(is_short) {
            for one in wanted {
                let opened = self.open(std::slice::from_ref(one), Size::Exact).await;
                result = if opened.is_ok() || result.is_ok() {
                    Ok(())
                } else {
                    opened
                };
            }
        }
        result
    }

    async fn open(&self, wanted: &[(PlannedList, u64)], size: Size) -> Result<(), SessionError> {
        let (parameters, height) = read(&*self.0.ledger, |view| {
            let clock = state::clock(view)?.unwrap_or_default();
            Ok((state::parameters(view)?, clock.height))
        })
        .await?;
        let config = &self.0.config;
        let blocks = config.session_blocks.min(parameters.max_session_blocks);
        if blocks < MIN_SESSION_BLOCKS {
            return Err(SessionError::TooShort { blocks });
        }
        let last_caps = self.last_caps().await;
        let ample = u64::from(config.session_calls);
        let opening = |(planned, calls): &(PlannedList, u64)| -> Wanted {
            let calls = match size {
                Size::Exact => *calls,
                // A list that is asked a lot gets ever larger sessions.
                Size::Ample => {
                    let last = last_caps.get(&planned.list).copied().unwrap_or_default();
                    (*calls).max((2 * last).clamp(ample, MAX_GROWTH * ample))
                }
            };
            // The limit has 32 bits.
            let calls = calls.min(self.max_calls(planned)) as u32;
            let terms = SessionTerms {
                list: planned.list,
                tag_epoch: planned.tag_epoch,
                lane: config.lane,
                // However its calls come, none of them is without room for its padding.
                cap_calls: calls * padded_size(1) as u32,
                // The transaction enters a later block than the last one, so the span still fits.
                deadline_height: height + blocks,
            };
            (terms, planned.provider, calls * planned.price_minor)
        };
        let openings: Vec<Wanted> = wanted.iter().map(opening).collect();
        let opened = self.submit(&openings).await?;
        self.check(wanted, &opened)
    }

    /// Opens sessions, and takes up what was opened.
    async fn submit(&self, openings: &[Wanted]) -> Result<Vec<Session>, SessionError> {
        let applied = match self.0.wallet.open_sessions(openings).await {
            Ok(applied) => applied,
            Err(error) => {
                if error.is_unavailable() {
                    // It may still become final: then it is found on the ledger.
                    self.0.untidy.notify_one();
                }
                return Err(error.into());
            }
        };
        let mut opened = Vec::new();
        for event in applied.events {
            if let Event::SessionOpened { session, .. } = event {
                let found = read(&*self.0.ledger, |view| state::session(view, session)).await?;
                if let Some(found) = found {
                    self.add(&found).await?;
                    opened.push(found);
                }
            }
        }
        for session in &opened {
            let mut lanes = self.0.lanes.lock().await;
            if let Some(lanes) = lanes.get_mut(&session.list) {
                // The ledger opens sessions under the present key only: those of another are over.
                self.retire_where(lanes, |lane| lane.tag_epoch != session.tag_epoch);
            }
        }
        Ok(opened)
    }

    /// Whether what was opened serves what it was opened for. The price list may have been changed since the
    /// plan was made: nobody is asked at another price than was planned.
    fn check(&self, wanted: &[(PlannedList, u64)], opened: &[Session]) -> Result<(), SessionError> {
        let height = self.0.ledger.height();
        for (planned, _) in wanted {
            let session = opened.iter().find(|session| session.list == planned.list);
            let Some(session) = session else { continue };
            if session.price_minor != planned.price_minor {
                return Err(LedgerError::Rejected(Reject::PRICE_MISMATCH).into());
            }
            let blocks = session.deadline_height.saturating_sub(height);
            if blocks <= DEADLINE_MARGIN_BLOCKS {
                return Err(SessionError::TooShort { blocks });
            }
        }
        Ok(())
    }

    async fn last_caps(&self) -> HashMap<ListId, u64> {
        let lanes = self.0.lanes.lock().await;
        let last = lanes
            .iter()
            .filter_map(|(list, lanes)| Some((*list, lanes.last()?.cap_calls / padded_size(1))));
        last.collect()
    }
}

/// Whether there is not enough quota.
pub(in super::super) fn is_short(error: &SessionError) -> bool {
    matches!(error, SessionError::Wallet(WalletError::Exhausted { .. }))
}
