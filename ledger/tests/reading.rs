//! Reading state that is not there yet.

use tacit_ledger::kernel::party::party_count;
use tacit_ledger::kernel::{StateKey, Supplied, keys as kernel};
use tacit_ledger::network::{Action, AlarmReason, Change, Ruling, keys, read};

use crate::support::*;

#[test]
fn all_that_one_round_can_bring_is_named_at_once() {
    let nothing = Supplied::new();
    let member = read::member(&nothing, OWNER).expect_err("nothing is there");
    let wanted = [
        kernel::party(OWNER),
        keys::profile(OWNER),
        keys::validators(),
    ];
    assert_eq!(member.keys(), wanted);
    let today = read::calls_today(&nothing, QUERIER, LIST).expect_err("nothing is there");
    let wanted = [keys::usage(LIST), kernel::party(QUERIER), kernel::clock()];
    assert_eq!(today.keys(), wanted);
    let mut counted = Supplied::new();
    counted.supply(kernel::party_count(), Some(vec![3, 0, 0, 0]));
    let missing = read::members(&counted).expect_err("only their number is there");
    let three = (1..=3).map(tacit_ledger::kernel::MemberId);
    let parties = three.clone().map(kernel::party);
    let wanted: Vec<_> = parties
        .chain(three.map(keys::profile))
        .chain([keys::validators()])
        .collect();
    assert_eq!(missing.keys(), wanted);
}

#[test]
fn the_first_answer_about_a_record_stays() {
    let mut view = Supplied::new();
    view.supply(kernel::party_count(), None);
    view.supply(kernel::party_count(), Some(vec![9, 0, 0, 0]));
    assert_eq!(party_count(&view), Ok(0));
}

#[test]
#[should_panic(expected = "the store is damaged")]
fn a_record_that_does_not_decode_stops_the_machine() {
    let state: std::collections::BTreeMap<StateKey, Vec<u8>> =
        [(keys::supply(), vec![1, 2, 3])].into();
    let _ = read::supply(&state);
}

/// One of each action that succeeds in the chain that it comes with.
fn successes() -> Vec<(Chain, tacit_ledger::kernel::MemberId, Action)> {
    let publication = first();
    let reason = AlarmReason::RootMismatch;
    let tag_epoch = EPOCH;
    let session = Chain::with_session();
    let batch = session.batch(0, 2);
    let listed = Chain::with_list();
    let to_open = listed.opened(QUERIER, &[opening(listed.height + 5)]);
    let mut owing = Chain::with_session();
    let settled = owing.batch(0, 2);
    owing.must(OWNER, settled);
    let collection = owing.collection(SESSION, true).expect("it is covered");
    let mut waiting = Chain::with_session();
    waiting.must(OWNER, close(SESSION));
    let to_deposit = Chain::new().deposit_of(OWNER, 5).expect("it is there");
    let mut deposited = Chain::new();
    deposited.must(OWNER, to_deposit.clone());
    let mut proposed = Chain::new();
    proposed.must(OWNER, propose(Change::Remove { member: SISTER }));
    let key = list_key(LIST, EPOCH);
    let mut created = Chain::new();
    created.must(OWNER, create_list());
    let register = created.register_key(OWNER, LIST, EPOCH, &key);
    let newer = publish(version(LIST, EPOCH, 1));
    let mut opened = Chain::that_samples();
    opened.must(OWNER, publish(first()));
    let attempt = opened.attempt();
    let commit = opened.beacon_commit(attempt, FOURTH);
    let mut committed = opened.clone();
    committed.commit_together(&VALIDATORS);
    let (to_log, slots, _) = drawn(&FULL);
    let (calls, ..) = sample_calls(&to_log, &FULL, &slots);
    let mut one_ruled = ANSWERED.clone();
    let [first_seat, second, _] = one_ruled.panel()[..] else {
        unreachable!("a panel of three")
    };
    one_ruled.must(first_seat, rule(Ruling::Upheld));
    vec![
        (Chain::new(), OWNER, profile("a.example:1", "b.example:2")),
        (Chain::new(), OWNER, rotate(certificate(NOBODY))),
        (
            Chain::new(),
            OWNER,
            propose(Change::Remove { member: SISTER }),
        ),
        (proposed, QUERIER, vote(1, true)),
        (Chain::new(), OWNER, create_list()),
        (created, OWNER, register),
        (Chain::with_list(), OWNER, newer),
        (Chain::with_list(), FOURTH, attest(publication)),
        (
            Chain::with_list(),
            FOURTH,
            Action::RaiseAlarm {
                publication,
                reason,
            },
        ),
        (Chain::with_list(), FOURTH, fraud_proof(publication)),
        (
            Chain::with_list(),
            OWNER,
            Action::WithdrawList { list: LIST },
        ),
        (
            Chain::with_list(),
            OWNER,
            Action::RevokeKey {
                list: LIST,
                tag_epoch,
            },
        ),
        (Chain::with_list(), QUERIER, to_open),
        (session, OWNER, batch),
        (Chain::with_session(), OWNER, close(SESSION)),
        (Chain::new(), OWNER, put_policy("lending", terms())),
        (WORLD.chain.clone(), QUERIER, submit(WORLD.set.clone())),
        (opened.clone(), FOURTH, commit),
        (committed, FOURTH, beacon_reveal(attempt, FOURTH)),
        (to_log, OWNER, log_samples(calls)),
        (
            SAMPLED_WORLD.chain.clone(),
            OWNER,
            prove_samples(SAMPLE_PROOFS.clone()),
        ),
        (Chain::that_disputes(), QUERIER, open_dispute()),
        (DRAWN.clone(), OWNER, evidence()),
        (one_ruled, second, rule(Ruling::Upheld)),
        (owing, OWNER, collection),
        (waiting, QUERIER, Action::RollOver),
        (Chain::new(), OWNER, to_deposit),
        (deposited, OWNER, Action::Withdraw { amount_minor: 5 }),
        (Chain::new(), QUERIER, grant_view(&Chain::new(), 5)),
        (GRANTED.clone(), QUERIER, revoke_view(VIEW)),
        (GRANTED.clone(), OBSERVER, use_view(VIEW)),
        (Chain::new(), OBSERVER, demand()),
        (DEMANDED.clone(), QUERIER, disclose(DEMAND)),
        (DRAWN.clone(), DRAWN.panel()[0], recuse()),
        (Chain::new(), QUERIER, Chain::new().key_change(QUERIER)),
    ]
}

#[test]
fn after_prefetching_an_action_takes_few_rounds_and_a_call_batch_none() {
    for (mut chain, member, action) in successes() {
        let name = action.name();
        let envelope = chain.envelope(member, &action);
        let rounds = chain.rounds_after_prefetch(&envelope);
        let most = if name == "call-batch" { 0 } else { 4 };
        assert!(rounds <= most, "{name}: {rounds} rounds");
        chain.must(member, action);
    }
}

#[test]
fn one_of_each_action_succeeds() {
    let names: Vec<_> = successes()
        .iter()
        .map(|(_, _, action)| action.name())
        .collect();
    let all: Vec<_> = actions().iter().map(Action::name).collect();
    assert_eq!(names, all);
}
