//! Nodes that are killed, and networks with too few of them.

use std::time::Duration;

use crate::consortium::{
    CLEAR, Consortium, FOUNDERS, HIT, INCOMPLETE, PATIENCE, SCREEN, answers, eventually, phone,
    phones,
};

#[test]
fn a_killed_member_is_reported_unreachable_and_answers_again_when_it_is_back() {
    let mut network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    network.publish(2, "cheats", &phones(25..75));
    let (listed, other) = (phone(30), phone(80));

    let rows = network.screen(0, &[&listed, &other], &[]);
    assert_eq!(answers(&rows[0]), [(1, "hit".into()), (2, "hit".into())]);
    assert_eq!(
        answers(&rows[1]),
        [(1, "clear".into()), (2, "clear".into())]
    );

    network.kill(1);
    network.screen_to_end(
        0,
        &[&other],
        &["--answer-timeout-ms", "1000"],
        &[INCOMPLETE],
    );
    let rows = network.screen(0, &[&listed], &["--answer-timeout-ms", "1000"]);
    assert_eq!(
        answers(&rows[0]),
        [(1, "unreachable".into()), (2, "hit".into())]
    );
    // Three of four go on.
    let before = network.height(0);
    eventually("the ledger goes on", || network.height(0) > before + 2);

    network.start_node(1, &[]);
    network.wait_ready(1);
    network.wait_copy(1, 2);
    eventually("it answers again", || {
        let rows = network.screen(0, &[&listed, &other], &[]);
        answers(&rows[0]) == [(1, "hit".into()), (2, "hit".into())]
            && answers(&rows[1]) == [(1, "clear".into()), (2, "clear".into())]
    });
}

#[test]
fn two_of_four_down_halt_the_ledger_and_one_that_returns_lets_it_go_on() {
    let mut network = Consortium::start();
    network.publish(1, "cheats", &phones(0..20));
    network.kill(2);
    network.kill(3);
    // What was under way may still become final.
    std::thread::sleep(Duration::from_secs(2));
    let halted = network.height(0);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(network.height(0), halted, "two of four cannot agree");
    assert_eq!(
        network.height(1),
        halted,
        "and they stand at the same height"
    );
    let proven = network.ask(0, &["ledger", "block", &halted.to_string()]);
    let other = network.ask(1, &["ledger", "block", &halted.to_string()]);
    assert_eq!(proven["block_hash"], other["block_hash"]);

    network.start_node(3, &[]);
    network.wait_ready(3);
    eventually("the ledger goes on", || network.height(0) > halted + 2);
    let again = network.ask(3, &["ledger", "block", &halted.to_string()]);
    assert_eq!(again["block_hash"], proven["block_hash"], "one chain");
    let rows = network.screen(0, &[&phone(5)], &[]);
    assert_eq!(answers(&rows[0]), [(1, "hit".into())]);
}

/// Points between evaluation, local write, answer and finality, at a provider.
const PROVIDER_POINTS: [&str; 4] = [
    "before-served-write",
    "before-answer",
    "before-post",
    "before-settled-write",
];

/// Points between signature, local write, sending and answer, at a querier.
const QUERIER_POINTS: [&str; 4] = [
    "before-asked-write",
    "before-send",
    "before-answer-write",
    "before-hand-over",
];

#[test]
fn a_provider_that_dies_between_any_two_steps_loses_no_call() {
    let mut network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    for point in PROVIDER_POINTS {
        network.stop(1);
        network.start_node(1, &[("TACIT_TEST_ABORT_AT", point)]);
        network.wait_ready(1);
        // On a busy machine a question may not come to the provider in time: then it is asked another one.
        let mut said = Vec::new();
        let ended = (0..PATIENCE.as_secs() / 10).any(|_| {
            let rows = network.screen(0, &[&phone(7)], &["--answer-timeout-ms", "2000"]);
            said = answers(&rows[0]);
            network.has_ended(1, Duration::from_secs(10))
        });
        assert!(ended, "{point}: the provider still runs");
        network.start_node(1, &[]);
        network.wait_ready(1);
        // An answer that was given is right; one that was not is given when it is asked again.
        assert!(
            said == [(1, "hit".into())] || said == [(1, "unreachable".into())],
            "{point}: {said:?}"
        );
        eventually("it answers again", || {
            answers(&network.screen(0, &[&phone(7)], &[])[0]) == [(1, "hit".into())]
        });
        settled(&network, point);
    }
}

#[test]
fn a_querier_that_dies_between_any_two_steps_loses_no_call() {
    let mut network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    for point in QUERIER_POINTS {
        network.stop(0);
        network.start_node(0, &[("TACIT_TEST_ABORT_AT", point)]);
        network.wait_ready(0);
        let said = network.tacit(0, &[&SCREEN[..], &[&phone(7)]].concat());
        assert!(
            ![CLEAR, HIT].contains(&said.code),
            "{point}: a node that died gave an answer: {said:?}"
        );
        network.wait_ended(0);
        network.start_node(0, &[]);
        network.wait_ready(0);
        eventually("it answers again", || {
            answers(&network.screen(0, &[&phone(7)], &[])[0]) == [(1, "hit".into())]
        });
        settled(&network, point);
    }
}

/// Price of a call to the list of these tests.
const PRICE_MINOR: u64 = 1_000;

/// Waits until both sides' books say the same: every call that the provider served, and no other, is on the
/// ledger as one that the querier asked, and paid for once the provider collected it.
fn settled(network: &Consortium, point: &str) {
    eventually(&format!("{point}: every answered call is final"), || {
        network.ask(1, &["status"])["calls_waiting"] == 0
    });
    // Each node writes its books at its own pace.
    eventually(&format!("{point}: what is spent was earned"), || {
        let served = ["history", "--served", "--output", "json"];
        let served = network.expect(1, &served, &[CLEAR]);
        let charged = served.out.lines().count() as u64 * PRICE_MINOR;
        let spent = network.ask(0, &["quota"]);
        let earned = network.ask(1, &["quota"]);
        spent["spent_minor"] == charged && earned["earned_minor"] == charged
    });
}

#[test]
fn nodes_killed_at_random_moments_lose_no_list_and_no_final_block() {
    let mut network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    network.publish(2, "cheats", &phones(0..50));
    for round in 0..6usize {
        let victim = round % 4;
        let asker = (victim + 1) % 4;
        // Under load, killed while it answers or asks.
        let numbers = [phone(1), phone(60)];
        let mut load =
            network.command(victim, &[&SCREEN[..], &[&numbers[0], &numbers[1]]].concat());
        let load = load
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn();
        std::thread::sleep(Duration::from_millis(10 + 37 * round as u64));
        let height = network.height(asker);
        let block = network.ask(asker, &["ledger", "block", &height.to_string()]);
        network.kill(victim);
        load.expect("it ran").wait().expect("it ends");
        network.start_node(victim, &[]);
        network.wait_ready(victim);
        eventually("it has every final block", || {
            network.height(victim) >= height
        });
        let again = network.ask(victim, &["ledger", "block", &height.to_string()]);
        assert_eq!(again["block_hash"], block["block_hash"]);
    }
    for index in 0..FOUNDERS.len() - 1 {
        let rows = network.screen(index, &[&phone(1)], &[]);
        let expected = match index {
            1 => vec![(2, "hit".into())],
            2 => vec![(1, "hit".into())],
            _ => vec![(1, "hit".into()), (2, "hit".into())],
        };
        assert_eq!(answers(&rows[0]), expected);
    }
}
