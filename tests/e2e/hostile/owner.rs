//! Dogwood as the owner of lists that are not what it publishes, and the limits that a vote sets to asking.

use serde_json::Value;
use tacit_circuits::scope::ListId;
use tacit_proto::operator::{Alarm, AlarmsRequest};

use super::lists::{DraftList, parts};
use super::serve::FrontEnd;
use super::{DOGWOOD_ID, Dogwood, start};
use crate::consortium::{CLEAR, Consortium, HIT, INCOMPLETE, answers, eventually, phone, phones};

/// After how long a list that its owner does not serve is complained of, in these tests.
const UNAVAILABLE_ALARM_MS: u32 = 1_000;

/// Blocks that a false publication is watched for after all have complained of it.
const WATCHED_BLOCKS: u64 = 20;

#[test]
fn a_list_that_is_not_what_was_published_is_never_in_force_and_its_owner_is_named() {
    let (network, dogwood) = start(|network| {
        for index in 0..super::DOGWOOD {
            let line = format!("unavailable_alarm_ms = {UNAVAILABLE_ALARM_MS}");
            network.configure(index, "unavailable_alarm_ms = 600000", &line);
        }
    });
    let front_end = FrontEnd::default();
    let served = front_end.open(&dogwood);
    let honest = DraftList::create(&dogwood, "honest");
    let tree = honest.tree(&phones(0..20));
    front_end.put(honest.id, &honest.key, parts(&tree));
    honest.publish(&dogwood, &tree);
    network.wait_copy(0, u64::from(honest.list().0));

    let false_lists = [
        publish_another_tree(&dogwood, &front_end),
        publish_garbage(&dogwood, &front_end),
        publish_too_much(&dogwood, &front_end),
        publish_nothing(&dogwood),
    ];
    for (list, kind) in false_lists {
        eventually(&format!("all complain: {kind}"), || {
            let alarms = alarms(&network);
            let about = alarms.iter().filter(|alarm| of(alarm) == list.0);
            let mut raised: Vec<u32> = about
                .inspect(|alarm| {
                    assert_eq!((alarm.kind.as_str(), alarm.about), (kind, DOGWOOD_ID.0))
                })
                .map(|alarm| alarm.raised_by)
                .collect();
            raised.sort_unstable();
            raised == [1, 2, 3]
        });
    }
    let height = network.height(0);
    eventually("blocks pass", || {
        network.height(0) > height + WATCHED_BLOCKS
    });
    for (list, kind) in false_lists {
        let shown = network.ask(0, &["list", "show", &list.0.to_string()]);
        let publication = &shown["publications"][0];
        assert_eq!(publication["state"], "pending", "{kind}: {shown}");
        assert_eq!(publication["attesters"], Value::Array(vec![]), "{kind}");
    }
    // Only the honest one is asked, and no alarm is about it.
    let rows = network.screen(0, &[&phone(3)], &[]);
    assert_eq!(
        answers(&rows[0]),
        [(u64::from(honest.list().0), "hit".into())]
    );
    assert!(
        alarms(&network)
            .iter()
            .all(|alarm| of(alarm) != honest.list().0)
    );
    drop(served);

    asking_ends_at_the_cap(&network);
    asking_ends_with_the_quota(&network);
}

/// A snapshot that is one, of another tree than the published one.
fn publish_another_tree(dogwood: &Dogwood, front_end: &FrontEnd) -> (ListId, &'static str) {
    let draft = DraftList::create(dogwood, "another tree");
    let (published, served) = (draft.tree(&phones(0..20)), draft.tree(&phones(0..21)));
    front_end.put(draft.id, &draft.key, parts(&served));
    draft.publish(dogwood, &published);
    (draft.list(), "snapshot-mismatch")
}

/// Bytes that are no snapshot.
fn publish_garbage(dogwood: &Dogwood, front_end: &FrontEnd) -> (ListId, &'static str) {
    let draft = DraftList::create(dogwood, "garbage");
    front_end.put(draft.id, &draft.key, vec![vec![0xee; 10_000]]);
    draft.publish(dogwood, &draft.tree(&phones(0..20)));
    (draft.list(), "snapshot-malformed")
}

/// Sixteen times what a list of its size has.
fn publish_too_much(dogwood: &Dogwood, front_end: &FrontEnd) -> (ListId, &'static str) {
    let draft = DraftList::create(dogwood, "too much");
    let tree = draft.tree(&phones(0..20));
    let much = std::iter::repeat_n(parts(&tree), 16).flatten().collect();
    front_end.put(draft.id, &draft.key, much);
    draft.publish(dogwood, &tree);
    (draft.list(), "snapshot-malformed")
}

/// Nothing at all.
fn publish_nothing(dogwood: &Dogwood) -> (ListId, &'static str) {
    let draft = DraftList::create(dogwood, "nothing");
    draft.publish(dogwood, &draft.tree(&phones(0..20)));
    (draft.list(), "snapshot-unavailable")
}

fn of(alarm: &Alarm) -> u32 {
    alarm.list.as_ref().expect("a list").list_id
}

/// The alarms on the ledger, as alder's node lists them.
fn alarms(network: &Consortium) -> Vec<Alarm> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut node = network.operator(0).await;
        let listed = node.alarms(AlarmsRequest::default()).await;
        listed.expect("alarms").into_inner().alarms
    })
}

/// Calls that birch's books say it has served.
fn served(network: &Consortium) -> usize {
    eventually("birch has settled", || {
        network.ask(1, &["status"])["calls_waiting"] == 0
    });
    let served = ["history", "--served", "--output", "json"];
    network.expect(1, &served, &[CLEAR]).out.lines().count()
}

fn asking_ends_at_the_cap(network: &Consortium) {
    let list = publish_in(network, "spam", "marketing-abuse");
    let numbers: Vec<String> = (0..5).map(phone).collect();
    let rows = screen(network, list, &numbers, HIT);
    assert!(
        rows.iter()
            .all(|row| answers(row) == [(list, "hit".into())])
    );
    // With their padding the five are eight, and so many were made today.
    let name = "marketing-abuse.daily_cap_calls";
    network.decide(&["network", "propose-parameter", name, "8"]);
    let before = served(network);
    let refused = screen(network, list, &numbers[..1], INCOMPLETE);
    let why = refused[0]["answers"][0]["reason"].as_str();
    assert!(
        why.is_some_and(|why| why.contains("(reject 235)")),
        "{why:?}"
    );
    assert_eq!(served(network), before, "nothing was evaluated");
}

fn asking_ends_with_the_quota(network: &Consortium) {
    // At the highest price there is, what alder's 100,000 quota leave beside the deposit lasts for 18 calls. Voted
    // before there is a list, so that no session is open at another price.
    let name = "high-risk-account.price_minor";
    network.decide(&["network", "propose-parameter", name, "4294967"]);
    let list = publish_in(network, "mules", "high-risk-account");
    let before = served(network);
    let numbers: Vec<String> = (0..30).map(phone).collect();
    let refused = screen(network, list, &numbers, INCOMPLETE);
    for row in &refused {
        assert_eq!(answers(row), [(list, "unreachable".into())]);
        let why = row["answers"][0]["reason"].as_str();
        assert!(
            why.is_some_and(|why| why.contains("minor units of quota are needed")),
            "{why:?}"
        );
    }
    assert_eq!(served(network), before, "nothing was evaluated");
    // What the quota covers is answered.
    let rows = screen(network, list, &numbers[..2], HIT);
    assert!(
        rows.iter()
            .all(|row| answers(row) == [(list, "hit".into())])
    );
}

fn publish_in(network: &Consortium, name: &str, category: &str) -> u64 {
    let published = network.publish_in(1, name, category, &phones(0..20));
    published["list_id"].as_u64().expect("a number")
}

fn screen(network: &Consortium, list: u64, numbers: &[String], code: i32) -> Vec<Value> {
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    network.screen_to_end(0, &numbers, &["--list", &list.to_string()], &[code])
}
