//! Members, validators, votes, categories.

use tacit_ledger::kernel::{MemberId, Reject, Role};
use tacit_ledger::network::parameters::{CategoryId, MAX_CATEGORIES};
use tacit_ledger::network::quota::prove_key;
use tacit_ledger::network::{
    Action, Change, MAX_OPEN_PROPOSALS_PER_MEMBER, MAX_VALIDATORS, Pausable,
};

use super::Refusal;
use crate::support::*;

/// How a change that enough members want is refused in the end.
fn carried(change: Change) -> Reject {
    Chain::new()
        .carry(change)
        .expect_err("cannot be carried out")
}

fn proposed(change: Change) -> Reject {
    Chain::new().refused(OWNER, propose(change))
}

fn candidate_of_owner() -> tacit_ledger::network::Candidate {
    candidate(OWNER, "Group E", Role::Member)
}

fn joining() -> tacit_ledger::network::Candidate {
    candidate(MemberId(7), "Group E", Role::Member)
}

/// A stop that the members carry.
fn stop(chain: &mut Chain, of: Pausable) -> Result<(), Reject> {
    chain.carry(Change::SetPause { of, paused: true })
}

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::MEMBER_PAUSED, "a list of a stopped member", || {
        let mut chain = Chain::new();
        stop(&mut chain, Pausable::Member(OWNER)).expect("carried");
        chain.refused(OWNER, create_list())
    }),
    (Reject::LIST_PAUSED, "a session with a stopped list", || {
        let mut chain = Chain::with_list();
        stop(&mut chain, Pausable::List(LIST)).expect("carried");
        let deadline = chain.height + MAX_SESSION;
        chain.refused(QUERIER, open(vec![opening(deadline)]))
    }),
    (Reject::LIST_UNKNOWN, "a stop of no list", || {
        stop(&mut Chain::new(), Pausable::List(LIST)).expect_err("refused")
    }),
    (Reject::MEMBER_UNKNOWN, "a stop of nobody", || {
        stop(&mut Chain::new(), Pausable::Member(NOBODY)).expect_err("refused")
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "an address without a port",
        || Chain::new().refused(OWNER, profile("front.example", "node.example:1")),
    ),
    (Reject::VALUE_OUT_OF_RANGE, "an address with port 0", || {
        Chain::new().refused(OWNER, profile("front.example:1", "node.example:0"))
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "an address with a signed port",
        || Chain::new().refused(OWNER, profile("front.example:+443", "node.example:1")),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "an address without a host",
        || Chain::new().refused(OWNER, profile("front.example:1", ":1")),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a candidate with white space for an address",
        || {
            let mut candidate = joining();
            candidate.profile.p2p_address = text("a host:1");
            proposed(Change::Admit(candidate))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a candidate whose node has no key",
        || {
            let mut candidate = joining();
            candidate.profile.consensus_key.0 = no_key();
            proposed(Change::Admit(candidate))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a candidate who could never sign",
        || {
            let mut candidate = joining();
            candidate.ledger_key.0 = no_key();
            proposed(Change::Admit(candidate))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a reward as high as the price",
        || {
            let mut category = category(2);
            category.reward_minor = category.price_minor;
            proposed(Change::AddCategory(category))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a price that a batch could not sum up",
        || {
            let mut category = category(1);
            category.price_minor = u32::MAX / 1_000 + 1;
            proposed(Change::ChangeCategory(category))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a settlement window of no block",
        || {
            let mut parameters = parameters();
            parameters.settlement_window_blocks = 0;
            proposed(Change::SetParameters(parameters))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a grant that could overflow the supply",
        || {
            let mut parameters = parameters();
            parameters.welcome_grant_minor = (1 << 48) + 1;
            proposed(Change::SetParameters(parameters))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a network without validators",
        || {
            let mut parameters = parameters();
            parameters.min_validators = 0;
            proposed(Change::SetParameters(parameters))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a minimum of validators that no network can have",
        || {
            let mut parameters = parameters();
            parameters.min_validators = MAX_VALIDATORS as u32 + 1;
            proposed(Change::SetParameters(parameters))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a business day more than a day away",
        || {
            let minutes = i16::MIN;
            proposed(Change::SetUtcOffset { minutes })
        },
    ),
    (Reject::NOT_A_MEMBER, "an observer that proposes", || {
        Chain::new().refused(OBSERVER, propose(Change::Remove { member: OWNER }))
    }),
    (Reject::NOT_A_MEMBER, "an observer that votes", || {
        let mut chain = Chain::new();
        chain.must(OWNER, propose(Change::Remove { member: SISTER }));
        chain.refused(OBSERVER, vote(1, true))
    }),
    (
        Reject::NOT_A_MEMBER,
        "an observer that is to validate",
        || carried(Change::AddValidator { member: OBSERVER }),
    ),
    (
        Reject::NOT_A_MEMBER,
        "an observer that left and is to validate",
        || {
            let mut chain = Chain::new();
            chain
                .carry(Change::Remove { member: OBSERVER })
                .expect("removed");
            let change = Change::AddValidator { member: OBSERVER };
            chain.carry(change).expect_err("it validates nothing")
        },
    ),
    (
        Reject::MEMBER_UNKNOWN,
        "a stranger that is to leave",
        || carried(Change::Remove { member: NOBODY }),
    ),
    (
        Reject::MEMBER_UNKNOWN,
        "a stranger that is to validate",
        || carried(Change::AddValidator { member: NOBODY }),
    ),
    (
        Reject::MEMBER_UNKNOWN,
        "a stranger that is no longer to validate",
        || carried(Change::RemoveValidator { member: NOBODY }),
    ),
    (Reject::MEMBER_LEFT, "a member that leaves twice", || {
        let mut chain = Chain::new();
        chain
            .carry(Change::Remove { member: SISTER })
            .expect("removed");
        chain
            .carry(Change::Remove { member: SISTER })
            .expect_err("gone")
    }),
    (
        Reject::KEY_IN_USE,
        "a candidate with another's ledger key",
        || {
            let mut candidate = joining();
            candidate.ledger_key = candidate_of_owner().ledger_key;
            let (key, ledger_key) = (quota_key(MemberId(7)), candidate.ledger_key);
            candidate.quota_key_proof = prove_key(&key, &ledger_key, &mut rng(1));
            carried(Change::Admit(candidate))
        },
    ),
    (
        Reject::KEY_IN_USE,
        "a candidate with another's node key",
        || {
            let mut candidate = joining();
            candidate.profile.consensus_key = consensus_key(OWNER);
            carried(Change::Admit(candidate))
        },
    ),
    (
        Reject::KEY_IN_USE,
        "a candidate with the key of a member that left",
        || {
            let mut chain = Chain::new();
            chain
                .carry(Change::Remove { member: SISTER })
                .expect("removed");
            let again = candidate(SISTER, "Group E", Role::Member);
            chain
                .carry(Change::Admit(again))
                .expect_err("keys are for ever")
        },
    ),
    (Reject::KEY_IN_USE, "a certificate that another has", || {
        Chain::new().refused(OWNER, rotate(certificate(QUERIER)))
    }),
    (
        Reject::KEY_IN_USE,
        "a certificate that was rotated out",
        || {
            let mut chain = Chain::new();
            chain.must(OWNER, rotate(certificate(NOBODY)));
            chain.refused(OWNER, rotate(certificate(OWNER)))
        },
    ),
    (
        Reject::TOO_MANY_MEMBERS,
        "one party more than a network holds",
        || {
            let mut chain = Chain::with(|genesis| genesis.members = bounded(crowd(256)));
            chain
                .carry_among(
                    256,
                    Change::Admit(candidate(NOBODY_YET, "x", Role::Observer)),
                )
                .expect_err("full")
        },
    ),
    (
        Reject::TOO_FEW_VALIDATORS,
        "a validator fewer than the minimum",
        || carried(Change::RemoveValidator { member: OWNER }),
    ),
    (
        Reject::TOO_FEW_VALIDATORS,
        "a validator that leaves the network",
        || carried(Change::Remove { member: OWNER }),
    ),
    (
        Reject::ALREADY_VALIDATOR,
        "a validator that is to validate",
        || carried(Change::AddValidator { member: OWNER }),
    ),
    (
        Reject::NOT_A_VALIDATOR,
        "a member that never validated, at the minimum",
        || carried(Change::RemoveValidator { member: SISTER }),
    ),
    (
        Reject::TOO_MANY_VALIDATORS,
        "one validator more than a certificate holds",
        || {
            let mut chain = Chain::with(|genesis| {
                let mut members = crowd(129);
                members[128].validator = false;
                genesis.members = bounded(members);
            });
            let change = Change::AddValidator {
                member: MemberId(129),
            };
            chain.carry_among(129, change).expect_err("full")
        },
    ),
    (Reject::PROPOSAL_UNKNOWN, "a vote on nothing", || {
        Chain::new().refused(OWNER, vote(1, true))
    }),
    (Reject::PROPOSAL_CLOSED, "a vote on what is decided", || {
        let mut chain = Chain::new();
        chain
            .carry(Change::Remove { member: OBSERVER })
            .expect("carried");
        chain.refused(SISTER, vote(1, false))
    }),
    (
        Reject::PROPOSAL_CLOSED,
        "a vote after the last height",
        || {
            let mut chain = Chain::new();
            chain.must(OWNER, propose(Change::Remove { member: OBSERVER }));
            chain.pass(PROPOSAL_LIFETIME);
            chain.refused(QUERIER, vote(1, true))
        },
    ),
    (
        Reject::ALREADY_VOTED,
        "a second vote of the proposer",
        || {
            let mut chain = Chain::new();
            chain.must(OWNER, propose(Change::Remove { member: OBSERVER }));
            chain.refused(OWNER, vote(1, false))
        },
    ),
    (
        Reject::TOO_MANY_PROPOSALS,
        "one proposal of a member too many",
        || {
            let mut chain = Chain::new();
            for _ in 0..MAX_OPEN_PROPOSALS_PER_MEMBER {
                chain.must(OWNER, propose(Change::Remove { member: OBSERVER }));
            }
            chain.refused(OWNER, propose(Change::Remove { member: OBSERVER }))
        },
    ),
    (
        Reject::PARAMETERS_CHANGED_SINCE,
        "parameters proposed before others took effect",
        || {
            let mut chain = Chain::new();
            let (mut longer, mut dearer) = (parameters(), parameters());
            longer.settlement_window_blocks += 1;
            dearer.fraud_owner_penalty_minor += 1;
            chain.must(OWNER, propose(Change::SetParameters(longer)));
            chain.must(OWNER, propose(Change::SetParameters(dearer)));
            for voter in [QUERIER, THIRD, FOURTH] {
                chain.must(voter, vote(1, true));
            }
            chain.must(QUERIER, vote(2, true));
            chain.must(THIRD, vote(2, true));
            chain.refused(FOURTH, vote(2, true))
        },
    ),
    (Reject::CATEGORY_UNKNOWN, "a list of no category", || {
        let mut action = create_list();
        if let Action::CreateList { category, .. } = &mut action {
            *category = CategoryId(9);
        }
        Chain::new().refused(OWNER, action)
    }),
    (Reject::CATEGORY_UNKNOWN, "new terms of no category", || {
        carried(Change::ChangeCategory(category(9)))
    }),
    (Reject::CATEGORY_EXISTS, "a category that there is", || {
        carried(Change::AddCategory(category(1)))
    }),
    (Reject::TOO_MANY_CATEGORIES, "one category too many", || {
        let mut chain = Chain::with(|genesis| {
            let all = (1..=MAX_CATEGORIES as u16).map(category);
            genesis.categories = bounded(all.collect());
        });
        chain
            .carry(Change::AddCategory(category(0)))
            .expect_err("full")
    }),
];

/// A party that joined no network of the tests.
const NOBODY_YET: MemberId = MemberId(500);

/// Bytes that encode no point of edwards25519: 2 is the y of none.
fn no_key() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    bytes
}
