//! What views show to a supervisor, from node to node.

use std::path::Path;

use serde_json::Value;

use crate::consortium::{CLEAR, Consortium, phone, phones};

/// The observer, by its place in the network and by its number on the ledger.
const SUPERVISOR: usize = 4;
const SUPERVISOR_ID: &str = "5";

/// When it may look, and which dates it may see.
const DATES: &str = "2020-01-01..2020-01-01";

struct Story {
    network: Consortium,
    /// Dates of which today is one.
    around_today: String,
}

impl Story {
    fn told() -> Self {
        let network = Consortium::start();
        network.publish(1, "cheats", &phones(0..50));
        let screen = |subject: &str, case: &str| {
            network.screen(0, &[subject], &["--case", case, "--wait-final"]);
        };
        screen(&phone(7), "LOAN-1");
        screen(&phone(95), "LOAN-2");
        screen(&phone(8), "LOAN-3");
        let today = {
            let demand = [
                "supervision",
                "request",
                "--of",
                "2",
                "--call",
                "1/0/0",
                "--reason",
                "other",
                "--days",
                "2",
            ];
            // A date near the network's own, whatever this machine's clock says of time zones.
            network.ask(SUPERVISOR, &demand);
            let listed = network.ask(SUPERVISOR, &["supervision", "list"]);
            listed["until"].as_str().expect("a date").to_owned()
        };
        Self {
            network,
            around_today: format!("2020-01-01..{today}"),
        }
    }

    fn path(&self, name: &str) -> String {
        let path = self.network.path(name);
        path.to_str().expect("a path").to_owned()
    }

    /// Grants a view, and answers with its number.
    fn grant(&self, member: usize, scope: &[&str]) -> String {
        let to = ["supervision", "grant", "--to", SUPERVISOR_ID];
        let dates = ["--dates", &self.around_today];
        let granted = self.network.ask(member, &[&to[..], &dates, scope].concat());
        granted["id"].as_u64().expect("a number").to_string()
    }

    fn look(&self, view: &str, more: &[&str]) -> Value {
        let read = ["supervision", "read", view, "--purpose", "examination"];
        self.network.ask(SUPERVISOR, &[&read[..], more].concat())
    }

    fn refused(&self, asking: usize, view: &str, more: &[&str]) -> String {
        let read = ["supervision", "read", view, "--purpose", "examination"];
        let said = self.network.tacit(asking, &[&read[..], more].concat());
        assert_ne!(said.code, CLEAR, "{said:?}");
        said.err
    }

    /// How often a view was used.
    fn uses(&self, view: &str) -> u64 {
        let said = ["supervision", "grants", "--output", "json"];
        let said = self.network.expect(SUPERVISOR, &said, &[CLEAR]);
        let views = said.out.lines();
        let views = views.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let mut found = views.filter(|one| one["view_id"].as_u64() == view.parse().ok());
        found.next().expect("it is listed")["uses"]
            .as_u64()
            .expect("a number")
    }

    fn genesis(&self) -> String {
        let genesis = self.network.node(SUPERVISOR).folder.join("genesis.bin");
        genesis.to_str().expect("a path").to_owned()
    }

    /// The account of who looked at a member's records for the supervisor.
    fn account(&self, member: usize) -> Vec<Value> {
        let arguments = ["audit", "reads", "--output", "json"];
        let said = self.network.expect(member, &arguments, &[CLEAR]);
        let entries = said.out.lines();
        let entries = entries.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        entries
            .filter(|entry| entry["action"] == "view-shown")
            .collect()
    }
}

#[test]
fn a_supervisor_sees_what_its_views_show_and_the_member_knows_that_it_did() {
    let story = Story::told();
    let history = story.grant(0, &["--history", &story.around_today]);
    let list = story.grant(1, &["--list", "1"]);
    let quota = story.grant(0, &["--quota", &story.around_today]);

    // The calls of the dates, as the member's own history has them.
    let (theirs, own) = (story.path("theirs.csv"), story.path("own.csv"));
    let seen = story.look(&history, &["--to", &theirs]);
    assert_eq!(seen["rows"], 3, "{seen}");
    story.network.ask(0, &["history", "--to", &own]);
    let text = |path: &str| std::fs::read_to_string(path).expect("a file");
    assert_eq!(text(&theirs), text(&own));
    assert!(!text(&theirs).contains(&phone(7)), "it shows no subject");
    // Of other dates there are none, and other dates than the view's are not shown.
    let none = story.path("none.jsonl");
    let seen = story.look(&history, &["--dates", DATES, "--to", &none]);
    assert_eq!(seen["rows"], 0);
    let never = story.path("never.csv");
    let before = ["--dates", "2019-12-31..2020-01-01", "--to", &never];
    let refused = story.refused(SUPERVISOR, &history, &before);
    assert!(refused.contains("scope"), "{refused}");
    // The node did not even record that it would ask.
    assert_eq!(story.uses(&history), 2);

    // How the list was made: numbers, and nothing by which anybody could be looked up.
    story.network.publish(1, "cheats", &phones(10..55));
    let seen = story.look(&list, &[]);
    assert_eq!(
        (&seen["versions"], &seen["withdrawn"]),
        (&2.into(), &false.into())
    );
    let latest = &seen["latest"][0];
    assert_eq!(latest["entries"], 45, "{seen}");
    assert_eq!(
        (&latest["added"], &latest["removed"]),
        (&5.into(), &10.into())
    );
    assert_eq!(latest["state"], "in force");
    assert_eq!(seen["latest"][1]["state"], "superseded");

    // The statement of these dates from the beginning of the network, with what moved, made out to the supervisor; of
    // others there is none.
    let statement = story.path("statement");
    story.look(&quota, &["--to", &statement]);
    let arguments = ["quota", "verify", &statement, "--genesis", &story.genesis()];
    let stated = story.network.ask(SUPERVISOR, &arguments);
    assert_eq!(
        (&stated["member_id"], &stated["reader"]),
        (&1.into(), &"observer".into())
    );
    let moved = stated["movements"].as_array().expect("movements");
    assert!(moved.iter().any(|one| one["kind"] == "escrow"), "{stated}");
    let past = story.path("past");
    let refused = story.refused(SUPERVISOR, &quota, &["--dates", DATES, "--to", &past]);
    assert!(refused.contains("no balance of these dates"), "{refused}");
    assert!(!Path::new(&past).exists());

    // Every look at the member's records stands in its own account, and the account holds.
    let account = story.account(0);
    let begun = account.iter().filter(|entry| entry["outcome"] == "begun");
    let begun: Vec<_> = begun.collect();
    assert_eq!(begun.len(), 4, "{account:?}");
    for entry in begun {
        assert_eq!(entry["operator"], format!("supervisor M{SUPERVISOR_ID}"));
        let what = entry["what"].as_str().expect("words");
        assert!(what.contains("purpose=examination"), "{what}");
    }
    let ended = account.iter().filter(|entry| entry["begun"].is_u64());
    let ended: Vec<_> = ended.map(|entry| entry["outcome"].clone()).collect();
    assert!(ended.contains(&"done: 3 calls".into()), "{ended:?}");
    assert!(
        ended.contains(&"failed: view-quota-dates".into()),
        "{ended:?}"
    );

    // Who granted it, and who has nothing to do with it, are shown nothing.
    for asking in [0, 2] {
        story.refused(asking, &history, &["--to", &story.path("other.csv")]);
    }
    story.network.ask(0, &["supervision", "revoke", &history]);
    story.refused(SUPERVISOR, &history, &["--to", &story.path("late.csv")]);
    assert_eq!(story.account(0).len(), 8);
}

#[test]
fn calls_of_granted_cases_are_opened_and_of_no_other() {
    let story = Story::told();
    let names = story.network.path("references.txt");
    std::fs::write(&names, "LOAN-3\nLOAN-1\nLOAN-9\n").expect("written");
    let names = names.to_str().expect("a path");
    let set = story.path("q1.cases");
    let make = ["supervision", "cases", "--from", names, "--out", &set];
    let made = story.network.ask(0, &make);
    let view = story.grant(0, &["--cases", &set]);

    let bundle = story.path("q1.audit");
    let seen = story.look(&view, &["--cases", &set, "--to", &bundle]);
    assert_eq!((&seen["calls"], &seen["pages"]), (&2.into(), &1.into()));
    let arguments = ["audit", "verify", &bundle, "--genesis", &story.genesis()];
    let verified = story.network.ask(SUPERVISOR, &arguments);
    let calls = verified["calls"].as_array().expect("calls");
    let shown = calls.iter().map(|call| {
        let text = |field: &str| call[field].as_str().expect("a text").to_owned();
        (text("case_reference"), text("subject"), text("answer"))
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    let hit = |case: &str, number| (case.into(), format!("+86{}", phone(number)), "hit".into());
    assert_eq!(shown, [hit("LOAN-1", 7), hit("LOAN-3", 8)]);
    let bytes = std::fs::read(&bundle).expect("the bundle");
    let foreign = "LOAN-2".as_bytes();
    assert!(!bytes.windows(foreign.len()).any(|part| part == foreign));

    // One case more, or the same under another salt, is another set: nothing is asked.
    let uses = story.uses(&view);
    let text = std::fs::read_to_string(&set).expect("the set");
    assert_eq!(text.lines().count(), 5);
    let wider = story.path("wider.cases");
    std::fs::write(&wider, format!("{text}LOAN-2\n")).expect("written");
    let salted = story.path("salted.cases");
    story.network.ask(
        0,
        &["supervision", "cases", "--from", names, "--out", &salted],
    );
    let to = story.path("more.audit");
    for other in [&wider, &salted] {
        let more = ["--cases", other.as_str(), "--to", &to];
        let refused = story.refused(SUPERVISOR, &view, &more);
        assert!(refused.contains("another set"), "{refused}");
    }
    let beyond = ["--cases", &set, "--page", "1", "--to", &to];
    let refused = story.refused(SUPERVISOR, &view, &beyond);
    assert!(refused.contains("fewer pages"), "{refused}");
    assert!(!Path::new(&to).exists());
    assert_eq!(story.uses(&view), uses + 1);

    // The digest says nothing of the cases; the account names none.
    assert_eq!(made["cases"], 3);
    for entry in story.account(0) {
        assert!(!entry.to_string().contains("LOAN"), "{entry}");
    }
}
