//! Which copies of the others' lists answer, which do not any more, and who is accused of it.

use std::time::Duration;

use crate::support::{self, Network, eventually, phone, phones, reader, spec};
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::MemberId;
use tacit_frontend::lists::{DraftMode, Progress};
use tacit_frontend::ports::{Ledger, LedgerError};
use tacit_frontend::screening::{Targets, Unreachable};
use tacit_frontend::snapshots::CopyState;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, AlarmReason, read as state};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_version_is_off_leaves_every_row_incomplete_and_its_copy_answers_no_more() {
    let network = Network::start(3).await;
    let off = network.publish(0, "accounts", &phones(0..20)).await;
    network.publish(1, "accounts", &phones(0..20)).await;
    let id = off.publication;
    // The ledger says so, whatever its owner would still answer.
    let action = Action::RevokeKey {
        list: id.list,
        tag_epoch: id.tag_epoch,
    };
    network.nodes[0]
        .ledger
        .submit(action)
        .await
        .expect("revoked");
    eventually("the copy answers no more", async || {
        let status = network.nodes[2].frontend.copy_status(id.list);
        status.held.is_none() && status.state == CopyState::Absent
    })
    .await;
    let screening = &network.nodes[2].frontend.screening;
    let (all, no_rows) = (Targets::default(), Default::default());
    let plan = screening.plan(&all, &no_rows).await.expect("a plan");
    assert_eq!(plan.lists.len(), 2);
    assert!(matches!(
        plan.lists[0].unreachable,
        Some(Unreachable::NoSession(LedgerError::Rejected(
            Reject::EPOCH_REVOKED
        )))
    ));
    // The other list says that the number is not listed, which does not make it clear.
    let screened = network.nodes[2].screen(&[phone(500)]).await;
    assert_eq!(screened.hits.len(), 1, "{screened:?}");
    let summary = &screened.summary;
    assert_eq!((summary.rows_incomplete, summary.rows_clear), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_never_in_force_is_not_waited_for() {
    let network = Network::start(3).await;
    network.publish(1, "accounts", &phones(0..20)).await;
    *network.chain.refuse.lock().expect("refuse") =
        Some(|action| matches!(action, Action::Attest { .. }));
    network.nodes[0]
        .publish("accounts", &phones(0..20), DraftMode::Replace)
        .await;
    let screened = network.nodes[2].screen(&[phone(500)]).await;
    assert_eq!(screened.summary.rows_clear, 1, "{screened:?}");
}

/// Three members, of whom the third cannot fetch the second version of the first one's list and could ask
/// about it.
async fn with_a_member_behind(grace_blocks: u32) -> (Network, VersionId) {
    let network = Network::start_with(
        3,
        |category, _| category.grace_blocks = grace_blocks,
        |config| config.copies.look_interval_ms = 100,
    )
    .await;
    let first = network.publish(0, "accounts", &phones(0..20)).await;
    let (away, here) = (MemberId(3), MemberId(1));
    let nobody = "127.0.0.1:1".parse().expect("an address");
    network.wires.route(away, here, nobody);
    let second = network.nodes[0]
        .publish("accounts", &phones(0..25), DraftMode::Replace)
        .await
        .publication;
    eventually("the second version is in force", async || {
        let lists = &network.nodes[0].frontend.lists;
        lists.is_active(second).await.expect("read") == Some(true)
    })
    .await;
    let own = network.nodes[0].folder.path().join("lists/own");
    for kind in ["snapshot", "delta"] {
        let name = format!(
            "{}-{}-{}.{kind}",
            second.list, second.tag_epoch, second.version
        );
        std::fs::remove_file(own.join(name)).expect("there");
    }
    let (address, server) = support::serve(&network.nodes[0].frontend, away).await;
    network.wires.route(away, here, address);
    // The server lives as long as the test's runtime.
    drop(server);
    assert_eq!(first.publication.list, second.list);
    (network, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_behind_is_no_copy_where_there_is_no_grace() {
    let (network, second) = with_a_member_behind(0).await;
    // Number 22 is listed since the second version; the first one would call it clear.
    let screened = network.nodes[2].screen(&[phone(22)]).await;
    assert!(screened.hits.is_empty(), "{screened:?}");
    let (reason, rows) = screened.answers[0].outcome.clone().expect_err("behind");
    assert!(matches!(reason, Unreachable::Local(_)), "{reason:?}");
    let reason = reason.to_string();
    assert!(
        reason.contains("version 0") || reason.contains("v0"),
        "{reason}"
    );
    assert_eq!(rows, [0]);
    assert_eq!(screened.summary.rows_incomplete, 1);
    eventually("its copy is known to be behind", async || {
        let status = network.nodes[2].frontend.copy_status(second.list);
        status.state == CopyState::Behind
    })
    .await;
    // Whoever attested it holds it.
    let screened = network.nodes[1].screen(&[phone(22)]).await;
    assert_eq!(screened.summary.rows_hit, 1, "{screened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_behind_answers_while_the_grace_lasts_and_no_longer() {
    let (network, _) = with_a_member_behind(60).await;
    let screened = network.nodes[2].screen(&[phone(3)]).await;
    assert_eq!(screened.summary.rows_hit, 1, "{screened:?}");
    network.chain.pass(61).await;
    let screened = network.nodes[2].screen(&[phone(3)]).await;
    assert!(screened.hits.is_empty(), "{screened:?}");
    assert_eq!(screened.summary.rows_incomplete, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_attested_a_version_answers_from_it_as_soon_as_it_is_in_force() {
    let network = Network::start_with(2, |category, _| category.grace_blocks = 0, |_| {}).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    for version in 1..12u32 {
        let spec = tacit_frontend::lists::ListSpec {
            new_tag_epoch: version % 4 == 0,
            reader: reader(),
            ..spec("accounts", DraftMode::Replace)
        };
        let lists = &network.nodes[0].frontend.lists;
        let mut draft = lists.draft(spec).await.expect("a draft");
        draft.push(&support::rows(&phones(0..20 + version)));
        let published = lists.publish(draft, Progress::default()).await;
        let id = published.expect("published").publication;
        while lists.is_active(id).await.expect("read") != Some(true) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let screened = network.nodes[1].screen(&[phone(19 + version)]).await;
        assert_eq!(screened.summary.rows_hit, 1, "{version} {screened:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_cut_off_itself_accuses_nobody() {
    let network = Network::start_with(
        3,
        |_, _| {},
        |config| config.copies.unavailable_alarm_ms = 300,
    )
    .await;
    network.publish(0, "accounts", &phones(0..20)).await;
    for member in [1, 2, 3] {
        network.wires.set_down(MemberId(member), true);
    }
    network.nodes[0]
        .publish("accounts", &phones(0..25), DraftMode::Replace)
        .await;
    let alarms = || {
        let alarms = network.chain.view(|view| state::alarms(view, 10));
        alarms.expect("a map")
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(alarms().is_empty(), "{:?}", alarms());
    // Where the others can be reached and the owner cannot, it is the owner.
    network.wires.set_down(MemberId(2), false);
    network.wires.set_down(MemberId(3), false);
    eventually("two members say so", async || alarms().len() == 2).await;
    assert!(alarms().iter().all(|alarm| {
        alarm.owner == MemberId(1) && alarm.reason == AlarmReason::SnapshotUnavailable
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_larger_than_this_member_allows_is_not_fetched() {
    let network = Network::start_with(
        2,
        |_, _| {},
        |config| config.copies.max_list_entries = 1_024,
    )
    .await;
    let small = network.publish(0, "accounts", &phones(0..1_000)).await;
    let list = small.publication.list;
    network.nodes[0]
        .publish("accounts", &phones(0..1_500), DraftMode::Replace)
        .await;
    eventually("it says why", async || {
        let reason = network.nodes[1].frontend.copy_status(list).reason;
        reason.is_some_and(|reason| reason.contains("2048"))
    })
    .await;
    // The version before is in force, and here.
    let screened = network.nodes[1].screen(&[phone(3)]).await;
    assert_eq!(screened.summary.rows_hit, 1, "{screened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoilt_copy_is_made_again_without_its_owner() {
    let mut network = Network::start(2).await;
    let id = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication;
    let name = format!("{}-{}-{}.tags", id.list, id.tag_epoch, id.version);
    let path = network.nodes[1]
        .folder
        .path()
        .join("lists/copies")
        .join(name);
    let mut bytes = std::fs::read(&path).expect("a copy");
    bytes[64 + 16 * 500] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    network.wires.set_down(MemberId(1), true);
    network.restart(1, |_| {}).await;
    network.wait_for(id).await;
}
