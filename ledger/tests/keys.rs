//! State keys.

use std::collections::BTreeSet;

use tacit_circuits::receipt::ContextHash;
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::state::MAX_KEY_BYTES;
use tacit_ledger::kernel::{BusinessDate, LedgerKey, MemberId, Registry, StateKey, keys as kernel};
use tacit_ledger::network::{
    ConsensusKey, DisclosureId, DisputeId, PolicyId, PolicyVersion, ProposalId, Root, ScreeningId,
    SessionId, SpkiHash, ViewId, keys as network,
};

use crate::support::{subject, version};

#[test]
fn no_two_tables_share_a_prefix_or_a_name_within_a_module() {
    let registry = Registry::network();
    let modules = registry.modules().flat_map(|module| module.tables());
    let tables: Vec<_> = kernel::TABLES.iter().chain(modules).collect();
    let prefixes: BTreeSet<_> = tables.iter().map(|table| table.prefix()).collect();
    let names: BTreeSet<_> = tables
        .iter()
        .map(|table| (table.module, table.name))
        .collect();
    assert_eq!((prefixes.len(), names.len()), (tables.len(), tables.len()));
}

#[test]
fn tables_belong_to_the_module_that_lists_them() {
    for module in Registry::network().modules() {
        for table in module.tables() {
            assert_eq!(table.module, module.id(), "{}", table.name);
        }
    }
}

/// A key of each table, with what its documentation shows.
fn examples() -> Vec<(StateKey, String)> {
    let (member, list, epoch) = (MemberId(7), ListId(5), TagEpoch(2));
    let publication = version(list, epoch, 1);
    let bytes = [0xab; 32];
    let hex = "ab".repeat(32);
    let shown = |text: &str| text.replace(' ', "");
    vec![
        (kernel::clock(), shown("000000")),
        (kernel::utc_offset(), shown("000001")),
        (kernel::party(member), shown("000002 00000007")),
        (kernel::party_count(), shown("000003")),
        (kernel::sequence(member), shown("000004 00000007")),
        (
            kernel::due_page(258, 1),
            shown("000005 0000000000000102 00000001"),
        ),
        (kernel::due_size(258), shown("000006 0000000000000102")),
        (kernel::due_cursor(), shown("000007")),
        (
            kernel::date_page(1 << 31, 1),
            shown("000032 0000000080000000 00000001"),
        ),
        (kernel::date_size(1 << 31), shown("000033 0000000080000000")),
        (kernel::date_cursor(), shown("000034")),
        (
            kernel::ledger_key(&LedgerKey(bytes)),
            shown("000008") + &hex,
        ),
        (network::parameters(), shown("000100")),
        (network::categories(), shown("000101")),
        (network::profile(member), shown("000102 00000007")),
        (network::validators(), shown("000103")),
        (
            network::certificate(&SpkiHash(bytes)),
            shown("000104") + &hex,
        ),
        (
            network::consensus_key(&ConsensusKey(bytes)),
            shown("000105") + &hex,
        ),
        (network::deposit(member), shown("000106 00000007")),
        (network::supply(), shown("000107")),
        (network::history(member), shown("000108 00000007")),
        (network::list(list), shown("000109 00000005")),
        (network::list_count(), shown("00010a")),
        (network::lists_of(member), shown("00010b 00000007")),
        (
            network::epoch(list, epoch),
            shown("00010c 00000005 00000002"),
        ),
        (network::list_key(&bytes), shown("00010d") + &hex),
        (
            network::publication(publication),
            shown("00010e 00000005 00000002 00000001"),
        ),
        (network::alarm(9), shown("00010f 0000000000000009")),
        (network::alarm_count(), shown("000110")),
        (
            network::alarm_by(publication, member),
            shown("000111 00000005 00000002 00000001 00000007"),
        ),
        (
            network::session(SessionId(9)),
            shown("000112 0000000000000009"),
        ),
        (network::session_count(), shown("000113")),
        (
            network::sessions(member, list),
            shown("000114 00000007 00000005"),
        ),
        (network::usage(list), shown("000115 00000005")),
        (network::log_frontier(), shown("000116")),
        (network::log_head(), shown("000117")),
        (
            network::proposal(ProposalId(3)),
            shown("000118 0000000000000003"),
        ),
        (network::proposal_count(), shown("000119")),
        (network::open_proposals(), shown("00011a")),
        (network::open_proposals_of(member), shown("00011b 00000007")),
        (network::log_root(&Root(bytes)), shown("00011c") + &hex),
        (network::log_root_place(9), shown("00011d 0000000000000009")),
        (network::receipt_key(), shown("00011e")),
        (
            network::policy(PolicyId(3), PolicyVersion(2)),
            shown("00011f 0000000000000003 00000002"),
        ),
        (
            network::policy_version(PolicyId(3)),
            shown("000120 0000000000000003"),
        ),
        (network::policy_count(), shown("000121")),
        (network::policies_of(member), shown("000122 00000007")),
        (
            network::screening(ScreeningId(9)),
            shown("000123 0000000000000009"),
        ),
        (network::screening_count(), shown("000124")),
        (network::screenings_of(member), shown("000125 00000007")),
        (
            network::used_context(&ContextHash(bytes)),
            shown("000126") + &hex,
        ),
        (network::parameters_height(), shown("000127")),
        (network::beacon(), shown("000128")),
        (network::beacon_output(9), shown("000129 0000000000000009")),
        (network::paused_member(member), shown("00012a 00000007")),
        (network::account(member), shown("00012b 00000007")),
        (
            network::escrow(SessionId(3)),
            shown("00012c 0000000000000003"),
        ),
        (network::quota_key(member), shown("00012d 00000007")),
        (network::supervisor_key(), shown("00012e")),
        (network::quota_sum(), shown("00012f")),
        (network::served_sessions(member), shown("000146 00000007")),
        (
            network::dispute(DisputeId(9)),
            shown("000132 0000000000000009"),
        ),
        (network::dispute_count(), shown("000133")),
        (
            network::disputes(member, list),
            shown("000134 00000007 00000005"),
        ),
        (
            network::disputed(list, &subject(0xab)),
            shown("000135 00000005 ab") + &"00".repeat(31),
        ),
        (network::suspension(list), shown("000136 00000005")),
        (network::rating(member), shown("000137 00000007")),
        (
            network::rating_change(member, 9),
            shown("000138 00000007 0000000000000009"),
        ),
        (network::view(ViewId(9)), shown("00013c 0000000000000009")),
        (network::view_count(), shown("00013d")),
        (network::views_of(member), shown("00013e 00000007")),
        (
            network::disclosure(DisclosureId(9)),
            shown("00013f 0000000000000009"),
        ),
        (network::disclosure_count(), shown("000140")),
        (
            network::disclosures(member, Some(MemberId(6))),
            shown("000141 00000007 00000006"),
        ),
        (network::asked_calls(member), shown("000142 00000007")),
        (network::counted_date(), shown("000143")),
        (
            network::call_draw(BusinessDate(0)),
            shown("000144 0000000080000000"),
        ),
        (network::code_versions(), shown("000145")),
    ]
}

#[test]
fn keys_are_those_that_their_documentation_shows() {
    for (key, shown) in examples() {
        assert_eq!(key.to_string(), shown);
        assert!(key.as_bytes().len() <= MAX_KEY_BYTES);
    }
}

#[test]
fn every_table_has_an_example() {
    let registry = Registry::network();
    let modules = registry.modules().flat_map(|module| module.tables());
    let tables: BTreeSet<_> = kernel::TABLES
        .iter()
        .chain(modules)
        .map(|table| table.prefix().to_vec())
        .collect();
    let shown: BTreeSet<_> = examples()
        .iter()
        .map(|(key, _)| key.as_bytes()[..3].to_vec())
        .collect();
    assert_eq!(tables, shown);
}

#[test]
fn keys_sort_as_their_numbers_do() {
    let numbers = [0, 1, 255, 256, 65_536, u32::MAX];
    let keys: Vec<_> = numbers.map(|number| kernel::party(MemberId(number))).into();
    assert!(keys.is_sorted_by(|a, b| a < b));
}
