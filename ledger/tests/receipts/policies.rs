//! Policies and their versions.

use tacit_ledger::kernel::MemberId;
use tacit_ledger::network::{Event, Policy, PolicyId, PolicyTerms, PolicyVersion, read};

use crate::support::*;

fn put(chain: &mut Chain, owner: MemberId, name: &str, terms: PolicyTerms) -> Event {
    let events = chain.must(owner, put_policy(name, terms));
    let [event] = <[_; 1]>::try_from(events).expect("one event");
    event
}

#[test]
fn a_policy_has_versions_that_never_change() {
    let mut chain = Chain::new();
    let told = put(&mut chain, OWNER, "lending", terms());
    let (id, first) = (PolicyId(1), PolicyVersion(1));
    let owner = OWNER;
    assert_eq!(
        told,
        Event::PolicyPut {
            policy: id,
            version: first,
            owner
        }
    );
    let before = read::policy(&chain.state, id, first).expect("a map");
    let expected = Policy {
        id,
        version: first,
        owner,
        name: text("lending"),
        terms: terms(),
        put_height: 1,
    };
    assert_eq!(before, Some(expected.clone()));

    let mut stricter = terms();
    stricter.max_age_blocks = 0;
    put(&mut chain, OWNER, "lending", stricter.clone());
    let second = PolicyVersion(2);
    assert_eq!(read::policy(&chain.state, id, first), Ok(before));
    let newest = Policy {
        version: second,
        terms: stricter,
        put_height: 2,
        ..expected
    };
    assert_eq!(
        read::policy(&chain.state, id, second),
        Ok(Some(newest.clone()))
    );
    assert_eq!(
        read::latest_policy_version(&chain.state, id),
        Ok(Some(second))
    );
    assert_eq!(read::policies_of(&chain.state, OWNER), Ok(vec![newest]));
    assert_eq!(read::policy_count(&chain.state), Ok(1));
}

#[test]
fn a_name_is_a_policy_of_its_owner_alone() {
    let mut chain = Chain::new();
    put(&mut chain, OWNER, "lending", terms());
    let others = put(&mut chain, QUERIER, "lending", terms());
    let another = put(&mut chain, OWNER, "leasing", terms());
    let numbers = [others, another].map(|event| match event {
        Event::PolicyPut {
            policy, version, ..
        } => (policy, version),
        other => panic!("{other:?}"),
    });
    let first = PolicyVersion(1);
    assert_eq!(numbers, [(PolicyId(2), first), (PolicyId(3), first)]);
    let names = |owner| -> Vec<String> {
        let own = read::policies_of(&chain.state, owner).expect("a map");
        own.iter().map(|policy| policy.name.to_string()).collect()
    };
    assert_eq!(names(OWNER), ["lending", "leasing"]);
    assert_eq!(names(QUERIER), ["lending"]);
    assert_eq!(names(THIRD), Vec::<String>::new());
}
