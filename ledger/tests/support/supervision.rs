//! Views, demands for disclosure, drawn calls.

use std::sync::LazyLock;

use tacit_ledger::kernel::{BusinessDate, Digest, MemberId};
use tacit_ledger::network::receipts::Purpose;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, NetworkGenesis, read};

use super::{BEACON_WINDOW, Chain, OBSERVER, OWNER, QUERIER, bounded};

/// The first view and the first demand of a chain.
pub(crate) const VIEW: ViewId = ViewId(1);
pub(crate) const DEMAND: DisclosureId = DisclosureId(1);

/// Of the calls of the tests, one in so many is drawn.
pub(crate) const OPENING_RATE: u32 = 10;
pub(crate) const OPENING_DAYS: u16 = 2;
pub(crate) const DISCLOSURE_DAYS: u16 = 3;
pub(crate) const DISCLOSURE_PENALTY: u64 = 0x0807;

/// A view of the history of a year from today to a date.
pub(crate) fn grant_view(chain: &Chain, days: u16) -> Action {
    let today = chain.today();
    Action::GrantView {
        supervisor: OBSERVER,
        scope: ViewScope::History {
            from: BusinessDate(today.0 - 365),
            until: today,
        },
        from: today,
        until: today.after(days),
    }
}

pub(crate) fn revoke_view(view: ViewId) -> Action {
    Action::RevokeView { view }
}

pub(crate) fn use_view(view: ViewId) -> Action {
    Action::RecordViewUse {
        view,
        purpose: Purpose::new("examination").expect("a code"),
        query: Digest([0xe1; 32]),
    }
}

/// The call of that place in the first request of the first session.
pub(crate) fn call_name(index: u32) -> CallName {
    CallName {
        session: SessionId(1),
        sequence: 0,
        index,
    }
}

/// Demands two calls of a member.
pub(crate) fn demand_of(member: MemberId, days: u16) -> Action {
    Action::RequestDisclosure {
        member,
        scope: DisclosureScope::Calls(bounded(vec![call_name(0), call_name(7)])),
        reason: DisclosureReason::Complaint,
        days,
    }
}

pub(crate) fn demand() -> Action {
    demand_of(QUERIER, DISCLOSURE_DAYS)
}

pub(crate) fn disclose(disclosure: DisclosureId) -> Action {
    Action::AnswerDisclosure {
        disclosure,
        bundle: Digest([0xe2; 32]),
    }
}

/// The terms of a network that draws calls.
pub(crate) fn watching(network: &mut NetworkGenesis) {
    network.parameters.beacon_window_blocks = BEACON_WINDOW;
    network.parameters.opening_rate = OPENING_RATE;
    // One session takes a day's calls of the tests.
    let mut terms = super::category(1);
    terms.daily_cap_calls = 1_000;
    network.categories = bounded(vec![terms]);
}

impl Chain {
    pub(crate) fn disclosure(&self, id: DisclosureId) -> Disclosure {
        let found = read::disclosure(&self.state, id).expect("a map");
        found.expect("it is recorded")
    }

    /// Logs so many calls of [`QUERIER`]'s, in batches of at most ten.
    pub(crate) fn log_calls(&mut self, from_sequence: u64, mut calls: usize) {
        let mut sequence = from_sequence;
        while calls > 0 {
            let now = calls.min(10);
            let action = self.batch(sequence, now);
            self.must(OWNER, action);
            calls -= now;
            sequence += 1;
        }
    }

    /// What is being drawn of a date's calls.
    pub(crate) fn call_draw(&self, date: BusinessDate) -> Option<CallDraw> {
        read::call_draw(&self.state, date).expect("a map")
    }
}

/// A chain with a view of [`QUERIER`]'s.
pub(crate) static GRANTED: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = Chain::new();
    let action = grant_view(&chain, 5);
    chain.must(QUERIER, action);
    chain
});

/// A chain on which the supervisor demands calls of [`QUERIER`].
pub(crate) static DEMANDED: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = Chain::new();
    chain.must(OBSERVER, demand());
    chain
});

/// A chain that draws calls, with an open session and no call.
pub(crate) static WATCHED: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = Chain::with(watching);
    chain.prepare_list();
    chain.open_one(QUERIER);
    chain
});
