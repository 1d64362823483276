//! Institutions that join late, validators that come and go, certificates that are renewed.

use tacit_node::setup::card::CardRole;

use crate::consortium::{CLEAR, COULD_NOT_RUN, Consortium, answers, eventually, phone, phones};

/// Blocks that the founders keep in the test of a late joiner: at most 16 seconds' worth.
const KEEP_BLOCKS: u64 = 64;

#[test]
fn an_institution_joins_by_vote_from_a_state_whose_early_blocks_nobody_keeps() {
    let mut network = Consortium::laid_out();
    for founder in 0..4 {
        let keep = format!("keep_blocks = {KEEP_BLOCKS}");
        network.configure(founder, "keep_blocks = 0", &keep);
    }
    network.start_all();
    network.publish(1, "cheats", &phones(0..50));
    let joiner = network.add_folder("elder", CardRole::Member);
    network.configure(joiner, "state_sync = false", "state_sync = true");
    eventually("the first block is pruned everywhere", || {
        // Blocks are kept in files of 256, and come faster while there is something to settle.
        for number in 0..5 {
            network.screen(0, &[&phone(number)], &[]);
        }
        (0..4).all(|founder| network.tacit(founder, &["ledger", "block", "1"]).code != CLEAR)
    });

    let card = network.node(joiner).folder.join("card.toml");
    network.decide(&[
        "member",
        "propose-add",
        "--card",
        card.to_str().expect("a path"),
    ]);
    network.start_node(joiner, &[]);
    network.wait_ready(joiner);
    assert!(
        network
            .log(joiner)
            .contains("looking for a recent block to join from"),
        "it did not join by state sync"
    );
    let early = network.tacit(joiner, &["ledger", "block", "1"]);
    assert_ne!(
        early.code, CLEAR,
        "it cannot have the first block: {early:?}"
    );

    // It asks like any other, and is asked.
    network.wait_copy(joiner, 1);
    let rows = network.screen(joiner, &[&phone(7), &phone(70)], &[]);
    assert_eq!(answers(&rows[0]), [(1, "hit".into())]);
    assert_eq!(answers(&rows[1]), [(1, "clear".into())]);
    network.publish(joiner, "own", &phones(60..80));
    let rows = network.screen(0, &[&phone(70)], &["--member", "6"]);
    assert_eq!(answers(&rows[0]), [(2, "hit".into())]);
}

#[test]
fn a_validator_is_added_and_one_removed_while_the_ledger_runs() {
    let mut network = Consortium::start();
    let joiner = network.add_folder("elder", CardRole::Member);
    let card = network.node(joiner).folder.join("card.toml");
    network.decide(&[
        "member",
        "propose-add",
        "--card",
        card.to_str().expect("a path"),
    ]);
    network.start_node(joiner, &[]);
    network.wait_ready(joiner);
    // A card asks to validate; whether it does is for the members to say.
    let member = network.ask(joiner, &["status"])["member_id"]
        .as_u64()
        .expect("a number");
    if network.ask(joiner, &["status"])["validator"] != true {
        network.decide(&["member", "propose-validator", &member.to_string()]);
    }
    eventually("five validate", || {
        network.ask(joiner, &["status"])["validators"] == 5
    });
    // With five, one may be missing; with the fourth removed, the newcomer's vote is needed.
    network.decide(&["member", "propose-validator", "4", "--off"]);
    eventually("four validate", || {
        network.ask(0, &["status"])["validators"] == 4
    });
    assert_eq!(network.ask(3, &["status"])["validator"], false);
    network.kill(2);
    let height = network.height(0);
    eventually("three of the four go on, the newcomer among them", || {
        network.height(0) > height + 10
    });
    // The removed one still follows, and is served.
    eventually("the former validator follows", || {
        network.height(3) > height + 5
    });

    // Whoever knows the genesis alone verifies what the validators of now have signed.
    let bundle = network.path("member.proof");
    let bundle = bundle.to_str().expect("a path");
    let record = format!("member/{member}");
    let prove = ["ledger", "prove", "--record", &record, "--out", bundle];
    network.expect(joiner, &prove, &[CLEAR]);
    let genesis = network.node(joiner).folder.join("genesis.bin");
    let genesis = genesis.to_str().expect("a path");
    let verify = ["ledger", "verify", bundle, "--genesis", genesis];
    network.expect(joiner, &verify, &[CLEAR]);
    let mut altered = std::fs::read(bundle).expect("a bundle");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    std::fs::write(bundle, altered).expect("written");
    network.expect(joiner, &verify, &[COULD_NOT_RUN]);
}

#[test]
fn a_certificate_is_renewed_without_a_restart_and_the_old_one_is_refused() {
    let network = Consortium::start();
    network.publish(1, "cheats", &phones(0..50));
    network.publish(0, "own", &phones(0..50));
    assert_eq!(
        answers(&network.screen(1, &[&phone(7)], &[])[0]),
        [(2, "hit".into())]
    );

    let certs = network.node(1).folder.join("certs");
    let before = network.ask(0, &["member", "show", "2"])["certificate_spki_sha256"].clone();
    let old = network.path("old-certificate");
    std::fs::create_dir(&old).expect("a folder");
    for file in ["peer.pem", "peer.key.pem"] {
        std::fs::copy(certs.join(file), old.join(file)).expect("copied");
    }
    let renewed = network.tacit(
        1,
        &[
            "certs",
            "renew",
            "--dir",
            certs.to_str().expect("a path"),
            "--institution",
            "birch",
            "--host",
            "127.0.0.1",
        ],
    );
    assert_eq!(renewed.code, CLEAR, "{renewed:?}");
    eventually("the ledger has the new key", || {
        network.ask(0, &["member", "show", "2"])["certificate_spki_sha256"] != before
    });
    // Both directions go on: as the one who asks and as the one who is asked.
    eventually("it asks under the new certificate", || {
        answers(&network.screen(1, &[&phone(8)], &[])[0]) == [(2, "hit".into())]
    });
    eventually("it answers under the new certificate", || {
        answers(&network.screen(0, &[&phone(8)], &[])[0]) == [(1, "hit".into())]
    });
    let refused = crate::wire::shake_hands(&network, 0, &old);
    assert!(refused.is_err(), "the withdrawn certificate is accepted");
    // Whoever is refused may hear of it before the line is written.
    eventually("the refusal is logged", || {
        network.log(0).contains("withdrawn")
    });
}
