//! Keeps what is known of this member's sessions and what the ledger holds of them together: closes those
//! that are of no more use, and finds those whose opening was not seen to its end.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_ledger::kernel::{Missing, StateView};
use tacit_ledger::network::price::session_price;
use tacit_ledger::network::{Action, Session, SessionId, read as state};
use tokio::time::{Instant, sleep, timeout};

use super::lane::Lane;
use super::{SessionError, Sessions};
use crate::ports::{LedgerError, read};

/// How often it is looked while nothing happens.
const TIDY_INTERVAL: Duration = Duration::from_secs(30);

/// Pause after something happened, so that what happens together is looked at once.
const TIDY_PAUSE: Duration = Duration::from_secs(1);

/// A session that could be asked no more, or not at the present price, is kept for this long after its last
/// request: a screening that was planned with it may go on.
const IDLE: Duration = Duration::from_secs(60);

/// Under which epoch, and at what price, a list opens sessions now; nothing where it opens none.
type Terms = HashMap<ListId, Option<(TagEpoch, u32)>>;

impl Sessions {
    pub(super) async fn tidy(self) {
        loop {
            // Whether there was news or the time is over, it is looked.
            let _ = timeout(TIDY_INTERVAL, self.0.untidy.notified()).await;
            sleep(TIDY_PAUSE).await;
            if let Err(error) = self.tidy_once().await {
                tracing::warn!(%error, "sessions.tidy: trying again");
            }
        }
    }

    async fn tidy_once(&self) -> Result<(), SessionError> {
        self.retire_useless().await?;
        let open = self.take_up().await?;
        self.over().retain(|session, _| open.contains(session));
        let to_close: Vec<SessionId> = {
            let over = self.over();
            let waiting = over.iter().filter(|(_, closed)| !**closed);
            waiting.map(|(session, _)| *session).collect()
        };
        for session in to_close {
            match self.0.ledger.submit(Action::CloseSession { session }).await {
                // What is refused is closed already, or over.
                Ok(_) | Err(LedgerError::Rejected(_)) => {
                    self.over().insert(session, true);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes up the sessions of this lane that are open on the ledger and not known here. Answers with all
    /// that are open.
    pub(super) async fn take_up(&self) -> Result<HashSet<SessionId>, SessionError> {
        let me = self.0.ledger.member_id();
        // One that is being opened is taken up by whoever opens it.
        let _one_at_a_time = self.0.opening.lock().await;
        let open = read(&*self.0.ledger, |view| state::sessions_of(view, me)).await?;
        let height = self.0.ledger.height();
        let is_own = |session: &&Session| session.lane == self.0.config.lane;
        for session in open.iter().filter(is_own) {
            if session.deadline_height > height {
                self.add(session).await?;
            }
        }
        Ok(open.into_iter().map(|session| session.id).collect())
    }

    /// Retires sessions of epochs that are over, of lists that are gone, and those that have been idle and
    /// of no use: used up, or at a price that is not asked any more.
    async fn retire_useless(&self) -> Result<(), SessionError> {
        let lists: Vec<ListId> = self.0.lanes.lock().await.keys().copied().collect();
        let me = self.0.ledger.member_id();
        let terms = read(&*self.0.ledger, |view| terms(view, me, &lists)).await?;
        let now = Instant::now();
        let mut lanes = self.0.lanes.lock().await;
        for (list, lanes) in lanes.iter_mut() {
            let Some(terms) = terms.get(list) else {
                continue;
            };
            self.retire_where(lanes, |lane: &Lane| match terms {
                None => true,
                Some((tag_epoch, _)) if lane.tag_epoch != *tag_epoch => true,
                Some((_, price_minor)) => {
                    let useless = !lane.takes(1) || lane.price_minor != *price_minor;
                    useless && now.duration_since(lane.used) >= IDLE
                }
            });
        }
        Ok(())
    }
}

fn terms(view: &dyn StateView, me: MemberId, lists: &[ListId]) -> Result<Terms, Missing> {
    let categories = state::categories(view)?;
    let mut terms = Terms::new();
    for list in lists {
        let Some(found) = state::list(view, *list)? else {
            continue;
        };
        let category = categories.iter().find(|of| of.id == found.category);
        // Without a version in force it may come to one again under the same key.
        let epoch = found.current_epoch.filter(|_| found.is_standing());
        let price = category.map(|category| session_price(view, me, &found, category));
        let now = epoch.zip(price.transpose()?);
        terms.insert(*list, now);
    }
    Ok(terms)
}
