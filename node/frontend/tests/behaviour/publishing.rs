//! Lists from rows to copies at every member: versions, rotations, refusals, alarms.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{CATEGORY, Network, eventually, phone, phones, rows, spec};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::scope::{ListVersion, MemberId, TagEpoch};
use tacit_frontend::lists::{Difference, DraftMode, ListError, ListSpec, Progress, Stage};
use tacit_frontend::rows::{RawRow, RowRefusal};
use tacit_frontend::snapshots::CopyState;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, AlarmReason, EpochStatus, read as state};

#[tokio::test(flavor = "multi_thread")]
async fn what_would_change_is_shown_before_anything_does() {
    // No session is opened meanwhile: the height tells whether anything was changed.
    let quiet = |config: &mut tacit_frontend::FrontendConfig| config.screening.keep_warm = false;
    let network = Network::start_with(2, |_, _| {}, quiet).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let height = network.chain.height();
    let lists = &network.nodes[0].frontend.lists;
    let mut draft = lists
        .draft(spec("accounts", DraftMode::Replace))
        .await
        .expect("a draft");
    let mut numbers = phones(5..30);
    numbers.push(phone(5));
    numbers.push("+8613800000005".to_owned());
    numbers.push("12".to_owned());
    let rejected = draft.push(&rows(&numbers));
    assert_eq!(rejected.iter().map(|row| row.row).collect::<Vec<_>>(), [27]);
    let difference = draft.difference();
    let expected = Difference {
        new_list: false,
        rows_read: 28,
        rows_rejected: 1,
        rows_duplicate: 2,
        added: 10,
        removed: 5,
        unchanged: 15,
    };
    assert_eq!(difference, expected);
    assert_eq!(difference.entries(), 25);
    drop(draft);
    assert_eq!(network.chain.height(), height);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_adds_and_removes_what_it_says() {
    let network = Network::start(2).await;
    let first = network.publish(0, "accounts", &phones(0..20)).await;
    let lists = &network.nodes[0].frontend.lists;
    let mut draft = lists
        .draft(spec("accounts", DraftMode::Change))
        .await
        .expect("a draft");
    let row = |row: u64, number: u32, removes: bool| RawRow {
        row,
        kind: "phone".to_owned(),
        value: phone(number),
        removes,
    };
    let rejected = draft.push(&[row(0, 100, false), row(1, 3, true), row(2, 999, true)]);
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].reason, RowRefusal::NotListed);
    let second = lists
        .publish(draft, Progress::default())
        .await
        .expect("published");
    assert_eq!(second.publication.version, ListVersion(1));
    assert_eq!(second.publication.tag_epoch, TagEpoch(0));
    assert_eq!((second.size_class, second.entries), (first.size_class, 20));
    network.wait_for(second.publication).await;
    let screened = network.nodes[1].screen(&phones([3, 100, 4])).await;
    let list = second.publication.list;
    let hits: Vec<bool> = (0..3).map(|row| screened.hits[&(list, row)]).collect();
    assert_eq!(hits, [false, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_entries_again_are_nothing_to_publish() {
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let lists = &network.nodes[0].frontend.lists;
    let mut draft = lists
        .draft(spec("accounts", DraftMode::Replace))
        .await
        .expect("a draft");
    draft.push(&rows(&phones((0..20).rev())));
    let published = lists.publish(draft, Progress::default()).await;
    assert!(
        matches!(published, Err(ListError::NothingToPublish)),
        "{published:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_outgrows_its_class_fills_the_next() {
    let network = Network::start(2).await;
    let small = network.publish(0, "accounts", &phones(0..1_000)).await;
    assert_eq!(small.size_class.capacity(), 1_024);
    let large = network.publish(0, "accounts", &phones(0..1_500)).await;
    assert_eq!(large.size_class.capacity(), 2_048);
    assert_eq!(large.publication.version, ListVersion(1));
    let list = large.publication.list;
    let screened = network.nodes[1].screen(&phones([1_499, 1_500])).await;
    assert_eq!(
        (screened.hits[&(list, 0)], screened.hits[&(list, 1)]),
        (true, false)
    );
    let verified = network.nodes[1]
        .frontend
        .verify_copy(list)
        .await
        .expect("read");
    let verified = verified.expect("a copy");
    assert_eq!(
        (verified.tags, verified.root_rebuilt),
        (2_048, large.root.0)
    );
    assert_eq!(verified.root_on_ledger, large.root.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tag_epoch_changes_every_tag_and_no_answer() {
    let network = Network::start(2).await;
    let first = network.publish(0, "accounts", &phones(0..20)).await;
    let copy = |version| {
        let name = format!("{}-{version}.tags", first.publication.list);
        network.nodes[1]
            .folder
            .path()
            .join("lists/copies")
            .join(name)
    };
    let before = std::fs::read(copy("E0-v0")).expect("a copy");
    let rotate = ListSpec {
        new_tag_epoch: true,
        ..spec("accounts", DraftMode::Change)
    };
    let lists = &network.nodes[0].frontend.lists;
    let draft = lists.draft(rotate).await.expect("a draft");
    let second = lists
        .publish(draft, Progress::default())
        .await
        .expect("published");
    assert_eq!(second.publication.tag_epoch, TagEpoch(1));
    network.wait_for(second.publication).await;
    let after = std::fs::read(copy("E1-v0")).expect("a copy");
    let tags = |bytes: &[u8]| -> BTreeSet<Vec<u8>> {
        bytes[64..].chunks(16).map(<[u8]>::to_vec).collect()
    };
    assert_eq!(tags(&before).len(), 1_024);
    assert!(tags(&before).is_disjoint(&tags(&after)));
    let screened = network.nodes[1].screen(&phones([3, 300])).await;
    let list = second.publication.list;
    assert_eq!(
        (screened.hits[&(list, 0)], screened.hits[&(list, 1)]),
        (true, false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_an_ended_epoch_is_destroyed() {
    let network = Network::start_with(
        2,
        |_, parameters| parameters.settlement_window_blocks = 5,
        |_| {},
    )
    .await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let rotate = ListSpec {
        new_tag_epoch: true,
        ..spec("accounts", DraftMode::Change)
    };
    let frontend = &network.nodes[0].frontend;
    let draft = frontend.lists.draft(rotate).await.expect("a draft");
    let second = frontend
        .lists
        .publish(draft, Progress::default())
        .await
        .expect("published");
    network.wait_for(second.publication).await;
    network.chain.pass(10).await;
    eventually("the first key is gone", async || {
        let epochs = frontend.store().own_epochs_with_key(1).await.expect("read");
        epochs == [TagEpoch(1)]
    })
    .await;
    // Nobody needs what was served and listed in that epoch.
    eventually("the first version is gone", async || {
        let own = network.nodes[0].folder.path().join("lists/own");
        let files = std::fs::read_dir(own).expect("a folder");
        let names = files.map(|file| file.expect("a file").file_name());
        let names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let again = frontend.store().forget_entries_before(1, TagEpoch(1)).await;
        names == ["L1-E1-v0.snapshot"] && again.expect("executes") == 0
    })
    .await;
    let versions = frontend.store().own_versions(1).await.expect("read");
    let first = frontend.store().own_changes(1, &versions[0]).await;
    assert!(first.is_err(), "what was listed is deleted");
    let next = network.publish(0, "accounts", &phones(0..21)).await;
    assert_eq!(next.publication.tag_epoch, TagEpoch(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_answers_no_more_and_the_list_goes_on_under_a_new_one() {
    let network = Network::start(2).await;
    let first = network.publish(0, "accounts", &phones(0..20)).await;
    let list = first.publication.list;
    network.nodes[0]
        .frontend
        .lists
        .revoke_key("accounts")
        .await
        .expect("revoked");
    let screened = network.nodes[1].screen(&phones(0..1)).await;
    assert!(screened.hits.is_empty(), "{screened:?}");
    let second = network.publish(0, "accounts", &phones(0..21)).await;
    assert_eq!(second.publication.tag_epoch, TagEpoch(1));
    let screened = network.nodes[1].screen(&phones(20..21)).await;
    assert!(screened.hits[&(list, 0)], "{screened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn to_revoke_a_key_ends_the_epoch_in_force_and_not_the_one_that_replaces_it() {
    let network = Network::start(2).await;
    let first = network.publish(0, "accounts", &phones(0..20)).await;
    let list = first.publication.list;
    let refuse = network.chain.refuse.lock();
    *refuse.expect("refuse") = Some(|action| matches!(action, Action::Attest { .. }));
    let rotate = ListSpec {
        new_tag_epoch: true,
        ..spec("accounts", DraftMode::Change)
    };
    let lists = &network.nodes[0].frontend.lists;
    let draft = lists.draft(rotate).await.expect("a draft");
    let second = lists.publish(draft, Progress::default()).await;
    let second = second.expect("published").publication;
    lists.revoke_key("accounts").await.expect("revoked");
    let status = |tag_epoch| {
        let epoch = network
            .chain
            .view(|view| state::epoch(view, list, tag_epoch));
        epoch.expect("a map").expect("an epoch").status
    };
    assert!(matches!(status(TagEpoch(0)), EpochStatus::Revoked { .. }));
    assert_eq!(status(TagEpoch(1)), EpochStatus::Registered);
    let keys = network.nodes[0].frontend.store().own_epochs_with_key(1);
    assert_eq!(keys.await.expect("read"), [TagEpoch(1)]);
    *network.chain.refuse.lock().expect("refuse") = None;
    network.wait_for(second).await;
    let screened = network.nodes[1].screen(&phones(3..4)).await;
    assert!(screened.hits[&(list, 0)], "{screened:?}");
    // One that waits, or is over, is ended where it is named.
    lists
        .revoke_epoch("accounts", TagEpoch(1))
        .await
        .expect("revoked");
    assert!(matches!(status(TagEpoch(1)), EpochStatus::Revoked { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_list_is_asked_no_more() {
    let network = Network::start(2).await;
    let list = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    network.nodes[0]
        .frontend
        .lists
        .withdraw("accounts")
        .await
        .expect("withdrawn");
    let screened = network.nodes[1].screen(&phones(0..1)).await;
    assert!(screened.answers.is_empty(), "{screened:?}");
    eventually("the copy is gone", async || {
        network.nodes[1].frontend.copy_status(list).state == CopyState::Absent
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_stands_with_the_category_and_types_it_was_made_with() {
    let network = Network::start(2).await;
    let lists = &network.nodes[0].frontend.lists;
    let nameless = ListSpec {
        category: None,
        ..spec("new", DraftMode::Replace)
    };
    assert!(matches!(
        lists.draft(nameless).await,
        Err(ListError::SpecIncomplete(_))
    ));
    network.publish(0, "accounts", &phones(0..20)).await;
    let others = ListSpec {
        accepts: vec![IdentifierType::Email],
        ..spec("accounts", DraftMode::Replace)
    };
    assert!(matches!(
        lists.draft(others).await,
        Err(ListError::SpecDiffers(_))
    ));
    let silent = ListSpec {
        category: None,
        accepts: Vec::new(),
        ..spec("accounts", DraftMode::Replace)
    };
    let mut draft = lists.draft(silent).await.expect("a draft");
    let mail = RawRow {
        row: 9,
        kind: "email".to_owned(),
        value: "a@example.org".to_owned(),
        removes: false,
    };
    let rejected = draft.push(&[mail]);
    assert_eq!(
        rejected[0].reason,
        RowRefusal::TypeNotAccepted(IdentifierType::Email)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_drafts_of_one_version_the_second_is_outdated() {
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let lists = &network.nodes[0].frontend.lists;
    let mut one = lists
        .draft(spec("accounts", DraftMode::Change))
        .await
        .expect("a draft");
    let mut two = lists
        .draft(spec("accounts", DraftMode::Change))
        .await
        .expect("a draft");
    one.push(&rows(&phones(100..101)));
    two.push(&rows(&phones(200..201)));
    lists
        .publish(one, Progress::default())
        .await
        .expect("published");
    let second = lists.publish(two, Progress::default()).await;
    assert!(matches!(second, Err(ListError::Outdated)), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_heard_for_every_stage() {
    let network = Network::start(2).await;
    let lists = &network.nodes[0].frontend.lists;
    let mut draft = lists
        .draft(spec("accounts", DraftMode::Replace))
        .await
        .expect("a draft");
    draft.push(&rows(&phones(0..2_000)));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let most = Arc::new(AtomicU64::new(0));
    let (stages, tags) = (heard.clone(), most.clone());
    let progress = Progress::to(move |stage, done, total| {
        stages.lock().expect("heard").push(stage);
        if stage == Stage::MakingTags {
            assert_eq!(total, 2_048);
            tags.fetch_max(done, Ordering::Relaxed);
        }
    });
    lists.publish(draft, progress).await.expect("published");
    let heard = heard.lock().expect("heard");
    for stage in [
        Stage::MakingTags,
        Stage::BuildingTree,
        Stage::WritingSnapshot,
        Stage::Submitting,
    ] {
        assert!(heard.contains(&stage), "{stage:?}");
    }
    assert_eq!(most.load(Ordering::Relaxed), 2_048);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_does_not_rebuild_raises_an_alarm_and_never_counts() {
    let network = Network::start(3).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    // The owner's disk holds something else than what it published, from the first byte that is served.
    *network.chain.refuse.lock().expect("refuse") =
        Some(|action| matches!(action, Action::Attest { .. }));
    network.wires.set_down(MemberId(1), true);
    let second = network.nodes[0]
        .publish("accounts", &phones(0..25), DraftMode::Replace)
        .await;
    let own = network.nodes[0].folder.path().join("lists/own");
    let id = second.publication;
    let name = |kind| {
        own.join(format!(
            "{}-{}-{}.{kind}",
            id.list, id.tag_epoch, id.version
        ))
    };
    std::fs::remove_file(name("delta")).expect("a delta");
    let mut bytes = std::fs::read(name("snapshot")).expect("a snapshot");
    // Another tag in the middle of the list: still a snapshot, and of another root.
    let place = 48 + 16 * 500;
    bytes[place] ^= 1;
    std::fs::write(name("snapshot"), bytes).expect("written");
    *network.chain.refuse.lock().expect("refuse") = None;
    network.wires.set_down(MemberId(1), false);
    eventually("two alarms stand on the ledger", async || {
        let alarms = network
            .chain
            .view(|view| state::alarms(view, 10))
            .expect("a map");
        alarms.len() == 2
    })
    .await;
    let alarms = network
        .chain
        .view(|view| state::alarms(view, 10))
        .expect("a map");
    assert!(alarms.iter().all(|alarm| alarm.owner == MemberId(1)
        && alarm.publication == id
        && alarm.reason == AlarmReason::RootMismatch));
    assert_eq!(
        network.nodes[0]
            .frontend
            .lists
            .is_active(id)
            .await
            .expect("read"),
        Some(false)
    );
    let status = network.nodes[1].frontend.copy_status(id.list);
    assert_eq!(status.state, CopyState::Refused(AlarmReason::RootMismatch));
    // The version before still answers.
    let screened = network.nodes[1].screen(&phones([3, 22])).await;
    assert_eq!(
        (screened.hits[&(id.list, 0)], screened.hits[&(id.list, 1)]),
        (true, false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_transfer_goes_on_where_it_was() {
    let network = Network::start(2).await;
    network.wires.set_down(MemberId(1), true);
    let published = network.nodes[0]
        .publish("accounts", &phones(0..5_000), DraftMode::Replace)
        .await;
    let id = published.publication;
    let name = format!("{}-{}-{}", id.list, id.tag_epoch, id.version);
    let own = network.nodes[0]
        .folder
        .path()
        .join("lists/own")
        .join(format!("{name}.snapshot"));
    let bytes = std::fs::read(own).expect("a snapshot");
    let incoming = network.nodes[1].folder.path().join("lists/incoming");
    std::fs::write(incoming.join(format!("{name}.full")), &bytes[..40_000]).expect("written");
    network.wires.set_down(MemberId(1), false);
    network.wait_for(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spoilt_here_accuses_nobody() {
    let network = Network::start(2).await;
    network.wires.set_down(MemberId(1), true);
    let published = network.nodes[0]
        .publish("accounts", &phones(0..5_000), DraftMode::Replace)
        .await;
    let id = published.publication;
    let name = format!("{}-{}-{}.full", id.list, id.tag_epoch, id.version);
    let incoming = network.nodes[1].folder.path().join("lists/incoming");
    std::fs::write(incoming.join(name), vec![7; 40_000]).expect("written");
    network.wires.set_down(MemberId(1), false);
    network.wait_for(id).await;
    let alarms = network
        .chain
        .view(|view| state::alarms(view, 10))
        .expect("a map");
    assert!(alarms.is_empty(), "{alarms:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_attests_a_publication_once_and_never_one_of_its_group() {
    let network = Network::start(2).await;
    let published = network.publish(0, "accounts", &phones(0..20)).await;
    let attested = network
        .chain
        .view(|view| state::publication(view, published.publication))
        .expect("a map")
        .expect("published");
    assert_eq!(attested.attestations.len(), 1);
    let log = network.chain.log.lock().expect("log");
    let refused = log.iter().filter(|(_, _, outcome)| {
        matches!(
            outcome,
            tacit_ledger::kernel::Outcome::Rejected(Reject::OWN_GROUP)
        )
    });
    assert_eq!(refused.count(), 0);
    assert_eq!(CATEGORY.0, 1);
}
