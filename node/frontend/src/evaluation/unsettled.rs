//! What was answered, or is being answered, and is not final on the ledger yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacit_circuits::scope::{ListId, MemberId};
use tacit_ledger::network::record::SETTLEMENT_SPAN;
use tacit_ledger::network::session::Unsettled;
use tacit_ledger::network::{Request, SessionId};

/// A request that counts against caps.
#[derive(Clone, Copy, Debug)]
struct Held {
    request_hash: [u8; 32],
    querier: MemberId,
    list: ListId,
    calls: u32,
}

/// One of the requests that are held beside another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    pub(super) querier: MemberId,
    pub(super) session: SessionId,
    pub(super) sequence: u64,
    pub(super) calls: u32,
}

/// What is known of a session and sequence number.
#[derive(Debug)]
pub(super) enum Claim {
    /// Nothing was: it is held now, on top of this.
    New(Unsettled),
    /// The same request is held: answered before, or being answered.
    Same,
    /// Another request is held.
    Other,
    /// So far behind another one that is held that it could not be settled after it.
    TooOld,
    /// So far ahead of another one that is held that this one could not be settled after it.
    TooFarAhead,
}

/// Counters over all sessions. Clones share them.
///
/// The numbers that are held of one session lie within one settlement window of the ledger. The ledger
/// settles them in any order, and whichever comes first pushes what lies a window behind it out for good:
/// two answers that are further apart are two of which only one would be paid. What is settled already was
/// held here before, together with all that is held still, so that the ledger's own window adds nothing
/// but what admission asks of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Arc<Mutex<HashMap<SessionId, BTreeMap<u64, Held>>>>);

impl Book {
    /// Holds a request, and says what else was held at that moment: to its list, of all queriers, which is at
    /// least what its group's is.
    pub(super) fn claim(&self, request: &Request, request_hash: [u8; 32]) -> Claim {
        let mut sessions = self.lock();
        let held = sessions
            .get(&request.session)
            .and_then(|held| held.get(&request.sequence));
        match held {
            Some(held) if held.request_hash == request_hash => return Claim::Same,
            Some(_) => return Claim::Other,
            None => {}
        }
        let of_session = sessions.get(&request.session);
        if let Some(outside) = of_session.and_then(|held| outside_window(held, request.sequence)) {
            return outside;
        }
        let all = sessions.values().flat_map(BTreeMap::values);
        // Of all queriers: which of them share a cap, the ledger's state says.
        let to_list = all.filter(|h| h.list == request.list);
        let list_calls = to_list.map(|held| held.calls).fold(0, u32::saturating_add);
        let session = sessions.entry(request.session).or_default();
        let unsettled = Unsettled {
            session_calls: session
                .values()
                .map(|h| h.calls)
                .fold(0, u32::saturating_add),
            list_calls,
        };
        session.insert(request.sequence, Held::of(request, request_hash));
        Claim::New(unsettled)
    }

    /// What is held of requests to a list, beside this one: session, number and calls.
    pub(super) fn beside(&self, request: &Request) -> Vec<Beside> {
        let sessions = self.lock();
        let all = sessions.iter().flat_map(|(session, held)| {
            held.iter()
                .map(move |(sequence, held)| (*session, *sequence, *held))
        });
        all.filter(|(session, sequence, held)| {
            let itself = (*session, *sequence) == (request.session, request.sequence);
            !itself && held.list == request.list
        })
        .map(|(session, sequence, held)| Beside {
            querier: held.querier,
            session,
            sequence,
            calls: held.calls,
        })
        .collect()
    }

    /// Whether anything is held under this session and sequence number.
    pub(super) fn holds(&self, session: SessionId, sequence: u64) -> bool {
        let sessions = self.lock();
        let held = sessions.get(&session);
        held.is_some_and(|held| held.contains_key(&sequence))
    }

    /// Whether anything is held of a session.
    pub(crate) fn holds_any(&self, session: SessionId) -> bool {
        self.lock().contains_key(&session)
    }

    /// Holds a request that was answered and is not final, as it stands on the disk.
    pub(super) fn restore(&self, request: &Request, request_hash: [u8; 32]) {
        let held = Held::of(request, request_hash);
        self.lock()
            .entry(request.session)
            .or_default()
            .insert(request.sequence, held);
    }

    /// Forgets a request: it is final, or was not answered.
    pub(super) fn release(&self, session: SessionId, sequence: u64) {
        let mut sessions = self.lock();
        if let Some(held) = sessions.get_mut(&session) {
            held.remove(&sequence);
            if held.is_empty() {
                sessions.remove(&session);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, BTreeMap<u64, Held>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a number and those that are held are more than one settlement window.
fn outside_window(held: &BTreeMap<u64, Held>, sequence: u64) -> Option<Claim> {
    let (lowest, _) = held.first_key_value()?;
    let (highest, _) = held.last_key_value()?;
    if highest.saturating_sub(sequence) >= SETTLEMENT_SPAN {
        Some(Claim::TooOld)
    } else if sequence.saturating_sub(*lowest) >= SETTLEMENT_SPAN {
        Some(Claim::TooFarAhead)
    } else {
        None
    }
}

impl Held {
    fn of(request: &Request, request_hash: [u8; 32]) -> Self {
        Self {
            request_hash,
            querier: request.querier,
            list: request.list,
            calls: request.calls.len() as u32,
        }
    }
}
