//! The version of the rules.

use tacit_ledger::kernel::Reject;
use tacit_ledger::network::record::{CodeVersions, NextVersion};
use tacit_ledger::network::{Change, Event, read};

use crate::support::*;

fn set(version: u32, from_height: u64) -> Change {
    Change::SetCodeVersion {
        version,
        from_height,
    }
}

fn versions(chain: &Chain) -> CodeVersions {
    read::code_versions(&chain.state).expect("a map")
}

#[test]
fn a_version_is_in_force_from_its_height_on() {
    let mut chain = Chain::new();
    assert_eq!(versions(&chain), CodeVersions::default());
    let from_height = chain.height + 9;
    chain.carry(set(2, from_height)).expect("carried");
    let said = Event::CodeVersionSet {
        version: 2,
        from_height,
    };
    assert!(chain.transaction_events().contains(&said));
    let voted = versions(&chain);
    let next = NextVersion {
        version: 2,
        from_height,
    };
    assert_eq!((voted.at(from_height - 1), voted.at(from_height)), (1, 2));
    assert_eq!(voted.after(from_height - 1), Some(next));
    assert_eq!(voted.after(from_height), None);
}

#[test]
fn a_version_that_is_not_in_force_yet_gives_way_to_another() {
    let mut chain = Chain::new();
    chain.carry(set(2, chain.height + 20)).expect("carried");
    let later = chain.height + 40;
    chain.carry(set(2, later)).expect("carried");
    assert_eq!(
        (versions(&chain).at(later - 1), versions(&chain).at(later)),
        (1, 2)
    );
    chain.pass_before(later + 1);
    // In force now: the same again is no newer one.
    assert_eq!(
        chain.carry(set(2, later + 90)),
        Err(Reject::CODE_VERSION_NOT_NEWER)
    );
    let third = chain.height + 5;
    chain.carry(set(3, third)).expect("carried");
    let voted = versions(&chain);
    assert_eq!((voted.at(third - 1), voted.at(third)), (2, 3));
}
