//! What a supervisor asks under a view, and whether the member may show it.

use proptest::prelude::*;
use tacit_circuits::scope::ListId;
use tacit_ledger::kernel::party::party_count;
use tacit_ledger::kernel::{BusinessDate, ChainId, Digest, MemberId, Role, codec};
use tacit_ledger::network::receipts::Purpose;
use tacit_ledger::network::record::*;
use tacit_ledger::network::views::{
    Asked, CaseReference, CaseSet, CaseSetError, MAX_CASES, MAX_VIEW_QUERY_BYTES, ViewQuery,
    ViewRefusal, may_show,
};
use tacit_ledger::network::{Action, Change};

use crate::support::*;

fn case(reference: &str) -> CaseReference {
    CaseReference::new(reference).expect("a reference")
}

fn cases(references: &[&str]) -> CaseSet {
    let cases = references.iter().copied().map(case).collect();
    CaseSet::new([3; 32], cases).expect("a set")
}

fn query(chain: &Chain, asked: Asked) -> ViewQuery {
    ViewQuery {
        chain_id: chain.machine.chain_id(),
        view: VIEW,
        nonce: [7; 32],
        asked,
    }
}

/// The history of today, which the view of [`GRANTED`] shows.
fn history(chain: &Chain) -> ViewQuery {
    let (from, until) = (BusinessDate(chain.today().0 - 3), chain.today());
    query(chain, Asked::History { from, until })
}

fn record(query: &ViewQuery) -> Action {
    Action::RecordViewUse {
        view: query.view,
        purpose: Purpose::new("examination").expect("a code"),
        query: query.digest(),
    }
}

/// What the node of `member` says to `asking`.
fn said(
    chain: &Chain,
    member: MemberId,
    asking: MemberId,
    query: &ViewQuery,
) -> Result<View, ViewRefusal> {
    let chain_id = chain.machine.chain_id();
    may_show(&chain.state, chain_id, member, asking, query).expect("a map")
}

/// A chain on which the use for a question is recorded.
fn recorded() -> (Chain, ViewQuery) {
    let mut chain = GRANTED.clone();
    let query = history(&chain);
    chain.must(OBSERVER, record(&query));
    (chain, query)
}

#[test]
fn a_recorded_question_within_the_scope_is_answered_and_the_use_stands_with_the_view() {
    let (chain, query) = recorded();
    let view = said(&chain, QUERIER, OBSERVER, &query).expect("it is shown");
    let used = view.last_use.expect("used");
    assert_eq!((used.date, used.height), (chain.today(), chain.height));
    assert_eq!(used.purpose.as_str(), "examination");
    assert_eq!(used.query, query.digest());
}

#[test]
fn nothing_is_shown_without_a_use_for_this_very_question() {
    let chain = GRANTED.clone();
    let unrecorded = history(&chain);
    let refused = said(&chain, QUERIER, OBSERVER, &unrecorded);
    assert_eq!(refused, Err(ViewRefusal::NotRecorded));

    let (mut chain, asked) = recorded();
    let more = [
        ViewQuery {
            nonce: [8; 32],
            ..asked.clone()
        },
        query(
            &chain,
            Asked::History {
                from: BusinessDate(chain.today().0 - 4),
                until: chain.today(),
            },
        ),
    ];
    for other in more {
        let refused = said(&chain, QUERIER, OBSERVER, &other);
        assert_eq!(refused, Err(ViewRefusal::NotRecorded));
    }
    // A later use takes the place of this one.
    let next = ViewQuery {
        nonce: [9; 32],
        ..asked.clone()
    };
    chain.must(OBSERVER, record(&next));
    let refused = said(&chain, QUERIER, OBSERVER, &asked);
    assert_eq!(refused, Err(ViewRefusal::NotRecorded));
    assert!(said(&chain, QUERIER, OBSERVER, &next).is_ok());
}

#[test]
fn a_question_beyond_the_scope_is_refused_though_its_use_is_recorded() {
    let mut chain = GRANTED.clone();
    let (today, first) = (chain.today(), BusinessDate(chain.today().0 - 365));
    let before = BusinessDate(first.0 - 1);
    let asked = [
        Asked::History {
            from: before,
            until: today,
        },
        Asked::History {
            from: today,
            until: today.after(1),
        },
        Asked::History {
            from: today,
            until: before,
        },
        Asked::Quota {
            from: today,
            until: today,
        },
        Asked::List,
        Asked::Cases {
            set: cases(&["LOAN-1"]),
            page: 0,
        },
    ];
    for asked in asked {
        let query = query(&chain, asked);
        // The ledger cannot see what stands behind a digest: it is the member's node that refuses.
        chain.must(OBSERVER, record(&query));
        let refused = said(&chain, QUERIER, OBSERVER, &query);
        assert_eq!(refused, Err(ViewRefusal::OutOfScope), "{query:?}");
    }
}

#[test]
fn other_parties_and_other_networks_are_shown_nothing() {
    let (chain, asked) = recorded();
    let to = |member, asking| said(&chain, member, asking, &asked).map(drop);
    // A member, the grantor itself, nobody; and another member's node.
    for asking in [THIRD, QUERIER, MemberId(99)] {
        assert_eq!(to(QUERIER, asking), Err(ViewRefusal::NotASupervisor));
    }
    assert_eq!(to(THIRD, OBSERVER), Err(ViewRefusal::OfOtherMember));
    let foreign = ViewQuery {
        chain_id: ChainId([9; 32]),
        ..asked.clone()
    };
    let refused = said(&chain, QUERIER, OBSERVER, &foreign);
    assert_eq!(refused, Err(ViewRefusal::OtherNetwork));
    let other_view = ViewQuery {
        view: ViewId(2),
        ..asked
    };
    let refused = said(&chain, QUERIER, OBSERVER, &other_view);
    assert_eq!(refused, Err(ViewRefusal::Unknown));
}

#[test]
fn another_supervisor_is_shown_nothing() {
    let (mut chain, asked) = recorded();
    let other = MemberId(party_count(&chain.state).expect("a map") + 1);
    let joining = candidate(other, "Another authority", Role::Observer);
    chain.carry(Change::Admit(joining)).expect("carried");
    let refused = said(&chain, QUERIER, other, &asked);
    assert_eq!(refused, Err(ViewRefusal::NotTheGrantee));
}

#[test]
fn a_question_asked_again_after_the_view_was_revoked_is_refused() {
    let (mut chain, asked) = recorded();
    assert!(said(&chain, QUERIER, OBSERVER, &asked).is_ok());
    chain.must(QUERIER, revoke_view(VIEW));
    let refused = said(&chain, QUERIER, OBSERVER, &asked);
    assert_eq!(refused, Err(ViewRefusal::Unknown));
    // The next view has another number: the recorded use is none of it.
    let action = grant_view(&chain, 5);
    chain.must(QUERIER, action);
    let refused = said(&chain, QUERIER, OBSERVER, &asked);
    assert_eq!(refused, Err(ViewRefusal::Unknown));
    let renamed = ViewQuery {
        view: ViewId(2),
        ..asked
    };
    let refused = said(&chain, QUERIER, OBSERVER, &renamed);
    assert_eq!(refused, Err(ViewRefusal::NotRecorded));
}

#[test]
fn a_use_is_good_until_the_end_of_the_next_date_and_never_after_the_view() {
    let (mut chain, asked) = recorded();
    let today = chain.today();
    chain.begin_date(today.after(1));
    assert!(said(&chain, QUERIER, OBSERVER, &asked).is_ok());
    chain.begin_date(today.after(2));
    let refused = said(&chain, QUERIER, OBSERVER, &asked);
    assert_eq!(refused, Err(ViewRefusal::UseTooOld));
    chain.begin_date(today.after(5));
    chain.must(OBSERVER, record(&asked));
    chain.begin_date(today.after(6));
    let refused = said(&chain, QUERIER, OBSERVER, &asked);
    assert_eq!(refused, Err(ViewRefusal::Expired));
}

#[test]
fn who_has_left_shows_and_is_shown_nothing() {
    let (mut chain, asked) = recorded();
    let mut without = chain.clone();
    without
        .carry(Change::Remove { member: OBSERVER })
        .expect("carried");
    let refused = said(&without, QUERIER, OBSERVER, &asked);
    assert_eq!(refused, Err(ViewRefusal::NotASupervisor));
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain
        .carry(Change::Remove { member: QUERIER })
        .expect("carried");
    let refused = said(&chain, QUERIER, OBSERVER, &asked);
    assert_eq!(refused, Err(ViewRefusal::MemberLeft));
}

#[test]
fn a_set_of_cases_is_the_granted_one_and_no_other() {
    let mut chain = Chain::new();
    let today = chain.today();
    let granted = cases(&["LOAN-1", "LOAN-2"]);
    let action = Action::GrantView {
        supervisor: OBSERVER,
        scope: ViewScope::Cases(granted.digest()),
        from: today,
        until: today,
    };
    chain.must(QUERIER, action);
    let salted = CaseSet::new([4; 32], granted.cases().to_vec()).expect("a set");
    for (set, is_granted) in [
        (granted, true),
        (cases(&["LOAN-1", "LOAN-2", "LOAN-3"]), false),
        (cases(&["LOAN-1"]), false),
        (salted, false),
    ] {
        for page in [0, 1] {
            let set = set.clone();
            let query = query(&chain, Asked::Cases { set, page });
            chain.must(OBSERVER, record(&query));
            assert_eq!(said(&chain, QUERIER, OBSERVER, &query).is_ok(), is_granted);
        }
    }
}

#[test]
fn a_list_is_shown_by_a_view_of_a_list_alone() {
    let chain = Chain::new();
    let of_list = query(&chain, Asked::List);
    assert!(of_list.is_within(&ViewScope::List(ListId(1))));
    assert!(!of_list.is_within(&ViewScope::Cases(Digest([0; 32]))));
}

#[test]
fn sets_of_cases_have_one_encoding_and_print_no_case() {
    let set = cases(&["LOAN-2", "LOAN-10", "LOAN-2"]);
    assert_eq!(set, cases(&["LOAN-10", "LOAN-2"]));
    assert!(set.holds("LOAN-2") && !set.holds("LOAN-1") && !set.holds("LOAN"));
    let bytes = codec::encode(&set);
    assert_eq!(codec::decode::<CaseSet>(&bytes).expect("its own"), set);
    assert_eq!(format!("{set:?}"), "CaseSet(2 cases)");
    // In another order, twice, or none.
    let as_sent = |cases: &[&str]| codec::encode(&([3_u8; 32], cases.to_vec()));
    assert_eq!(as_sent(&["LOAN-10", "LOAN-2"]), bytes);
    for cases in [&["LOAN-2", "LOAN-10"][..], &["LOAN-2", "LOAN-2"], &[]] {
        assert!(
            codec::decode::<CaseSet>(&as_sent(cases)).is_err(),
            "{cases:?}"
        );
    }
    // Cases do not run into each other.
    assert_ne!(cases(&["AB", "C"]).digest(), cases(&["A", "BC"]).digest());
    let many: Vec<_> = (0..=MAX_CASES).map(|n| case(&n.to_string())).collect();
    assert_eq!(CaseSet::new([0; 32], many), Err(CaseSetError::TooMany));
    assert_eq!(CaseSet::new([0; 32], Vec::new()), Err(CaseSetError::Empty));
}

#[test]
fn the_longest_question_fits_its_bound() {
    let references = (0..MAX_CASES).map(|n| case(&format!("{n:0>256}")));
    let set = CaseSet::new([1; 32], references.collect()).expect("a set");
    let longest = query(
        &Chain::new(),
        Asked::Cases {
            set,
            page: u32::MAX,
        },
    );
    let bytes = codec::encode(&longest);
    assert!(bytes.len() <= MAX_VIEW_QUERY_BYTES, "{}", bytes.len());
}

#[test]
fn refusals_have_numbers_and_words_of_their_own() {
    let numbers: Vec<_> = ViewRefusal::ALL.iter().map(|one| one.number()).collect();
    assert_eq!(numbers, (1..=11).collect::<Vec<_>>());
    let mut words: Vec<_> = ViewRefusal::ALL.iter().map(|one| one.code()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), ViewRefusal::ALL.len());
}

proptest! {
    #[test]
    fn bytes_are_one_question_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(query) = codec::decode::<ViewQuery>(&bytes) {
            prop_assert_eq!(codec::encode(&query), bytes);
        }
    }
}
