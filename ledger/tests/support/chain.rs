//! Blocks over a map.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use tacit_circuits::quota::Opening as AmountOpening;
use tacit_ledger::kernel::{
    BlockContext, BlockRun, Envelope, Execution, Genesis, Machine, MemberId, Missing, Outcome,
    Registry, Reject, StateKey,
};
use tacit_ledger::network::{Action, Event, NetworkGenesis, SessionId, read};

use super::{charged_in, escrow_left, genesis, signer};

pub(crate) type State = BTreeMap<StateKey, Vec<u8>>;

/// A moment, and the milliseconds between blocks.
pub(crate) const START_MS: u64 = 1_700_000_000_000;
pub(crate) const BLOCK_MS: u64 = 1_000;
pub(crate) const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// No envelope of the tests expires unless it means to.
pub(crate) const FAR: u64 = u64::MAX;

/// A chain in memory. After every block it checks what must hold in any state, and that the block comes
/// out the same however its records are fetched.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) machine: Machine,
    pub(crate) state: State,
    pub(crate) height: u64,
    pub(crate) time_ms: u64,
    /// Rounds of fetching that the last block took when nothing was fetched ahead.
    pub(crate) rounds: usize,
    pub(crate) last: Option<Execution>,
    /// What the sessions' requests charge above one call's price each and nobody collected.
    pub(crate) owed: BTreeMap<SessionId, Vec<AmountOpening>>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        static FIRST: LazyLock<Chain> = LazyLock::new(|| Chain::with(|_| {}));
        FIRST.clone()
    }

    pub(crate) fn with(terms: impl FnOnce(&mut NetworkGenesis)) -> Self {
        let mut network = genesis();
        terms(&mut network);
        let first = network.into_genesis("test", START_MS, 0).expect("fits");
        Self::from_genesis(&first)
    }

    pub(crate) fn from_genesis(first: &Genesis) -> Self {
        Self::of_modules(first, Registry::network())
    }

    /// A chain that has other modules too.
    pub(crate) fn of_modules(first: &Genesis, registry: Registry) -> Self {
        let machine = Machine::new(first.chain_id(), registry);
        let writes = machine.genesis(first).expect("a valid genesis");
        let mut chain = Self {
            machine,
            state: State::new(),
            height: 0,
            time_ms: first.time_ms,
            rounds: 0,
            last: None,
            owed: BTreeMap::new(),
        };
        chain.absorb(writes);
        chain.roll_all_over();
        audit(&chain.state);
        chain
    }

    fn absorb(&mut self, writes: BTreeMap<StateKey, Option<Vec<u8>>>) {
        for (key, value) in writes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
    }

    /// A transaction of `member` with its next sequence number, valid for ever.
    pub(crate) fn envelope(&self, member: MemberId, action: &Action) -> Envelope {
        let sequence = read::next_sequence(&self.state, member).expect("a map");
        self.envelope_numbered(member, sequence, action)
    }

    pub(crate) fn envelope_numbered(
        &self,
        member: MemberId,
        sequence: u64,
        action: &Action,
    ) -> Envelope {
        action
            .unsigned(self.machine.chain_id(), member, sequence, FAR)
            .sign(&signer(member))
    }

    /// The next block with these transactions, whether they pass the checks without state or not.
    pub(crate) fn block(&mut self, envelopes: &[Envelope]) -> Vec<Outcome> {
        self.time_ms += BLOCK_MS;
        self.height += 1;
        let (execution, rounds) = self.execute(envelopes, Fetching::WhenMissing);
        let (other, _) = self.execute(envelopes, Fetching::BackwardsAndAhead);
        assert_eq!(execution, other, "the order of fetching changed a block");
        self.absorb(execution.writes.clone());
        audit(&self.state);
        let outcomes: Vec<_> = execution.outcomes().map(|(_, outcome)| outcome).collect();
        for (envelope, outcome) in envelopes.iter().zip(&outcomes) {
            if *outcome == Outcome::Applied {
                self.keep_account(envelope);
            }
        }
        (self.rounds, self.last) = (rounds, Some(execution));
        outcomes
    }

    fn keep_account(&mut self, envelope: &Envelope) {
        match Action::of(envelope) {
            Some(Ok(Action::CallBatch(batch))) => {
                let request = &batch.signed.request;
                let charged = charged_in(&self.state, request);
                self.owed.entry(request.session).or_default().push(charged);
            }
            Some(Ok(Action::CollectCharges { session, .. })) => {
                self.owed.remove(&session);
            }
            _ => {}
        }
    }

    fn execute(&self, envelopes: &[Envelope], fetching: Fetching) -> (Execution, usize) {
        let mut run = self.machine.begin(BlockContext {
            chain_id: self.machine.chain_id(),
            height: self.height,
            time_ms: self.time_ms,
        });
        if fetching == Fetching::BackwardsAndAhead {
            // Records that nobody asked for, and all that the transactions' bytes tell.
            for (key, value) in self.state.iter().rev().step_by(3) {
                run.supply(key.clone(), Some(value.clone()));
            }
            for envelope in envelopes.iter().rev() {
                for key in run.prefetch(envelope) {
                    run.supply(key.clone(), self.state.get(&key).cloned());
                }
            }
        }
        let mut rounds = 0;
        fetch(&mut run, self, fetching, &mut rounds, BlockRun::open);
        for envelope in envelopes {
            fetch(&mut run, self, fetching, &mut rounds, |run| {
                run.apply(envelope)
            });
        }
        let execution = fetch(&mut run, self, fetching, &mut rounds, BlockRun::close);
        (execution, rounds)
    }

    /// Rounds of fetching that the transaction takes in the next block once the records have been fetched
    /// that its bytes tell of, and the block's own.
    pub(crate) fn rounds_after_prefetch(&self, envelope: &Envelope) -> usize {
        let mut run = self.machine.begin(BlockContext {
            chain_id: self.machine.chain_id(),
            height: self.height + 1,
            time_ms: self.time_ms + BLOCK_MS,
        });
        let mut rounds = 0;
        fetch(
            &mut run,
            self,
            Fetching::WhenMissing,
            &mut rounds,
            BlockRun::open,
        );
        for key in run.prefetch(envelope) {
            run.supply(key.clone(), self.state.get(&key).cloned());
        }
        assert_eq!(run.prefetch(envelope), [], "fetched twice");
        rounds = 0;
        fetch(&mut run, self, Fetching::WhenMissing, &mut rounds, |run| {
            run.apply(envelope)
        });
        rounds
    }

    /// Lets `member` act in a block of its own.
    pub(crate) fn act(&mut self, member: MemberId, action: Action) -> Result<Vec<Event>, Reject> {
        let envelope = self.envelope(member, &action);
        self.submit(&envelope)
    }

    /// A block with one transaction, unless it fails the checks without state.
    pub(crate) fn submit(&mut self, envelope: &Envelope) -> Result<Vec<Event>, Reject> {
        self.machine
            .check_stateless(std::slice::from_ref(envelope))
            .remove(0)?;
        match self.block(std::slice::from_ref(envelope))[..] {
            [Outcome::Applied] => Ok(self.transaction_events()),
            [Outcome::Rejected(reject)] => Err(reject),
            _ => unreachable!("a transaction has one outcome"),
        }
    }

    /// Lets `member` do what must succeed.
    pub(crate) fn must(&mut self, member: MemberId, action: Action) -> Vec<Event> {
        let name = action.name();
        self.act(member, action)
            .unwrap_or_else(|reject| panic!("{name} of member {member}: {reject}"))
    }

    /// Why `member` may not do it.
    pub(crate) fn refused(&mut self, member: MemberId, action: Action) -> Reject {
        let name = action.name();
        match self.act(member, action) {
            Err(reject) => reject,
            Ok(events) => panic!("{name} of member {member} was applied: {events:?}"),
        }
    }

    /// Empty blocks.
    pub(crate) fn pass(&mut self, blocks: u64) {
        (0..blocks).for_each(|_| drop(self.block(&[])));
    }

    /// Empty blocks until the next one has this height.
    pub(crate) fn pass_before(&mut self, height: u64) {
        self.pass(height.saturating_sub(self.height + 1));
    }

    /// What the last block's transactions said.
    pub(crate) fn transaction_events(&self) -> Vec<Event> {
        let last = self.last.as_ref().expect("a block was executed");
        let of_transactions = last.results.iter().skip(1);
        of_transactions
            .flat_map(|result| result.events())
            .map(network_event)
            .collect()
    }

    /// What the last block said by itself.
    pub(crate) fn block_events(&self) -> Vec<Event> {
        let last = self.last.as_ref().expect("a block was executed");
        last.results[0].events().iter().map(network_event).collect()
    }
}

fn network_event(event: &tacit_ledger::kernel::Event) -> Event {
    Event::read(event)
        .expect("only the network says anything")
        .expect("events decode")
}

/// In which way a block's records reach it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetching {
    WhenMissing,
    BackwardsAndAhead,
}

fn fetch<T>(
    run: &mut BlockRun,
    chain: &Chain,
    fetching: Fetching,
    rounds: &mut usize,
    mut step: impl FnMut(&mut BlockRun) -> Result<T, Missing>,
) -> T {
    loop {
        let missing = match step(run) {
            Ok(value) => return value,
            Err(missing) => missing,
        };
        *rounds += 1;
        let mut wanted = missing.into_keys();
        assert!(!wanted.is_empty(), "a step stopped without saying why");
        if fetching == Fetching::BackwardsAndAhead {
            wanted.reverse();
        }
        for key in wanted {
            let value = chain.state.get(&key).cloned();
            run.supply(key, value);
        }
    }
}

/// What holds in any state, whatever members did.
pub(crate) fn audit(state: &State) {
    let members = read::members(state).expect("a map");
    let supply = read::supply(state).expect("a map");
    let (mut held, mut deposited) = (0, 0);
    for member in &members {
        let deposit = read::deposit(state, member.id).expect("a map");
        let account = read::account(state, member.id).expect("a map");
        let sessions = read::sessions_of(state, member.id).expect("a map");
        assert_eq!(account.sessions as usize, sessions.len());
        let left: u64 = sessions
            .iter()
            .map(|session| escrow_left(state, session.id))
            .sum();
        deposited += deposit.total_minor();
        let disputes = read::disputes_of(state, member.id).expect("a map");
        let undecided = disputes.iter().filter(|dispute| dispute.is_undecided());
        let staked: u64 = undecided.map(|dispute| dispute.stake_minor).sum();
        assert_eq!(
            deposit.staked_minor, staked,
            "stakes of member {} are not those of its undecided disputes",
            member.id
        );
        held += crate::support::held(state, member.id) + left + deposit.total_minor();
        let served = members
            .iter()
            .flat_map(|querier| read::sessions_of(state, querier.id).expect("a map"));
        let served = served.filter(|session| session.provider == member.id);
        let counted = read::served_sessions(state, member.id).expect("a map");
        assert_eq!(counted as usize, served.count());
    }
    assert_eq!(
        held,
        supply.minted_minor - supply.burnt_minor,
        "quota came from nowhere or went there"
    );
    assert_eq!(deposited, supply.deposited_minor);
    let mut keys: Vec<[u8; 32]> = members
        .iter()
        .flat_map(|member| {
            let profile = &member.profile;
            [
                member.ledger_key.0,
                profile.consensus_key.0,
                profile.tls_spki_hash.0,
            ]
        })
        .collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all, "a key has two owners");
}
