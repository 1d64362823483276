//! Sealed amounts, and the proofs that members make.

use std::sync::OnceLock;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tacit_circuits::quota::transfer::Role;
use tacit_circuits::quota::{
    Ciphertext, OWNER, Opening as AmountOpening, QuotaKey, SUPERVISOR, ValueTable,
};
use tacit_circuits::scope::MemberId;
use tacit_ledger::network::action::SessionTerms;
use tacit_ledger::network::quota::{
    Collection, Source, charge_context, prove_deposit, prove_opening,
};
use tacit_ledger::network::{Action, Event, Request, SessionId, read};

use super::chain::{Chain, EPOCH, Finalized, Opened, PRICE_MINOR, TestList};

impl Chain {
    /// A block that opens a session with a list, after rolling over what waits.
    pub fn open(&mut self, querier: MemberId, list: &TestList, calls: u32) -> (Opened, Finalized) {
        let terms = SessionTerms {
            list: list.id,
            tag_epoch: EPOCH,
            lane: 0,
            cap_calls: calls,
            deadline_height: self.height + 1_000,
        };
        let key = quota_key(querier);
        let mut account = read::account(&self.state, querier).expect("a map");
        let mut actions = Vec::new();
        if account.granted_minor > 0 || account.additions > 0 {
            account.roll_over();
            actions.push((querier, Action::RollOver));
        }
        let source = Source {
            key: &key,
            available: &account.available,
            available_minor: opened(&key, &account.available.select([OWNER])),
        };
        let parties = read::quota_parties(&self.state, querier, list.owner).expect("a map");
        let (opening, _) = prove_opening(
            self.machine.chain_id(),
            querier,
            terms,
            &parties.expect("parties"),
            &source,
            calls * PRICE_MINOR,
            &mut self.rng,
        )
        .expect("it is there");
        let openings = vec![opening].try_into().expect("fits");
        actions.push((querier, Action::OpenSessions { openings }));
        let block = self.block(actions);
        let session = block.events().into_iter().find_map(|event| match event {
            Event::SessionOpened { session, .. } => Some(session),
            _ => None,
        });
        (
            Opened {
                id: session.expect("opened"),
                querier,
            },
            block,
        )
    }

    /// The transaction with which a provider collects what a session owes it.
    pub fn collection(&mut self, id: SessionId, closes: bool) -> (MemberId, Action) {
        let session = read::session(&self.state, id)
            .expect("a map")
            .expect("open");
        let escrow = read::escrow(&self.state, id).expect("a map");
        let parties = read::quota_parties(&self.state, session.querier, session.provider);
        let key = quota_key(session.provider);
        let owed = AmountOpening::sum(&self.owed[&id]).expect("a small sum");
        let collection = Collection {
            session: &session,
            escrow: &escrow,
            escrow_minor: opened(&key, &escrow.select([Role::Provider as usize])),
            owed: &owed,
        };
        let parties = parties.expect("a map").expect("parties");
        let chain_id = self.machine.chain_id();
        let action = collection.prove(chain_id, &parties, &key, closes, &mut self.rng);
        (session.provider, action.expect("it is covered"))
    }

    /// The transaction with which a member puts available quota into its deposit.
    pub fn deposit(&mut self, member: MemberId, amount_minor: u64) -> (MemberId, Action) {
        let key = quota_key(member);
        let available = read::account(&self.state, member).expect("a map").available;
        let source = Source {
            key: &key,
            available: &available,
            available_minor: opened(&key, &available.select([OWNER])),
        };
        let chain_id = self.machine.chain_id();
        let action = prove_deposit(chain_id, member, &source, amount_minor, &mut self.rng);
        (member, action.expect("it is there"))
    }
}

/// The bound of what anything in the tests holds.
const HELD_BOUND: u64 = 1 << 30;

/// The key to which a party's amounts are sealed. The observer is the supervisor.
pub fn quota_key(member: MemberId) -> QuotaKey {
    QuotaKey::derive(&[member.0 as u8; 32], 0)
}

/// What a ciphertext holds for the holder of a key. It panics where that is below zero.
pub fn opened(key: &QuotaKey, ciphertext: &Ciphertext<1>) -> u64 {
    static TABLE: OnceLock<ValueTable> = OnceLock::new();
    let table = TABLE.get_or_init(|| ValueTable::with_bits(16));
    table
        .open_vartime(key, ciphertext, HELD_BOUND)
        .expect("an amount that is not below zero, sealed to this key")
}

/// What a ciphertext holds for a member, which the supervisor sees too.
pub fn held(member: MemberId, ciphertext: &Ciphertext<2>) -> u64 {
    let value = opened(&quota_key(member), &ciphertext.select([OWNER]));
    let seen = opened(&quota_key(MemberId(5)), &ciphertext.select([SUPERVISOR]));
    assert_eq!(value, seen, "the supervisor sees another amount");
    value
}

/// An amount sealed to querier, provider and supervisor.
pub fn sealed(amount_minor: u32, parties: [MemberId; 2], seed: u64) -> Ciphertext<3> {
    let [querier, provider] = parties;
    let keys = [querier, provider, MemberId(5)].map(|party| quota_key(party).public());
    AmountOpening::random(amount_minor, &mut ChaCha20Rng::seed_from_u64(seed)).seal(&keys)
}

/// The opening of what a request charges above one call's price.
pub(super) fn charged(request: &Request) -> AmountOpening {
    let secret = quota_key(request.querier).agree(&quota_key(request.provider).public());
    let context = charge_context(request.chain_id, request.session, request.sequence);
    let calls = request.calls.len() as u32;
    secret.opening(&context, request.price_minor * (calls - 1))
}
