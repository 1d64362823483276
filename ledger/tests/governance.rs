//! Proposals and votes.

use tacit_ledger::kernel::{MemberId, Outcome, Reject, Role};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{
    Change, Event, MAX_OPEN_PROPOSALS_PER_MEMBER, ProposalId, ProposalStatus, read,
};

use crate::support::*;

/// Some change, the same for all.
fn change() -> Change {
    let mut parameters = parameters();
    parameters.welcome_grant_minor = 7;
    Change::SetParameters(parameters)
}

fn open_numbers(chain: &Chain) -> Vec<u64> {
    let open = read::open_proposals(&chain.state).expect("a map");
    open.iter().map(|proposal| proposal.id.0).collect()
}

#[test]
fn a_proposal_is_carried_by_more_than_two_thirds_of_all_members() {
    let mut chain = Chain::new();
    chain.must(OWNER, propose(change()));
    chain.must(QUERIER, vote(1, true));
    chain.must(THIRD, vote(1, true));
    // Three of five are less than two thirds.
    assert_eq!(chain.proposal_status(1), ProposalStatus::Open);
    assert_eq!(read::parameters(&chain.state), Ok(parameters()));
    let events = chain.must(FOURTH, vote(1, true));
    let height = chain.height;
    let status = ProposalStatus::Carried { height };
    assert_eq!(chain.proposal_status(1), status);
    let (proposal, member) = (ProposalId(1), FOURTH);
    let said = [
        Event::Voted {
            proposal,
            member,
            approve: true,
        },
        Event::ParametersChanged,
        Event::ProposalClosed { proposal, status },
    ];
    assert_eq!(events, said);
    let now = read::parameters(&chain.state).expect("a map");
    assert_eq!(now.welcome_grant_minor, 7);
    assert!(open_numbers(&chain).is_empty());
}

#[test]
fn exactly_two_thirds_carry_nothing() {
    let mut chain = Chain::new();
    chain
        .carry(Change::Remove { member: SISTER })
        .expect("carried");
    for number in [7, 8] {
        let joining = candidate(MemberId(number), "Group E", Role::Member);
        chain.carry(Change::Admit(joining)).expect("carried");
    }
    // Six members: four are two thirds.
    chain.must(OWNER, propose(change()));
    for voter in [QUERIER, THIRD, FOURTH] {
        chain.must(voter, vote(4, true));
    }
    assert_eq!(chain.proposal_status(4), ProposalStatus::Open);
}

#[test]
fn a_proposal_that_can_no_longer_be_carried_is_defeated() {
    let mut chain = Chain::new();
    chain.must(OWNER, propose(change()));
    chain.must(QUERIER, vote(1, false));
    assert_eq!(chain.proposal_status(1), ProposalStatus::Open);
    chain.must(THIRD, vote(1, false));
    let height = chain.height;
    assert_eq!(
        chain.proposal_status(1),
        ProposalStatus::Defeated { height }
    );
    assert!(open_numbers(&chain).is_empty());
}

#[test]
fn a_proposal_that_nobody_decides_expires_after_its_last_height() {
    let mut chain = Chain::new();
    chain.must(OWNER, propose(change()));
    let last = chain.height + PROPOSAL_LIFETIME;
    chain.pass_before(last);
    chain.must(QUERIER, vote(1, true));
    assert_eq!(chain.height, last);
    chain.pass(1);
    assert_eq!(chain.proposal_status(1), ProposalStatus::Expired);
    let closed = Event::ProposalClosed {
        proposal: ProposalId(1),
        status: ProposalStatus::Expired,
    };
    assert_eq!(chain.block_events(), [closed]);
}

#[test]
fn votes_of_members_that_left_do_not_count() {
    let mut chain = Chain::new();
    chain.must(OWNER, propose(change()));
    chain.must(SISTER, vote(1, true));
    chain.must(QUERIER, vote(1, true));
    chain
        .carry(Change::Remove { member: SISTER })
        .expect("carried");
    // Of four members three carry it; without the one that left, OWNER's and QUERIER's are two.
    assert_eq!(chain.proposal_status(1), ProposalStatus::Open);
    chain.must(THIRD, vote(1, true));
    let height = chain.height;
    assert_eq!(chain.proposal_status(1), ProposalStatus::Carried { height });
}

#[test]
fn a_deciding_vote_for_what_cannot_be_done_is_refused_and_leaves_the_proposal_open() {
    let mut chain = Chain::new();
    let refused = chain.carry(Change::RemoveValidator { member: OWNER });
    assert_eq!(refused, Err(Reject::TOO_FEW_VALIDATORS));
    assert_eq!(chain.proposal_status(1), ProposalStatus::Open);
    // Once there is a fifth, the same vote decides.
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain.must(FOURTH, vote(1, true));
    assert_eq!(read::validators(&chain.state).expect("a map").len(), 4);
}

#[test]
fn one_members_proposals_keep_nobody_else_from_proposing() {
    let mut chain = Chain::new();
    for _ in 0..MAX_OPEN_PROPOSALS_PER_MEMBER {
        chain.must(OWNER, propose(change()));
    }
    let full = chain.refused(OWNER, propose(change()));
    assert_eq!(full, Reject::TOO_MANY_PROPOSALS);
    chain.must(QUERIER, propose(Change::Remove { member: OWNER }));
    // What is decided or expires makes room.
    chain.must(QUERIER, vote(1, false));
    chain.must(THIRD, vote(1, false));
    chain.must(OWNER, propose(change()));
    assert_eq!(open_numbers(&chain), [2, 3, 4, 5, 6]);
    chain.pass(PROPOSAL_LIFETIME + 1);
    assert!(open_numbers(&chain).is_empty());
    chain.must(OWNER, propose(change()));
}

#[test]
fn two_deciding_votes_in_one_block_carry_a_proposal_once() {
    let mut chain = Chain::new();
    chain.must(
        OWNER,
        propose(Change::Admit(candidate(NOBODY, "x", Role::Member))),
    );
    chain.must(QUERIER, vote(1, true));
    chain.must(THIRD, vote(1, true));
    let votes = [FOURTH, SISTER].map(|voter| chain.envelope(voter, &vote(1, true)));
    let closed = Outcome::Rejected(Reject::PROPOSAL_CLOSED);
    assert_eq!(chain.block(&votes), [Outcome::Applied, closed]);
    assert_eq!(read::members(&chain.state).expect("a map").len(), 7);
}

#[test]
fn categories_stand_in_the_order_of_their_numbers_and_change_by_vote() {
    let mut chain = Chain::new();
    chain
        .carry(Change::AddCategory(category(9)))
        .expect("carried");
    chain
        .carry(Change::AddCategory(category(5)))
        .expect("carried");
    let mut dearer = category(5);
    dearer.price_minor += 1;
    chain
        .carry(Change::ChangeCategory(dearer.clone()))
        .expect("carried");
    let categories = read::categories(&chain.state).expect("a map");
    let numbers: Vec<_> = categories.iter().map(|category| category.id.0).collect();
    assert_eq!(numbers, [1, 5, 9]);
    let changed = read::category(&chain.state, CategoryId(5)).expect("a map");
    assert_eq!(changed, Some(dearer));
}
