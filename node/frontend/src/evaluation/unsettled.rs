//! What was answered, or is being answered, and is not final on the ledger yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacit_circuits::scope::{ListId, MemberId};
use tacit_ledger::network::session::Unsettled;
use tacit_ledger::network::{Request, SessionId};

/// A request that counts against caps and escrow.
#[derive(Clone, Copy, Debug)]
struct Held {
    request_hash: [u8; 32],
    querier: MemberId,
    list: ListId,
    calls: u32,
    charge_minor: u32,
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
}

/// Counters over all sessions. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Arc<Mutex<HashMap<SessionId, BTreeMap<u64, Held>>>>);

impl Book {
    /// Holds a request, and says what else was held at that moment.
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
        let all = sessions.values().flat_map(BTreeMap::values);
        let to_list = all.filter(|h| h.querier == request.querier && h.list == request.list);
        let list_calls = to_list.map(|held| held.calls).fold(0, u32::saturating_add);
        let session = sessions.entry(request.session).or_default();
        let unsettled = Unsettled {
            session_calls: session
                .values()
                .map(|h| h.calls)
                .fold(0, u32::saturating_add),
            session_minor: session.values().map(|h| u64::from(h.charge_minor)).sum(),
            list_calls,
        };
        session.insert(request.sequence, Held::of(request, request_hash));
        Claim::New(unsettled)
    }

    /// Holds a request that a former run answered.
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

impl Held {
    fn of(request: &Request, request_hash: [u8; 32]) -> Self {
        Self {
            request_hash,
            querier: request.querier,
            list: request.list,
            calls: request.calls.len() as u32,
            charge_minor: request.amount_minor().unwrap_or(u32::MAX),
        }
    }
}
