//! What an institution keeps of its calls: shown to its own people, copied to a custodian who opens it without the
//! institution, held, and destroyed when its time is over.

use std::path::{Path, PathBuf};

use rand_core::OsRng;
use sqlx::{AnyConnection, Connection};
use tacit_sealing::BatchName;
use tacit_sealing::custodian::{Copies, Copy, read_private, seal_copy};

use crate::consortium::{CLEAR, COULD_NOT_RUN, Consortium, Said, eventually, phone, phones};

/// Months by which rows are made older than they are: longer than records are kept.
const AGED_MONTHS: u32 = 120;

struct Story {
    network: Consortium,
    /// The call that was made.
    call: String,
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Runs a command as somebody with no node and no profile.
fn elsewhere(network: &Consortium, arguments: &[&str]) -> Said {
    let mut command = std::process::Command::new(crate::consortium::TACIT);
    command.args(arguments).env_remove("TACIT_PROFILE");
    command.env("HOME", network.path("nowhere"));
    let output = command.output().expect("it runs");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Story {
    fn told() -> Self {
        let mut network = Consortium::laid_out();
        let (public, private) = (network.path("custodian.keys"), network.path("private"));
        let keys = [
            "audit",
            "custodian",
            "keys",
            "--public",
            text(&public),
            "--private",
            text(&private),
            "--class",
            "standard",
            "--months",
            "2",
        ];
        let made = elsewhere(&network, &keys);
        assert_eq!(made.code, CLEAR, "{made:?}");
        let folder = "custodian_folder = \"custodian\"";
        let with_keys = format!("custodian_keys_file = \"{}\"\n{folder}", text(&public));
        network.configure(0, folder, &with_keys);
        network.start_all();
        network.publish(1, "cheats", &phones(0..50));
        network.screen(0, &[&phone(7)], &["--case", "LOAN-1", "--wait-final"]);
        let asked = network.ask(0, &["history", "--asked"]);
        let part = |name: &str| asked[name].as_u64().expect("a number");
        let call = format!("{}/{}/{}", part("session"), part("sequence"), part("index"));
        Self { network, call }
    }

    /// The file into which the custodian's copy was written.
    fn copies(&self) -> PathBuf {
        let folder = self.network.node(0).folder.join("custodian/standard");
        let mut found = None;
        eventually("the copy is in a file", || {
            let months = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let files =
                months.flat_map(|month| std::fs::read_dir(month.path()).into_iter().flatten());
            found = files.flatten().map(|file| file.path()).find(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "copies")
            });
            found.is_some()
        });
        found.expect("found")
    }

    fn genesis(&self) -> String {
        text(&self.network.node(0).folder.join("genesis.bin")).to_owned()
    }

    fn verify(&self, file: &Path) -> Said {
        let genesis = self.genesis();
        let arguments = [
            "audit",
            "verify",
            text(file),
            "--genesis",
            &genesis,
            "--output",
            "json",
        ];
        elsewhere(&self.network, &arguments)
    }

    /// The key of the custodian that opens a file, and where it lies.
    fn key_of(&self, copies: &Copies) -> PathBuf {
        let period = &copies.period;
        self.network
            .path(&format!("private/{}-{}.key", period.class, period.month))
    }
}

#[test]
fn a_custodian_examines_a_member_that_has_gone_away() {
    let mut story = Story::told();
    let file = story.copies();
    let taken = story.network.path("taken.copies");
    std::fs::copy(&file, &taken).expect("the custodian takes it away");
    story.network.kill(0);

    // With the file and the key alone: what the copy says.
    let copies = Copies::from_bytes(&std::fs::read(&taken).expect("read")).expect("copies");
    let key = story.key_of(&copies);
    let open = [
        "audit",
        "custodian",
        "open",
        text(&taken),
        "--key",
        text(&key),
        "--output",
        "json",
    ];
    let opened = elsewhere(&story.network, &open);
    assert_eq!(opened.code, CLEAR, "{opened:?}");
    let shown = opened.json();
    assert_eq!(shown["subject"], format!("+86{}", phone(7)));
    assert_eq!(
        (&shown["case_reference"], &shown["call"]),
        (&"LOAN-1".into(), &story.call.clone().into())
    );
    // Another month's key opens nothing, and says which one it takes.
    let keys = std::fs::read_dir(story.network.path("private")).expect("keys");
    let other = keys
        .flatten()
        .map(|file| file.path())
        .find(|path| *path != key)
        .expect("two months");
    let wrong = [
        "audit",
        "custodian",
        "open",
        text(&taken),
        "--key",
        text(&other),
    ];
    let refused = elsewhere(&story.network, &wrong);
    assert!(
        refused.code != CLEAR && refused.err.contains("it takes the key of standard"),
        "{refused:?}"
    );

    // With evidence from any other member's node: what was really asked.
    let bundle = story.network.path("examined.audit");
    let complete = [&open[..], &["--out", text(&bundle)]].concat();
    story.network.expect(1, &complete, &[CLEAR]);
    let verified = story.verify(&bundle);
    assert_eq!(verified.code, CLEAR, "{verified:?}");
    let call = verified.json()["calls"][0].clone();
    assert_eq!(
        (&call["subject"], &call["call"]),
        (&shown["subject"], &shown["call"])
    );

    // A member that gives the custodian the record of another customer is found out.
    let private = read_private(&std::fs::read_to_string(&key).expect("read")).expect("a key");
    let (version, mut records) = copies.open(&copies.copies[0], &private).expect("opens");
    records.calls[0].2.x[31] ^= 1;
    let name = BatchName {
        chain_id: copies.chain_id,
        session: copies.copies[0].session,
        sequence: copies.copies[0].sequence,
    };
    let padded = records.to_padded().expect("fits");
    let sealed = seal_copy(
        &copies.period,
        &private.public(),
        &name,
        version,
        &padded,
        &mut OsRng,
    );
    let forged = Copies {
        copies: vec![
            Copy::new(name.session, name.sequence, sealed.expect("sealed")).expect("fits"),
        ],
        ..copies
    };
    let (lie, lied) = (
        story.network.path("lie.copies"),
        story.network.path("lied.audit"),
    );
    std::fs::write(&lie, forged.to_bytes().expect("fits")).expect("written");
    let complete = [
        "audit",
        "custodian",
        "open",
        text(&lie),
        "--key",
        text(&key),
        "--out",
        text(&lied),
    ];
    story.network.expect(1, &complete, &[CLEAR]);
    let refused = story.verify(&lied);
    assert_eq!(refused.code, COULD_NOT_RUN, "{refused:?}");
    assert!(
        refused.err.contains("whose hash stands on the ledger"),
        "{refused:?}"
    );
}

#[test]
fn records_are_shown_held_and_destroyed_and_that_they_were_there_stays_proven() {
    let mut story = Story::told();
    let call = story.call.clone();
    let opened = story.network.ask(0, &["audit", "open", "--call", &call]);
    assert_eq!(opened["opened"]["subject"], format!("+86{}", phone(7)));
    assert_eq!(
        (
            &opened["opened"]["answer"],
            &opened["opened"]["case_reference"]
        ),
        (&"hit".into(), &"LOAN-1".into())
    );
    let kept = story.network.ask(0, &["audit", "retention"]);
    assert_eq!(
        (
            &kept["classes"][0]["class"],
            &kept["classes"][0]["keep_months"]
        ),
        (&"standard".into(), &60.into())
    );
    let period = &kept["periods"][0];
    assert_eq!(
        (&period["calls"], &period["destroyed_on"]),
        (&1.into(), &serde_json::Value::Null)
    );
    let month = period["month"].as_str().expect("a month").to_owned();
    let hold = [
        "audit", "hold", "--class", "standard", "--month", &month, "--reason", "order 17",
    ];
    assert_eq!(story.network.ask(0, &hold)["hold_id"], 1);

    // Ten years pass for the rows, and the hold keeps what would be over.
    story.copies();
    story.network.stop(0);
    age(&story.network.node(0).folder.join("data/front-end.sqlite"));
    story.network.start_all();
    let kept = story.network.ask(0, &["audit", "retention"]);
    let aged = kept["periods"]
        .as_array()
        .expect("periods")
        .iter()
        .find(|period| period["calls"] == 1);
    let aged = aged.expect("it is there").clone();
    assert_eq!(
        (&aged["holds"][0], &aged["destroyed_on"]),
        (&1.into(), &serde_json::Value::Null),
        "{kept}"
    );
    story
        .network
        .ask(0, &["audit", "release", "1", "--reason", "lifted"]);
    eventually("the key is destroyed", || {
        let kept = story.network.ask(0, &["audit", "retention"]);
        let periods = kept["periods"].as_array().expect("periods");
        periods
            .iter()
            .any(|period| period["month"] == aged["month"] && period["destroyed_on"].is_string())
    });
    let holds = story.network.ask(0, &["audit", "retention", "--holds"]);
    assert_eq!(
        (
            &holds["holds"][0]["reason"],
            &holds["holds"][0]["released"]["reason"]
        ),
        (&"order 17".into(), &"lifted".into())
    );

    // The call is still proven; whom it was about is not there any more.
    let opened = story.network.ask(0, &["audit", "open", "--call", &call]);
    assert!(opened["opened"].is_null(), "{opened}");
    let out = story.network.path("erased.audit");
    let bundle = story.network.ask(
        0,
        &["audit", "bundle", "--call", &call, "--out", text(&out)],
    );
    assert_eq!(bundle["erased"], 1);
    let verified = story.verify(&out);
    assert_eq!(verified.code, CLEAR, "{verified:?}");
    let verified = verified.json();
    assert_eq!(verified["calls"].as_array().map(Vec::len), Some(0));
    let erased = &verified["unopened"][0];
    assert_eq!(
        (&erased["call"], &erased["erased"]["month"]),
        (&call.clone().into(), &aged["month"])
    );
    assert!(
        erased["audit_hash"].is_string() && erased["log_leaf"].is_u64(),
        "{erased}"
    );
    let history = story.network.ask(0, &["history", "--asked"]);
    assert_eq!(history["audit_hash"], erased["audit_hash"]);
    // Receipts need what is gone.
    let log = story.network.log(0);
    assert!(log.contains("retention.destroy") && !log.contains(&phone(7)));
    // A bundle whose statement says that it was destroyed too early is refused.
    let mut bytes = std::fs::read(&out).expect("read");
    let place = bytes
        .windows(8)
        .position(|part| part == b"standard")
        .expect("the class stands in it");
    bytes[place + 8 + 4] = 200;
    let early = story.network.path("early.audit");
    std::fs::write(&early, &bytes).expect("written");
    let refused = story.verify(&early);
    assert_eq!(refused.code, COULD_NOT_RUN, "{refused:?}");
    assert!(
        refused.err.contains("destroyed before the time was over"),
        "{refused:?}"
    );
}

/// Makes what a stopped node keeps older than it is. Nothing of it opens afterwards; its destruction does not need it
/// to.
fn age(database: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", database.display());
        let mut connection = AnyConnection::connect(&url).await.expect("the database");
        for table in [
            "asked_batch",
            "retention_period",
            "retention_key",
            "retention_hold",
        ] {
            let sql = format!("UPDATE {table} SET month = month - {AGED_MONTHS}");
            let aged = sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(&mut connection)
                .await;
            assert!(
                aged.expect("aged").rows_affected() > 0,
                "{table} has nothing to age"
            );
        }
        connection.close().await.expect("closed");
    });
}
