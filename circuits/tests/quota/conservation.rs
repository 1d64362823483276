//! Five members and a supervisor, thousands of operations in any order: nothing is made or lost,
//! nothing opens to less than zero, nobody spoils a proof of another, and keys recover everything.
//!
//! Every commitment and handle is real. Where a proof would take too long for thousands, the relation
//! is checked natively ([`Statement::check`]), which other tests hold against the proofs; every 40th
//! operation is proven and verified.

use rand::Rng;
use rand_chacha::ChaCha20Rng;
use tacit_circuits::quota::transfer::{
    Kind, Parties, ProveError, Role, Statement, Transfer, Witness, verify,
};
use tacit_circuits::quota::{
    AMOUNT_BOUND, Account, AccountError, BurnProof, BurnStatement, Ciphertext, Element, KeyChange,
    KeyChangeStatement, MAX_PENDING_ADDITIONS, OWNER, Opening, QuotaKey, SUPERVISOR, SupplyCheck,
    ValueTable,
};

use super::world::{CONTEXT, key, rng};

const MEMBERS: usize = 5;
const OPERATIONS: usize = 4_000;
const PROVEN: usize = 40;

struct Session {
    querier: usize,
    provider: usize,
    escrow: Ciphertext<3>,
    left: u64,
}

struct Ledger {
    accounts: [Account; MEMBERS],
    sessions: Vec<Session>,
    supply: SupplyCheck,
    supply_minor: u64,
    keys: [Vec<QuotaKey>; MEMBERS],
    supervisor: QuotaKey,
    available: [u64; MEMBERS],
    pending: [u64; MEMBERS],
    rng: ChaCha20Rng,
}

/// An opening that was proven, on its way to the ledger.
struct InFlight {
    querier: usize,
    provider: usize,
    parties: Parties,
    transfer: Transfer,
    value: u64,
}

impl Ledger {
    fn new(seed: u64) -> Self {
        Self {
            accounts: [Account::empty(); MEMBERS],
            sessions: Vec::new(),
            supply: SupplyCheck::new(),
            supply_minor: 0,
            keys: std::array::from_fn(|member| vec![QuotaKey::derive(&[member as u8; 32], 0)]),
            supervisor: key(99),
            available: [0; MEMBERS],
            pending: [0; MEMBERS],
            rng: rng(seed),
        }
    }

    fn key(&self, member: usize) -> &QuotaKey {
        self.keys[member].last().unwrap()
    }

    fn parties(&self, querier: usize, provider: usize) -> Parties {
        [
            self.key(querier).public(),
            self.key(provider).public(),
            self.supervisor.public(),
        ]
    }

    fn change(&mut self, member: usize, change: impl FnOnce(&mut Account)) {
        let before = self.accounts[member].total();
        change(&mut self.accounts[member]);
        self.supply.replace(&before, &self.accounts[member].total());
    }

    fn grant(&mut self, member: usize, amount_minor: u64) {
        self.change(member, |account| {
            account.grant(amount_minor).unwrap();
        });
        self.supply_minor += amount_minor;
        self.pending[member] += amount_minor;
    }

    /// Proves an opening, which leaves the ledger as it is.
    fn prove_opening(&mut self, querier: usize, provider: usize, value: u32) -> InFlight {
        let parties = self.parties(querier, provider);
        let source = self.accounts[querier].available.select([OWNER]);
        let key = self.key(querier).clone();
        let held = self.available[querier];
        let amount = Opening::random(value, &mut self.rng);
        let transfer = Transfer::prove(
            Kind::Open,
            CONTEXT,
            &parties,
            &source,
            &key,
            held,
            &amount,
            &mut self.rng,
        )
        .unwrap();
        InFlight {
            querier,
            provider,
            parties,
            transfer,
            value: value.into(),
        }
    }

    fn arrive(&mut self, flight: InFlight) {
        let source = self.accounts[flight.querier].available.select([OWNER]);
        let statement = Statement {
            kind: Kind::Open,
            context: CONTEXT,
            parties: &flight.parties,
            source: &source,
            amount: &flight.transfer.amount,
        };
        verify(&statement, &flight.transfer.proof).unwrap();
        let (querier, provider) = (flight.querier, flight.provider);
        self.opened(querier, provider, flight.transfer.amount, flight.value);
    }

    fn open(&mut self, querier: usize, provider: usize, value: u32) {
        let parties = self.parties(querier, provider);
        let opening = Opening::random(value, &mut self.rng);
        let amount = opening.seal(&parties);
        let source = self.accounts[querier].available.select([OWNER]);
        let statement = Statement {
            kind: Kind::Open,
            context: CONTEXT,
            parties: &parties,
            source: &source,
            amount: &amount,
        };
        let witness = Witness {
            key: self.key(querier),
            source_minor: self.available[querier],
            amount: &opening,
        };
        let checked = statement.check(&witness);
        if u64::from(value) > self.available[querier] {
            assert_eq!(checked, Err(ProveError::Exhausted));
            return;
        }
        checked.unwrap();
        self.opened(querier, provider, amount, value.into());
    }

    fn opened(&mut self, querier: usize, provider: usize, amount: Ciphertext<3>, value: u64) {
        self.change(querier, |account| {
            account.open(&amount).unwrap();
        });
        let zero = Element::identity();
        self.supply.replace(&zero, &amount.commitment);
        self.available[querier] -= value;
        self.sessions.push(Session {
            querier,
            provider,
            escrow: amount,
            left: value,
        });
    }

    fn settle(&mut self, session: usize, value: u32, proven: bool) {
        let Session {
            querier,
            provider,
            escrow,
            left,
        } = self.sessions[session];
        let parties = self.parties(querier, provider);
        let source = escrow.select([Role::Provider as usize]);
        let key = self.key(provider).clone();
        let opening = Opening::random(value, &mut self.rng);
        let charge = opening.seal(&parties);
        let statement = Statement {
            kind: Kind::Settle,
            context: CONTEXT,
            parties: &parties,
            source: &source,
            amount: &charge,
        };
        let witness = Witness {
            key: &key,
            source_minor: left,
            amount: &opening,
        };
        let checked = statement.check(&witness);
        if u64::from(value) > left {
            assert_eq!(checked, Err(ProveError::Exhausted));
            return;
        }
        checked.unwrap();
        if proven {
            let kind = Kind::Settle;
            let transfer = Transfer::prove(
                kind,
                CONTEXT,
                &parties,
                &source,
                &key,
                left,
                &opening,
                &mut self.rng,
            )
            .unwrap();
            assert_eq!(transfer.amount, charge);
            verify(&statement, &transfer.proof).unwrap();
        }
        let rest = escrow.minus(&charge);
        self.supply.replace(&escrow.commitment, &rest.commitment);
        self.sessions[session].escrow = rest;
        self.sessions[session].left -= u64::from(value);
        self.change(provider, |account| {
            account.receive(&charge).unwrap();
        });
        self.pending[provider] += u64::from(value);
    }

    fn close(&mut self, session: usize) {
        let ended = self.sessions.swap_remove(session);
        let rest = ended.escrow;
        self.supply.replace(&rest.commitment, &Element::identity());
        self.change(ended.querier, |account| {
            account.take_back(&rest);
        });
        self.pending[ended.querier] += ended.left;
    }

    fn roll_over(&mut self, member: usize) {
        self.change(member, Account::roll_over);
        self.available[member] += std::mem::take(&mut self.pending[member]);
    }

    fn burn(&mut self, member: usize, amount_minor: u64, proven: bool) {
        if amount_minor > self.available[member] {
            return;
        }
        if proven {
            let public = self.key(member).public();
            let statement = BurnStatement {
                context: CONTEXT,
                key: &public,
                source: &self.accounts[member].available.select([OWNER]),
                amount_minor,
            };
            let key = self.key(member).clone();
            let held = self.available[member];
            let proof = BurnProof::prove(&statement, &key, held, &mut self.rng).unwrap();
            proof.verify(&statement).unwrap();
        }
        self.change(member, |account| {
            account.burn(amount_minor);
        });
        self.available[member] -= amount_minor;
        self.supply_minor -= amount_minor;
    }

    /// Once all sessions have ended that the member is a party of.
    fn change_key(&mut self, member: usize) {
        let is_party = |session: &Session| [session.querier, session.provider].contains(&member);
        while let Some(session) = self.sessions.iter().position(is_party) {
            self.close(session);
        }
        let old = self.key(member).clone();
        let generation = self.keys[member].len() as u32;
        let new = QuotaKey::derive(&[member as u8; 32], generation);
        let account = &self.accounts[member];
        let statement = KeyChangeStatement {
            context: CONTEXT,
            old: &old.public(),
            new: &new.public(),
            handles: [
                account.available.handles[OWNER],
                account.pending.handles[OWNER],
            ],
        };
        let change = KeyChange::prove(&statement, &old, &new, &mut self.rng);
        change.verify(&statement).unwrap();
        let handles = change.handles;
        self.change(member, |account| {
            account.replace_handles(OWNER, handles);
        });
        self.keys[member].push(new);
    }

    /// One operation, whichever; `spared` does nothing that changes what it has available.
    fn any(&mut self, proven: bool, spared: Option<usize>) {
        let member = loop {
            let member = self.rng.gen_range(0..MEMBERS);
            if Some(member) != spared {
                break member;
            }
        };
        let other = (member + self.rng.gen_range(1..MEMBERS)) % MEMBERS;
        let value: u32 = self.rng.gen_range(0..3_000);
        match self.rng.gen_range(0..16) {
            // Grants go to anybody, payments too.
            0 => self.grant(other, (value * 7).into()),
            1..=3 if proven && u64::from(value) <= self.available[member] => {
                let flight = self.prove_opening(member, other, value);
                for _ in 0..6 {
                    self.any(false, spared.or(Some(member)));
                }
                self.arrive(flight);
            }
            1..=4 => self.open(member, other, value),
            5..=10 if !self.sessions.is_empty() => {
                let session = self.rng.gen_range(0..self.sessions.len());
                self.settle(session, value / 4, proven);
            }
            11 | 12 if !self.sessions.is_empty() => {
                let session = self.rng.gen_range(0..self.sessions.len());
                self.close(session);
            }
            13 => self.burn(member, (value / 20).into(), proven),
            14 if spared.is_none() && self.rng.gen_ratio(1, 8) => self.change_key(member),
            _ => self.roll_over(member),
        }
        assert!(self.supply.holds(self.supply_minor));
    }

    /// Every ciphertext, opened by each of its parties.
    fn check(&self) {
        let places = [(OWNER, None), (SUPERVISOR, Some(&self.supervisor))];
        for member in 0..MEMBERS {
            let account = &self.accounts[member];
            for (place, supervisor) in places {
                let key = supervisor.unwrap_or_else(|| self.key(member));
                let available = account.available.select([place]);
                assert!(available.opens_to(key, self.available[member]));
                let pending = account.pending.plus_public(account.granted_minor);
                assert!(pending.select([place]).opens_to(key, self.pending[member]));
            }
        }
        for session in &self.sessions {
            let keys = [self.key(session.querier), self.key(session.provider)];
            for (place, key) in keys.into_iter().chain([&self.supervisor]).enumerate() {
                assert!(session.escrow.select([place]).opens_to(key, session.left));
            }
        }
        let held: u64 = self.available.iter().chain(&self.pending).sum();
        let escrowed: u64 = self.sessions.iter().map(|session| session.left).sum();
        assert_eq!(held + escrowed, self.supply_minor);
    }
}

#[test]
fn nothing_is_made_or_lost_and_keys_recover_everything() {
    let mut ledger = Ledger::new(11);
    for member in 0..MEMBERS {
        ledger.grant(member, 50_000);
        ledger.roll_over(member);
    }
    for operation in 0..OPERATIONS {
        ledger.any(operation % PROVEN == 0, None);
        if operation % 200 == 0 {
            ledger.check();
        }
    }
    ledger.check();
    assert!(ledger.keys.iter().any(|keys| keys.len() > 1));
    assert!(!ledger.supply.holds(ledger.supply_minor + 1));

    let table = ValueTable::with_bits(14);
    for member in 0..MEMBERS {
        let account = &ledger.accounts[member];
        let open = |key: &QuotaKey, ciphertext: &Ciphertext<2>| {
            table.open_vartime(key, &ciphertext.select([OWNER]), AMOUNT_BOUND)
        };
        let (own, other) = (ledger.key(member), ledger.key((member + 1) % MEMBERS));
        assert_eq!(
            open(own, &account.available),
            Some(ledger.available[member])
        );
        let pending = account.pending.plus_public(account.granted_minor);
        assert_eq!(open(own, &pending), Some(ledger.pending[member]));
        assert_eq!(open(other, &account.available), None);
    }
}

#[test]
fn what_was_received_is_spent_by_a_key_and_the_state_alone() {
    let mut ledger = Ledger::new(12);
    ledger.grant(0, 9_000);
    ledger.roll_over(0);
    ledger.open(0, 1, 4_000);
    ledger.settle(0, 1_500, true);
    ledger.close(0);
    ledger.roll_over(1);
    let table = ValueTable::with_bits(12);
    let source = ledger.accounts[1].available.select([OWNER]);
    let available_minor = table.open_vartime(ledger.key(1), &source, AMOUNT_BOUND);
    assert_eq!(available_minor, Some(1_500));
    let key = ledger.key(1).clone();
    let parties = ledger.parties(1, 2);
    let amount = Opening::random(1_500, &mut ledger.rng);
    let transfer = Transfer::prove(
        Kind::Open,
        CONTEXT,
        &parties,
        &source,
        &key,
        1_500,
        &amount,
        &mut ledger.rng,
    )
    .unwrap();
    let value = 1_500;
    ledger.arrive(InFlight {
        querier: 1,
        provider: 2,
        parties,
        transfer,
        value,
    });
    ledger.check();
}

#[test]
fn an_account_keeps_room_for_what_its_sessions_return() {
    let amount =
        Opening::random(5, &mut rng(1)).seal(&[1, 2, 3].map(|number| key(number).public()));
    let mut account = Account::empty();
    account.open(&amount).unwrap();
    account.additions = MAX_PENDING_ADDITIONS - 2;
    account.receive(&amount).unwrap();
    let before = account;
    assert_eq!(account.receive(&amount), Err(AccountError::PendingFull));
    assert_eq!(account.open(&amount), Err(AccountError::PendingFull));
    assert_eq!(account, before);
    account.take_back(&amount);
    assert_eq!(account.additions, MAX_PENDING_ADDITIONS);
    account.roll_over();
    assert_eq!(account.additions, 0);
    account.receive(&amount).unwrap();

    account.grant(u64::MAX).unwrap();
    assert_eq!(account.grant(1), Err(AccountError::Overflow));
}

#[test]
fn the_supply_notices_one_unit_too_many() {
    let mut ledger = Ledger::new(13);
    ledger.grant(0, 9_000);
    ledger.roll_over(0);
    assert!(ledger.supply.holds(9_000));
    let before = ledger.accounts[0].total();
    let mut forged = ledger.accounts[0];
    forged.available = forged.available.plus_public(1);
    ledger.supply.replace(&before, &forged.total());
    assert!(!ledger.supply.holds(9_000));
    let read = SupplyCheck::from_bytes(&ledger.supply.to_bytes()).unwrap();
    assert_eq!(read, ledger.supply);
    assert!(read.holds(9_001));
}
