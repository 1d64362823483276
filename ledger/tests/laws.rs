//! What holds after any sequence of actions.
//!
//! Quota adding up, escrows being what sessions have left, keys having one owner, and blocks coming out
//! the same however records are fetched, are checked by [`Chain::block`] after every block of every
//! test. Here members act at random.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::{Envelope, MemberId, Outcome, Reject, Role};
use tacit_ledger::network::{Action, AlarmReason, Change, SessionId, keys, read};

use crate::support::*;

/// A chain with a session, of whose validators one may leave.
static BEGUN: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = Chain::with_session();
    let member = SISTER;
    chain
        .carry(Change::AddValidator { member })
        .expect("carried");
    chain
});

/// What somebody tries. Lists are taken modulo those that there are; versions and proposals are counted
/// back from the latest.
#[derive(Clone, Debug)]
enum Attempt {
    CreateList,
    Register(u32),
    Publish(u32),
    Attest(u32, u32),
    Alarm(u32, u32),
    Fraud(u32, u32),
    Withdraw(u32),
    Revoke(u32),
    Open(u32, u32, u64),
    Settle(u64, u64, usize),
    Collect(u64, bool),
    Close(u64),
    Propose(u32),
    Vote(u64, bool),
    Rotate(u32),
    RollOver,
    Deposit(u64),
    PayOut(u64),
    ChangeKey,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let list = 0..4_u32;
    let session = 0..12_u64;
    prop_oneof![
        6 => Just(Attempt::CreateList),
        12 => list.clone().prop_map(Attempt::Register),
        16 => list.clone().prop_map(Attempt::Publish),
        60 => (list.clone(), 0..2_u32).prop_map(|(list, back)| Attempt::Attest(list, back)),
        4 => (list.clone(), 0..3_u32).prop_map(|(list, back)| Attempt::Alarm(list, back)),
        2 => (list.clone(), 0..3_u32).prop_map(|(list, back)| Attempt::Fraud(list, back)),
        1 => list.clone().prop_map(Attempt::Withdraw),
        2 => list.clone().prop_map(Attempt::Revoke),
        30 => (list, 0..400_000_u32, 0..30_u64)
            .prop_map(|(list, escrow, deadline)| Attempt::Open(list, escrow, deadline)),
        60 => (session.clone(), 0..6_u64, 1..5_usize)
            .prop_map(|(session, sequence, calls)| Attempt::Settle(session, sequence, calls)),
        30 => (session.clone(), prop::bool::weighted(0.2))
            .prop_map(|(session, closes)| Attempt::Collect(session, closes)),
        10 => session.prop_map(Attempt::Close),
        8 => (0..8_u32).prop_map(Attempt::Propose),
        40 => (0..3_u64, prop::bool::weighted(0.9)).prop_map(|(back, yes)| Attempt::Vote(back, yes)),
        4 => (0..50_u32).prop_map(Attempt::Rotate),
        12 => Just(Attempt::RollOver),
        10 => (1..3_000_u64).prop_map(Attempt::Deposit),
        8 => (1..3_000_u64).prop_map(Attempt::PayOut),
        12 => Just(Attempt::ChangeKey),
    ]
}

/// Who tries what, in one block; and whether the block begins a business date.
type Block = (Vec<(u32, Attempt)>, bool);

fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let block = prop::collection::vec((1..=6_u32, attempt()), 1..5);
    prop::collection::vec((block, prop::bool::weighted(0.05)), 20..60)
}

fn change(number: u32) -> Change {
    let mut other = parameters();
    match number {
        0 => Change::Admit(candidate(MemberId(7), "Group E", Role::Member)),
        1 => Change::Remove { member: THIRD },
        2 => Change::AddValidator { member: SISTER },
        3 => Change::RemoveValidator { member: FOURTH },
        4 => {
            other.settlement_window_blocks = 3;
            Change::SetParameters(other)
        }
        5 => Change::SetUtcOffset { minutes: 600 },
        6 => Change::Remove { member: OWNER },
        _ => {
            let mut free = category(1);
            (free.price_minor, free.reward_minor) = (0, 0);
            Change::ChangeCategory(free)
        }
    }
}

/// The action that `attempt` of `member` is in the chain's present state, if it is anything.
fn action(chain: &Chain, member: MemberId, attempt: &Attempt) -> Option<Action> {
    let state = &chain.state;
    let count = read::list_count(state).expect("a map");
    let numbered = |list: u32| read::list(state, ListId(list % count + 1)).expect("a map");
    let publication = |list: u32, back: u32| {
        let list = numbered(list)?;
        let tag_epoch = TagEpoch(list.epochs.saturating_sub(1));
        let epoch = read::epoch(state, list.id, tag_epoch).expect("a map")?;
        Some(version(
            list.id,
            tag_epoch,
            epoch.versions.checked_sub(back)?,
        ))
    };
    Some(match *attempt {
        Attempt::CreateList => create_list(),
        Attempt::Register(list) => {
            let list = numbered(list)?;
            let tag_epoch = TagEpoch(list.epochs);
            chain.register_key(member, list.id, tag_epoch, &list_key(list.id, tag_epoch))
        }
        Attempt::Publish(list) => publish(publication(list, 0)?),
        Attempt::Attest(list, back) => attest(publication(list, back + 1)?),
        Attempt::Alarm(list, back) => Action::RaiseAlarm {
            publication: publication(list, back)?,
            reason: AlarmReason::RootMismatch,
        },
        Attempt::Fraud(list, back) => fraud_proof(publication(list, back)?),
        Attempt::Withdraw(list) => Action::WithdrawList {
            list: numbered(list)?.id,
        },
        Attempt::Revoke(list) => {
            let list = numbered(list)?;
            let tag_epoch = TagEpoch(list.epochs.saturating_sub(1));
            Action::RevokeKey {
                list: list.id,
                tag_epoch,
            }
        }
        Attempt::Open(list, escrow_minor, ahead) => {
            let list = numbered(list)?;
            let mut one = opening(chain.height + 1 + ahead);
            (one.list, one.escrow_minor) = (list.id, escrow_minor);
            one.tag_epoch = list.current_epoch?;
            chain.opened(member, &[one])
        }
        Attempt::Settle(session, sequence, calls) => {
            let opened = read::session(state, SessionId(session + 1)).expect("a map")?;
            let mut asked = chain.request(sequence, calls);
            asked.session = opened.id;
            (asked.querier, asked.provider) = (opened.querier, opened.provider);
            (asked.list, asked.tag_epoch) = (opened.list, opened.tag_epoch);
            asked.price_minor = opened.price_minor;
            asked.key = list_key(asked.list, asked.tag_epoch).public().to_wire();
            let signed = asked.sign(&signer(opened.querier));
            Action::CallBatch(Box::new(answer(signed, opened.list, opened.tag_epoch)))
        }
        Attempt::Collect(session, closes) => chain.collection(SessionId(session + 1), closes)?,
        Attempt::Close(session) => close(SessionId(session + 1)),
        Attempt::Propose(number) => propose(change(number)),
        Attempt::Vote(back, approve) => {
            let count = read::proposal_count(state).expect("a map");
            vote(count.checked_sub(back)?, approve)
        }
        Attempt::Rotate(number) => rotate(certificate(MemberId(1_000 + number))),
        Attempt::RollOver => Action::RollOver,
        Attempt::Deposit(amount_minor) => chain.deposit_of(member, amount_minor)?,
        Attempt::PayOut(amount_minor) => Action::Withdraw { amount_minor },
        // An observer has a key and no account.
        Attempt::ChangeKey => chain.key_change(member),
    })
}

/// A list owner acts on its own list, so that enough attempts succeed.
fn acting(chain: &Chain, member: MemberId, attempt: &Attempt) -> MemberId {
    let count = read::list_count(&chain.state).expect("a map");
    let owner = |list: u32| {
        let list = read::list(&chain.state, ListId(list % count + 1)).expect("a map");
        list.map_or(member, |list| list.owner)
    };
    match *attempt {
        Attempt::Register(list)
        | Attempt::Publish(list)
        | Attempt::Withdraw(list)
        | Attempt::Revoke(list) => owner(list),
        Attempt::Settle(session, ..) | Attempt::Collect(session, _) | Attempt::Close(session)
            if member != QUERIER =>
        {
            let session = read::session(&chain.state, SessionId(session + 1)).expect("a map");
            session.map_or(member, |session| session.provider)
        }
        _ => member,
    }
}

/// The envelopes of a block: each sender's in the order of its numbers.
fn envelopes(chain: &Chain, block: &Block) -> Vec<Envelope> {
    let mut next = BTreeMap::new();
    let mut envelopes = Vec::new();
    for (member, attempt) in &block.0 {
        let member = acting(chain, MemberId(*member), attempt);
        let Some(action) = action(chain, member, attempt) else {
            continue;
        };
        let sequence = *next
            .entry(member)
            .or_insert_with(|| read::next_sequence(&chain.state, member).expect("a map"));
        let envelope = chain.envelope_numbered(member, sequence, &action);
        if chain
            .machine
            .check_stateless(std::slice::from_ref(&envelope))[0]
            .is_ok()
        {
            *next.entry(member).or_default() += 1;
            envelopes.push(envelope);
        }
    }
    envelopes
}

/// Whether the kernel let the action come to its module.
fn was_in_turn(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Applied => true,
        Outcome::Rejected(reject) => reject >= Reject::EMPTY,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_members_do_quota_adds_up_numbers_advance_and_a_second_run_ends_the_same(
        blocks in blocks(),
    ) {
        let (mut chain, mut again) = (BEGUN.clone(), BEGUN.clone());
        for block in &blocks {
            let day = if block.1 { DAY_MS } else { 0 };
            let posted = envelopes(&chain, block);
            let before: Vec<_> = (1..=8)
                .map(|id| read::next_sequence(&chain.state, MemberId(id)).expect("a map"))
                .collect();
            chain.time_ms += day;
            let outcomes = chain.block(&posted);
            for (id, before) in (1..=8).map(MemberId).zip(before) {
                let spent = posted.iter().zip(&outcomes);
                let spent = spent.filter(|(tx, outcome)| tx.sender == id && was_in_turn(**outcome));
                let after = read::next_sequence(&chain.state, id).expect("a map");
                prop_assert_eq!(after, before + spent.count() as u64);
            }
            again.time_ms += day;
            prop_assert_eq!(again.block(&posted), outcomes);
        }
        prop_assert_eq!(&chain.state, &again.state);
        // Once every session has ended, nothing is left in escrow.
        chain.pass(MAX_SESSION + 2 * WINDOW + COLLECTION_WINDOW + 2);
        for member in read::members(&chain.state).expect("a map") {
            prop_assert_eq!(chain.account(member.id).sessions, 0);
        }
        let escrows = keys::escrow(SessionId(0)).as_bytes()[..3].to_vec();
        prop_assert!(!chain.state.keys().any(|key| key.as_bytes().starts_with(&escrows)));
    }

    #[test]
    fn a_proof_stays_good_whatever_all_others_do(blocks in blocks(), amount_minor in 1..50_000_u64) {
        let mut chain = BEGUN.clone();
        let proven = chain.deposit_of(QUERIER, amount_minor).expect("it is there");
        let before = chain.account(QUERIER).available;
        for block in &blocks {
            let mut posted = envelopes(&chain, block);
            posted.retain(|envelope| envelope.sender != QUERIER);
            chain.block(&posted);
        }
        prop_assert_eq!(chain.account(QUERIER).available, before);
        let deposited = chain.deposit(QUERIER).total_minor();
        chain.must(QUERIER, proven.clone());
        prop_assert_eq!(chain.deposit(QUERIER).total_minor(), deposited + amount_minor);
        prop_assert_eq!(chain.refused(QUERIER, proven), Reject::TRANSFER_INVALID);
    }
}
