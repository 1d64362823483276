//! What the members stop in an emergency, and changes that wait for their time-lock.

use tacit_ledger::kernel::{MemberId, Reject, Role};
use tacit_ledger::network::session::{Unsettled, admission};
use tacit_ledger::network::{
    Change, Event, Parameters, Pausable, ProposalId, ProposalStatus, read,
};

use crate::support::*;

fn pause(of: Pausable, paused: bool) -> Change {
    Change::SetPause { of, paused }
}

const THE_LIST: Pausable = Pausable::List(LIST);
const THE_OWNER: Pausable = Pausable::Member(OWNER);
const THE_QUERIER: Pausable = Pausable::Member(QUERIER);

/// Whether the owner may answer the next request of the session.
fn admitted(chain: &Chain) -> Result<(), Reject> {
    let signed = chain.request(0, 1).sign(&signer(QUERIER));
    let checked = admission(&chain.state, OWNER, &signed, &Unsettled::default());
    checked.expect("a map").map(drop)
}

fn list_is_paused(chain: &Chain) -> bool {
    let list = read::list(&chain.state, LIST).expect("a map");
    list.expect("it was made").is_paused()
}

#[test]
fn a_stopped_list_takes_no_sessions_and_answers_nothing_until_it_goes_on() {
    for of in [THE_LIST, THE_OWNER] {
        let mut chain = Chain::with_session();
        assert_eq!(admitted(&chain), Ok(()));
        chain.carry(pause(of, true)).expect("carried");
        let said = Event::PauseChanged { of, paused: true };
        assert!(chain.transaction_events().contains(&said));
        let opening_now =
            |chain: &Chain| chain.opened(QUERIER, &[opening(chain.height + MAX_SESSION)]);
        let action = opening_now(&chain);
        assert_eq!(chain.refused(QUERIER, action), Reject::LIST_PAUSED);
        assert_eq!(admitted(&chain), Err(Reject::LIST_PAUSED), "{of:?}");
        // What was answered before is settled.
        let batch = chain.batch(0, 1);
        chain.must(OWNER, batch);
        chain.carry(pause(of, false)).expect("carried");
        let action = opening_now(&chain);
        chain.must(QUERIER, action);
    }
}

#[test]
fn a_stopped_member_asks_publishes_and_attests_nothing_and_votes() {
    let mut chain = Chain::with_session();
    chain.carry(pause(THE_QUERIER, true)).expect("carried");
    let session = open(vec![opening(chain.height + MAX_SESSION)]);
    assert_eq!(chain.refused(QUERIER, session), Reject::MEMBER_PAUSED);
    assert_eq!(admitted(&chain), Err(Reject::MEMBER_PAUSED));
    assert_eq!(chain.refused(QUERIER, create_list()), Reject::MEMBER_PAUSED);
    let next = version(LIST, EPOCH, 1);
    chain.must(OWNER, publish(next));
    assert_eq!(chain.refused(QUERIER, attest(next)), Reject::MEMBER_PAUSED);
    chain.must(QUERIER, propose(pause(THE_QUERIER, false)));
    chain.carry(pause(THE_OWNER, true)).expect("carried");
    let another = publish(version(LIST, EPOCH, 2));
    assert_eq!(chain.refused(OWNER, another), Reject::MEMBER_PAUSED);
}

#[test]
fn a_list_that_was_stopped_itself_does_not_go_on_with_its_owner() {
    let mut chain = Chain::with_list();
    for of in [THE_LIST, THE_OWNER] {
        chain.carry(pause(of, true)).expect("carried");
    }
    chain.carry(pause(THE_OWNER, false)).expect("carried");
    assert!(list_is_paused(&chain));
}

#[test]
fn receipts_of_or_about_what_is_stopped_are_refused() {
    let stopped = |of| {
        let mut chain = WORLD.chain.clone();
        chain.carry(pause(of, true)).expect("carried");
        chain.refused(QUERIER, submit(WORLD.set.clone()))
    };
    assert_eq!(stopped(THE_LIST), Reject::LIST_PAUSED);
    assert_eq!(stopped(THE_OWNER), Reject::LIST_PAUSED);
    assert_eq!(stopped(THE_QUERIER), Reject::MEMBER_PAUSED);
}

/// For how many blocks changes wait.
const LOCK: u64 = 5;

fn locked() -> Chain {
    Chain::with(|network| network.parameters.time_lock_blocks = LOCK)
}

/// The parameters of a locked chain with another grant.
fn grant(amount: u64) -> Change {
    Change::SetParameters(Parameters {
        welcome_grant_minor: amount,
        time_lock_blocks: LOCK,
        ..parameters()
    })
}

/// Has the first four members vote for a change, and says at which height that was.
fn accept(chain: &mut Chain, number: u64, change: Change) -> u64 {
    chain.must(OWNER, propose(change));
    for voter in [QUERIER, THIRD, FOURTH] {
        chain.must(voter, vote(number, true));
    }
    chain.height
}

#[test]
fn a_change_takes_effect_when_its_time_lock_ends_and_not_before() {
    let mut chain = locked();
    let effective_height = accept(&mut chain, 1, grant(7)) + LOCK;
    let said = Event::ProposalAccepted {
        proposal: ProposalId(1),
        effective_height,
    };
    assert!(chain.transaction_events().contains(&said));
    let status = ProposalStatus::Accepted { effective_height };
    assert_eq!(chain.proposal_status(1), status);
    let late = chain.refused(SISTER, vote(1, false));
    assert_eq!(late, Reject::PROPOSAL_CLOSED);
    chain.pass_before(effective_height);
    let granted = |chain: &Chain| {
        let parameters = read::parameters(&chain.state).expect("a map");
        parameters.welcome_grant_minor
    };
    assert_ne!(granted(&chain), 7);
    chain.pass(1);
    let height = effective_height;
    assert_eq!((chain.height, granted(&chain)), (height, 7));
    assert_eq!(chain.proposal_status(1), ProposalStatus::Carried { height });
    let open = read::open_proposals(&chain.state).expect("a map");
    assert!(open.is_empty());
}

#[test]
fn what_can_no_longer_be_done_when_its_time_comes_changes_nothing() {
    let mut chain = locked();
    let joining = || Change::Admit(candidate(MemberId(7), "Group E", Role::Member));
    accept(&mut chain, 1, joining());
    let effective = accept(&mut chain, 2, joining()) + LOCK;
    chain.pass_before(effective + 1);
    let height = chain.height;
    // The first took the keys that the second names.
    let first = chain.proposal_status(1);
    assert!(matches!(first, ProposalStatus::Carried { .. }));
    assert_eq!(chain.proposal_status(2), ProposalStatus::Failed { height });
    let members = read::members(&chain.state).expect("a map");
    assert_eq!(members.len(), 7);
}

#[test]
fn a_pause_waits_for_no_time_lock_and_no_governed_share() {
    let mut chain = Chain::with(|network| {
        network.parameters.time_lock_blocks = LOCK;
        network.parameters.approval_percent = 100;
    });
    chain.prepare_list();
    accept(&mut chain, 1, pause(THE_LIST, true));
    assert!(
        list_is_paused(&chain),
        "four of five are more than two thirds"
    );
}

#[test]
fn the_governed_share_of_all_members_carries_a_change() {
    for (percent, needed) in [(51, 3), (67, 4), (80, 4), (81, 5), (100, 5)] {
        let mut chain = Chain::with(|network| network.parameters.approval_percent = percent);
        let voters = [OWNER, QUERIER, THIRD, FOURTH, SISTER];
        chain.must(voters[0], propose(Change::SetUtcOffset { minutes: 480 }));
        for voter in &voters[1..needed] {
            assert_eq!(
                chain.proposal_status(1),
                ProposalStatus::Open,
                "{percent} %"
            );
            chain.must(*voter, vote(1, true));
        }
        let status = chain.proposal_status(1);
        assert!(
            matches!(status, ProposalStatus::Carried { .. }),
            "{percent} %"
        );
    }
}

#[test]
fn governed_numbers_out_of_their_ranges_are_refused() {
    let spoils: [fn(&mut Parameters); 6] = [
        |parameters| parameters.approval_percent = 50,
        |parameters| parameters.approval_percent = 101,
        |parameters| parameters.time_lock_blocks = u64::MAX,
        |parameters| parameters.sampled_entries = 17,
        |parameters| parameters.beacon_window_blocks = 0,
        |parameters| parameters.sample_window_blocks = 65_537,
    ];
    for spoil in spoils {
        let mut parameters = parameters();
        spoil(&mut parameters);
        let refused = Chain::new().refused(OWNER, propose(Change::SetParameters(parameters)));
        assert_eq!(refused, Reject::VALUE_OUT_OF_RANGE);
    }
}
