//! Work that heights bring.

use tacit_ledger::kernel::due::{MAX_DUE_HEIGHTS_PER_BLOCK, MAX_DUE_PER_BLOCK};
use tacit_ledger::network::action::MAX_OPENINGS;
use tacit_ledger::network::{Event, MAX_SESSIONS_PER_LIST, SessionId, read};

use crate::support::*;

/// A chain with two lists of [`OWNER`] and a few sessions more than a block ends, all to be ended at one height:
/// of two queriers with as many as may be, and then of [`FOURTH`]. Answers with that height.
fn crowded() -> (Chain, u64) {
    let lists = [1, 2].map(tacit_circuits::scope::ListId);
    let mut chain = Chain::new();
    for list in lists {
        chain.must(OWNER, create_list());
        chain.register_epoch(OWNER, list, EPOCH).expect("a new key");
        chain.activate(OWNER, version(list, EPOCH, 0));
    }
    let deadline = chain.height + MAX_SESSION;
    let mut one = opening(deadline);
    one.escrow_minor = 3;
    for (querier, list) in [QUERIER, THIRD]
        .iter()
        .flat_map(|id| lists.map(|list| (*id, list)))
    {
        one.list = list;
        chain.open(querier, &[one; MAX_SESSIONS_PER_LIST]);
    }
    chain.open(FOURTH, &[one; TOO_MANY]);
    (chain, deadline + WINDOW + 1)
}

/// So many sessions of a crowd have to wait.
const TOO_MANY: usize = 5;

fn ended(chain: &Chain) -> Vec<SessionId> {
    let ended = chain
        .block_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::SessionClosed { session, .. } => Some(session),
            _ => None,
        });
    ended.collect()
}

#[test]
fn what_is_left_of_an_escrow_returns_without_anybody_asking() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 2);
    chain.must(OWNER, action);
    chain.collect(SESSION);
    let deadline = chain.session(SESSION).expect("open").deadline_height;
    chain.pass_before(deadline + WINDOW + 1);
    assert!(chain.session(SESSION).is_some());
    chain.pass(1);
    assert_eq!(chain.session(SESSION), None);
    assert_eq!(ended(&chain), [SESSION]);
    let spent = 2 * u64::from(PRICE_MINOR);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR - spent);
    let account = chain.account(QUERIER);
    assert_eq!((account.sessions, account.additions), (0, 1));
    let escrow = tacit_ledger::network::keys::escrow(SESSION);
    assert!(!chain.state.contains_key(&escrow));
}

#[test]
fn a_block_does_no_more_than_its_share_and_the_next_goes_on_in_order() {
    let (mut chain, height) = crowded();
    chain.pass_before(height);
    let last = SessionId((MAX_DUE_PER_BLOCK as usize + TOO_MANY) as u64);
    let before = chain.clone();
    chain.pass(1);
    let first = ended(&chain);
    assert_eq!(first.len(), MAX_DUE_PER_BLOCK as usize);
    assert!(chain.rounds <= 16, "{} rounds of fetching", chain.rounds);
    chain.pass(1);
    let second = ended(&chain);
    assert_eq!(second.len(), TOO_MANY);
    let all: Vec<_> = first.into_iter().chain(second).collect();
    assert!(all.is_sorted());
    assert_eq!(all.last(), Some(&last));
    chain.pass(1);
    assert_eq!(ended(&chain), []);

    // Whoever does not want to wait ends its session itself, in the very block that leaves it for the next.
    let mut chain = before;
    chain.must(FOURTH, close(last));
    assert_eq!(ended(&chain).len(), MAX_DUE_PER_BLOCK as usize);
    assert_eq!(chain.session(last), None);
    chain.pass(1);
    assert_eq!(ended(&chain).len(), TOO_MANY - 1);
    assert_eq!(read::sessions_of(&chain.state, FOURTH), Ok(Vec::new()));
}

#[test]
fn a_backlog_of_heights_is_worked_off_over_several_blocks() {
    let mut chain = Chain::with(|genesis| genesis.parameters.max_session_blocks = 500);
    chain.prepare_list();
    let deadline = chain.height + 100;
    chain.open(QUERIER, &[opening(deadline)]);
    // Heights follow each other by one in a network; here they leap, to leave many behind.
    chain.height += 1_000;
    let blocks = 1 + (100 + WINDOW) / u64::from(MAX_DUE_HEIGHTS_PER_BLOCK);
    chain.pass(blocks - 1);
    assert!(chain.session(SESSION).is_some());
    chain.pass(1);
    assert_eq!(ended(&chain), [SESSION]);
}

#[test]
fn sessions_that_end_at_many_heights_are_opened_in_few_rounds_of_fetching() {
    let mut chain = Chain::with_list();
    let next = chain.height + 1;
    let openings: Vec<_> = (1..=MAX_OPENINGS as u64)
        .map(|number| {
            let mut one = opening(next + 3 * number);
            one.escrow_minor = 1;
            one
        })
        .collect();
    chain.open(QUERIER, &openings);
    assert!(chain.rounds <= 24, "{} rounds", chain.rounds);
}
