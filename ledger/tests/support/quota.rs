//! Keys for quota, what accounts hold, and the proofs that members make.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

use tacit_circuits::quota::transfer::Role as Place;
use tacit_circuits::quota::{
    Account, Ciphertext, MAX_PENDING_ADDITIONS, OWNER, Opening as AmountOpening, QuotaKey,
    QuotaPublicKey, SUPERVISOR, ValueTable,
};
use tacit_ledger::kernel::{ChainId, MemberId, codec};
use tacit_ledger::network::action::{Opening, SessionTerms};
use tacit_ledger::network::quota::{
    Collection, Source, charge_context, prove_deposit, prove_key_change, prove_opening,
};
use tacit_ledger::network::{Action, Change, Deposit, Request, SessionId, keys, read};

use super::{Chain, OBSERVER, State, Wish, bounded, parameters, rng, signer};

/// The first key to which a party's amounts are sealed.
pub(crate) fn quota_key(member: MemberId) -> QuotaKey {
    quota_key_of(member, 0)
}

/// The key to which a member's amounts are sealed in a state: one of its first generations. The first of who is no
/// party, or came with another's key: nothing that it has is sealed.
pub(crate) fn key_in(state: &State, member: MemberId) -> QuotaKey {
    let Some(registered) = read::quota_key(state, member).expect("a map") else {
        return quota_key(member);
    };
    (0..MAX_GENERATIONS)
        .map(|generation| quota_key_of(member, generation))
        .find(|key| key.public() == registered)
        .unwrap_or_else(|| quota_key(member))
}

/// Generations that members of the tests go through at most.
const MAX_GENERATIONS: u32 = 64;

/// A member's key of a generation. Every audit of a state needs all of them.
pub(crate) fn quota_key_of(member: MemberId, generation: u32) -> QuotaKey {
    static KNOWN: Mutex<BTreeMap<(MemberId, u32), QuotaKey>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = known.entry((member, generation)).or_insert_with(|| {
        let seed: [u8; 32] = signer(member).into();
        QuotaKey::derive(&seed, generation)
    });
    key.clone()
}

/// The bound of what any account of the tests holds.
const HELD_BOUND: u64 = 1 << 40;

/// What a ciphertext holds for the holder of a key. It panics where that is below zero.
pub(crate) fn opened<const N: usize>(
    key: &QuotaKey,
    ciphertext: &Ciphertext<N>,
    place: usize,
) -> u64 {
    type Known = Mutex<HashMap<(QuotaPublicKey, Vec<u8>), u64>>;
    static TABLE: OnceLock<ValueTable> = OnceLock::new();
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let one = ciphertext.select([place]);
    let name = (key.public(), one.to_vec());
    let known = KNOWN.get_or_init(Known::default);
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = lock().get(&name) {
        return *value;
    }
    let table = TABLE.get_or_init(|| ValueTable::with_bits(16));
    let value = table
        .open_vartime(key, &one, HELD_BOUND)
        .expect("an amount that is not below zero, sealed to this key");
    lock().insert(name, value);
    value
}

/// What an account holds for its owner, which the supervisor sees too.
pub(crate) fn held(state: &State, member: MemberId) -> u64 {
    let account = read::account(state, member).expect("a map");
    let mut held = account.granted_minor;
    for ciphertext in [&account.available, &account.pending] {
        let value = opened(&key_in(state, member), ciphertext, OWNER);
        assert_eq!(value, opened(&quota_key(OBSERVER), ciphertext, SUPERVISOR));
        held += value;
    }
    held
}

/// What is left of a session's escrow, which its parties and the supervisor see.
pub(crate) fn escrow_left(state: &State, id: SessionId) -> u64 {
    let session = read::session(state, id).expect("a map").expect("open");
    let escrow = read::escrow(state, id).expect("a map");
    let parties = [
        (session.querier, Place::Querier),
        (session.provider, Place::Provider),
        (OBSERVER, Place::Supervisor),
    ];
    let seen = parties.map(|(party, place)| opened(&key_in(state, party), &escrow, place as usize));
    assert_eq!(seen, [seen[0]; 3], "parties see different escrows");
    seen[0]
}

/// The opening of what a request charges above one call's price, between members with their first keys.
pub(crate) fn charged(request: &Request) -> AmountOpening {
    charged_by(
        request,
        &quota_key(request.querier),
        &quota_key(request.provider),
    )
}

/// The same, with the keys that they have in a state.
pub(crate) fn charged_in(state: &State, request: &Request) -> AmountOpening {
    let keys = [request.querier, request.provider].map(|member| key_in(state, member));
    charged_by(request, &keys[0], &keys[1])
}

fn charged_by(request: &Request, querier: &QuotaKey, provider: &QuotaKey) -> AmountOpening {
    let secret = querier.agree(&provider.public());
    let context = charge_context(request.chain_id, request.session, request.sequence);
    let calls = request.calls.len() as u32;
    let above = request.price_minor.saturating_mul(calls.saturating_sub(1));
    secret.opening(&context, above)
}

/// Sessions to open whose escrows are taken from nowhere: well formed, and refused where they are
/// verified.
pub(crate) fn open(wishes: Vec<Wish>) -> Action {
    let key = quota_key(MemberId(77));
    let rich = AmountOpening::random(u32::MAX, &mut rng(8)).seal(&[key.public(), key.public()]);
    let source = Source {
        key: &key,
        available: &rich,
        available_minor: u32::MAX.into(),
    };
    let parties = [key.public(), key.public(), key.public()];
    let openings = wishes.iter().map(|wish| {
        let chain_id = ChainId([9; 32]);
        let (terms, escrow) = (wish.terms(), wish.escrow_minor);
        prove_opening(
            chain_id,
            MemberId(77),
            terms,
            &parties,
            &source,
            escrow,
            &mut rng(9),
        )
        .expect("it is there")
        .0
    });
    Action::OpenSessions {
        openings: bounded(openings.collect()),
    }
}

impl Wish {
    pub(crate) fn terms(&self) -> SessionTerms {
        SessionTerms {
            list: self.list,
            tag_epoch: self.tag_epoch,
            lane: self.lane,
            cap_calls: self.cap_calls,
            deadline_height: self.deadline_height,
        }
    }
}

impl Chain {
    pub(crate) fn account(&self, member: MemberId) -> Account {
        read::account(&self.state, member).expect("a map")
    }

    pub(crate) fn deposit(&self, member: MemberId) -> Deposit {
        read::deposit(&self.state, member).expect("a map")
    }

    /// What a member has that is bound by nothing: in its account, whether it waits or not, and in its
    /// deposit.
    pub(crate) fn available(&self, member: MemberId) -> u64 {
        held(&self.state, member) + self.deposit(member).free_minor
    }

    /// Sessions to open, with proofs out of what `querier` has; one out of nothing where that is too
    /// little.
    pub(crate) fn opened(&self, querier: MemberId, wishes: &[Wish]) -> Action {
        let key = key_in(&self.state, querier);
        let mut available = self.account(querier).available;
        let mut available_minor = opened(&key, &available, OWNER);
        let mut openings: Vec<Opening> = Vec::new();
        for (place, wish) in wishes.iter().enumerate() {
            let list = read::list(&self.state, wish.list).expect("a map");
            let parties = list.and_then(|list| {
                read::quota_parties(&self.state, querier, list.owner).expect("a map")
            });
            let (Some(parties), true) = (parties, available_minor >= wish.escrow_minor.into())
            else {
                return open(wishes.to_vec());
            };
            let source = Source {
                key: &key,
                available: &available,
                available_minor,
            };
            let (opening, escrow) = prove_opening(
                self.machine.chain_id(),
                querier,
                wish.terms(),
                &parties,
                &source,
                wish.escrow_minor,
                &mut rng(self.height << 8 | place as u64),
            )
            .expect("it is there");
            openings.push(opening);
            let places = [Place::Querier as usize, Place::Supervisor as usize];
            available = available.minus(&escrow.select(places));
            available_minor -= u64::from(wish.escrow_minor);
        }
        Action::OpenSessions {
            openings: bounded(openings),
        }
    }

    /// The collection of what a session owes.
    pub(crate) fn collection(&self, id: SessionId, closes: bool) -> Option<Action> {
        let session = read::session(&self.state, id).expect("a map")?;
        let owed = self.owed.get(&id).map_or(&[][..], Vec::as_slice);
        let owed = AmountOpening::sum(owed)?;
        let escrow = read::escrow(&self.state, id).expect("a map");
        let parties = read::quota_parties(&self.state, session.querier, session.provider);
        let collection = Collection {
            session: &session,
            escrow: &escrow,
            escrow_minor: escrow_left(&self.state, id),
            owed: &owed,
        };
        let chain_id = self.machine.chain_id();
        let parties = parties.expect("a map").expect("parties");
        let key = key_in(&self.state, session.provider);
        let mut draw = rng(self.height);
        collection
            .prove(chain_id, &parties, &key, closes, &mut draw)
            .ok()
    }

    /// Lets the provider collect what a session owes.
    pub(crate) fn collect(&mut self, id: SessionId) {
        let provider = self.session(id).expect("open").provider;
        let action = self.collection(id, false).expect("it is covered");
        self.must(provider, action);
    }

    /// Quota to be put into a deposit, if it is there.
    pub(crate) fn deposit_of(&self, member: MemberId, amount_minor: u64) -> Option<Action> {
        let key = key_in(&self.state, member);
        let available = self.account(member).available;
        let source = Source {
            key: &key,
            available: &available,
            available_minor: opened(&key, &available, OWNER),
        };
        let chain_id = self.machine.chain_id();
        prove_deposit(
            chain_id,
            member,
            &source,
            amount_minor,
            &mut rng(self.height),
        )
        .ok()
    }

    /// A member's change to its next key.
    pub(crate) fn key_change(&self, member: MemberId) -> Action {
        let old = key_in(&self.state, member);
        let next = (1..MAX_GENERATIONS)
            .find(|generation| quota_key_of(member, generation - 1).public() == old.public());
        let new = quota_key_of(member, next.expect("a generation of the tests"));
        self.key_change_between(member, &old, &new)
    }

    /// A change between any two keys, as it would be proven.
    pub(crate) fn key_change_between(
        &self,
        member: MemberId,
        old: &QuotaKey,
        new: &QuotaKey,
    ) -> Action {
        let (chain_id, account) = (self.machine.chain_id(), self.account(member));
        prove_key_change(chain_id, member, &account, old, new, &mut rng(self.height))
    }

    /// As many amounts wait in a member's account as may.
    pub(crate) fn fill_pending(&mut self, member: MemberId) {
        let mut account = self.account(member);
        account.additions = MAX_PENDING_ADDITIONS - account.sessions;
        self.put_account(member, &account);
    }

    /// Writes an account past the machine.
    pub(crate) fn put_account(&mut self, member: MemberId, account: &Account) {
        self.state
            .insert(keys::account(member), codec::encode(account));
    }

    /// Has it voted that a member needs more in its deposit than any has.
    pub(crate) fn raise_the_deposit(&mut self) {
        let mut higher = parameters();
        higher.deposit_minor += 1;
        self.carry(Change::SetParameters(higher)).expect("carried");
    }

    /// Makes up for what is missing of the governed deposit.
    pub(crate) fn fill_deposit(&mut self, member: MemberId) {
        let governed = read::parameters(&self.state).expect("a map").deposit_minor;
        let missing = governed.saturating_sub(self.deposit(member).total_minor());
        if missing > 0 {
            let action = self.deposit_of(member, missing).expect("it is there");
            self.must(member, action);
        }
    }

    /// Lets every member roll over, as if it had been done before the first block.
    pub(crate) fn roll_all_over(&mut self) {
        for member in read::members(&self.state).expect("a map") {
            if self.state.contains_key(&keys::account(member.id)) {
                let mut account = self.account(member.id);
                account.roll_over();
                self.put_account(member.id, &account);
            }
        }
    }
}
