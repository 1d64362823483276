//! Each refusal that the ledger can give, given.

mod calls;
mod disputes;
mod kernel;
mod lists;
mod members;
mod quota;
mod receipts;
mod sampling;
mod sessions;
mod supervision;

use std::collections::BTreeSet;

use tacit_ledger::kernel::reject::KERNEL_REJECTS;
use tacit_ledger::kernel::{Registry, Reject};
use tacit_ledger::network::RiskNetwork;
use tacit_ledger::network::reject::NETWORK_REJECTS;

/// A refusal, what leads to it, and how it comes out.
type Refusal = (Reject, &'static str, fn() -> Reject);

/// The tables, each with a test of its own, so that they run side by side.
macro_rules! tables {
    ($($test:ident: $table:expr,)*) => {
        fn all() -> impl Iterator<Item = &'static Refusal> {
            [$($table),*].into_iter().flatten()
        }

        $(
            #[test]
            fn $test() {
                assert_eq!(mismatches($table), [""; 0], "each is another refusal than it should be");
            }
        )*
    };
}

tables! {
    what_the_kernel_does_not_allow_is_refused_with_its_number: kernel::REFUSALS,
    what_members_may_not_do_is_refused_with_its_number: members::REFUSALS,
    what_is_no_list_is_refused_with_its_number: lists::REFUSALS,
    what_is_no_session_is_refused_with_its_number: sessions::REFUSALS,
    what_is_no_call_is_refused_with_its_number: calls::REFUSALS,
    what_quota_does_not_allow_is_refused_with_its_number: quota::REFUSALS,
    what_is_no_receipt_is_refused_with_its_number: receipts::REFUSALS,
    what_nobody_may_rely_on_is_refused_with_its_number: receipts::RELYING,
    what_proves_no_drawn_entry_is_refused_with_its_number: sampling::REFUSALS,
    what_is_no_dispute_is_refused_with_its_number: disputes::REFUSALS,
    what_supervision_does_not_allow_is_refused_with_its_number: supervision::REFUSALS,
}

/// What comes out otherwise than it should, all of it: one fault does not hide the next.
fn mismatches(table: &[Refusal]) -> Vec<String> {
    let told = table.iter().filter_map(|(expected, what, refuse)| {
        match std::panic::catch_unwind(refuse) {
            Ok(given) if given == *expected => None,
            Ok(given) => Some(format!("{what}: {given}, not {expected}")),
            Err(_) => Some(format!("{what}: panicked, see above")),
        }
    });
    told.collect()
}

#[test]
fn every_listed_refusal_is_given_by_a_test() {
    let given: BTreeSet<_> = all().map(|(reject, _, _)| *reject).collect();
    let listed: BTreeSet<_> = KERNEL_REJECTS
        .iter()
        .chain(NETWORK_REJECTS)
        .map(|info| info.reject)
        .collect();
    assert_eq!(given, listed);
}

#[test]
fn numbers_of_refusals_ascend_and_stay_in_their_module() {
    let numbers = |table: &[tacit_ledger::kernel::RejectInfo]| -> Vec<u16> {
        table.iter().map(|info| info.reject.number()).collect()
    };
    let (kernel, network) = (numbers(KERNEL_REJECTS), numbers(NETWORK_REJECTS));
    assert!(kernel.is_sorted_by(|a, b| a < b) && network.is_sorted_by(|a, b| a < b));
    assert!(kernel.iter().all(|number| (1..100).contains(number)));
    assert!(network.iter().all(|number| (100..1000).contains(number)));
}

#[test]
fn numbers_and_names_of_refusals_never_change() {
    let lines: String = KERNEL_REJECTS
        .iter()
        .chain(NETWORK_REJECTS)
        .map(|info| {
            let lasting = if info.transient {
                "transient"
            } else {
                "lasting"
            };
            format!("{} {} {lasting}\n", info.reject.number(), info.name)
        })
        .collect();
    let pinned = include_str!("numbers.txt");
    assert_eq!(
        lines, pinned,
        "numbers are permanent: add to numbers.txt, never change a line"
    );
}

/// Numbers that a refusal had once: of sums that were signed in the plain.
const GIVEN_UP: [u16; 3] = [106, 223, 234];

#[test]
fn a_number_that_was_given_up_means_nothing_ever_after() {
    for number in GIVEN_UP {
        let reject = Reject::numbered(number);
        assert_eq!(Registry::network().describe(reject), None);
    }
}

#[test]
fn a_chain_describes_its_own_refusals_and_no_others() {
    let registry = Registry::network();
    for info in KERNEL_REJECTS.iter().chain(NETWORK_REJECTS) {
        assert_eq!(registry.describe(info.reject), Some(info));
        let shown = info.reject.to_string();
        assert!(shown.starts_with(info.name) && shown.ends_with(info.text));
    }
    let other = Reject::numbered(999);
    assert_eq!(registry.describe(other), None);
    assert_eq!(other.to_string(), "refused with number 999");
}

#[test]
#[should_panic(expected = "two modules have the number 1")]
fn two_modules_of_one_number_make_no_chain() {
    let _ = Registry::network().with(RiskNetwork);
}
