//! The part of the story in which others rely on an answer.

use serde_json::Value;

use super::Setup;
use super::story::{Story, StoryError, words};

/// The business ledger and the object for which the receipts are made.
const LEDGER: &str = "abs";
const OBJECT: &str = "loan-17";

impl Story<'_> {
    /// The members vote for the key under which receipts are verified; the first member turns the answers about an
    /// applicant into receipts and puts them onto the ledger, where all check them.
    pub(super) fn rely(&self, setup: &Setup) -> Result<(), StoryError> {
        let asker = self.members[0];
        println!("5. Others rely on the answers without learning about whom they are: receipts.");
        let mut propose = words(&["network", "propose-receipt-key"]);
        match setup {
            Setup::Development => {
                println!(
                    "   The members vote for the key of the DEVELOPMENT SET-UP: whoever has this program could forge \
                     receipts\n   under it. A real network makes its key in a ceremony; `tacit demo --ceremony` plays one."
                );
                propose.push("--development".into());
            }
            Setup::Ceremony { key, transcript } => {
                println!(
                    "   The members vote for the key of their ceremony, which each of them has verified."
                );
                propose.extend(words(&["--key"]));
                propose.push(key.display().to_string());
                propose.extend(words(&["--transcript", transcript]));
            }
        }
        let proposed = self.answer(asker, &propose)?;
        let proposal = proposed["proposal_id"].to_string();
        println!("   $ tacit {}", propose.join(" "));
        for member in &self.members[1..3] {
            let vote = words(&["member", "vote", &proposal]);
            let said = self.answer(member, &vote)?;
            println!(
                "   {:<15} $ tacit {}: {}",
                member.institution.slug,
                vote.join(" "),
                said["state"].as_str().unwrap_or_default()
            );
        }
        println!();
        self.show(
            asker,
            &words(&[
                "policy",
                "put",
                "consumer-credit",
                "--category",
                "transaction-fraud",
                "--category",
                "high-risk-account",
                "--category",
                "marketing-abuse",
                "--members",
                "3",
                "--type",
                "phone",
                "--max-age",
                "1d",
            ]),
            &[0],
        )?;
        let applicant = self.clear_applicant()?;
        let secret = self.folder.join("loan-17.secret").display().to_string();
        let file = self.folder.join("loan-17.receipts").display().to_string();
        self.show(
            asker,
            &words(&[
                "receipt",
                "commit",
                "--type",
                "phone",
                "--region",
                "CN",
                "--new-secret",
                &secret,
                &applicant,
            ]),
            &[0],
        )?;
        let mut screen = words(&["screen", "--type", "phone", "--region", "CN", &applicant]);
        screen.extend(words(&[
            "--purpose",
            "credit-origination",
            "--lawful-basis",
            "consent",
            "--case",
            OBJECT,
            "--wait-final",
        ]));
        println!("   $ tacit {}", screen.join(" "));
        let screened = self.answer(asker, &screen)?;
        let mut create = words(&["receipt", "create"]);
        for call in screened["answers"].as_array().into_iter().flatten() {
            create.extend(words(&[
                "--call",
                call["call"].as_str().unwrap_or_default(),
            ]));
        }
        create.extend(words(&[
            "--for",
            LEDGER,
            "--object",
            OBJECT,
            "--policy",
            "1",
            "--purpose",
            "credit-origination",
            "--expires",
            "7d",
            "--secret",
            &secret,
            "--out",
            &file,
        ]));
        self.show(asker, &create, &[0])?;
        let genesis = self.genesis.display().to_string();
        self.show(
            asker,
            &words(&["receipt", "verify", &file, "--genesis", &genesis]),
            &[0],
        )?;
        self.show(asker, &words(&["receipt", "submit", &file]), &[0])?;
        self.show(asker, &words(&["receipt", "list"]), &[0])
    }

    /// The first member shows an examiner whom it asked about for the loan, why, and what was answered; the
    /// examiner checks it from the file and the genesis.
    pub(super) fn examine(&self) -> Result<(), StoryError> {
        println!("6. An examiner asks who was asked about for {OBJECT}, by whom, and why.");
        let file = self.folder.join("loan-17.audit").display().to_string();
        let bundle = words(&["audit", "bundle", "--case", OBJECT, "--out", &file]);
        self.show(self.members[0], &bundle, &[0])?;
        let genesis = self.genesis.display().to_string();
        let verify = words(&["audit", "verify", &file, "--genesis", &genesis]);
        self.show(self.members[0], &verify, &[0])
    }

    /// An applicant whose phone is on no list, as the screening has found.
    fn clear_applicant(&self) -> Result<String, StoryError> {
        let path = self.results_file();
        let failed = |error: csv::Error| StoryError::File {
            path: self.results_file(),
            source: error.into(),
        };
        let mut results = csv::Reader::from_path(&path).map_err(failed)?;
        let column = |headers: &csv::StringRecord, name: &str| {
            headers.iter().position(|header| header == name)
        };
        let headers = results.headers().map_err(failed)?.clone();
        let places = column(&headers, "phone").zip(column(&headers, "phone:answer"));
        for record in results.records() {
            let record = record.map_err(failed)?;
            if let Some((phone, answer)) = places
                && record.get(answer) == Some("clear")
            {
                return Ok(record.get(phone).unwrap_or_default().to_owned());
            }
        }
        Err(StoryError::Unexpected {
            command: "tacit screen".into(),
            answer: "no applicant is clear".into(),
        })
    }

    /// Runs a command and reads its answer as one JSON object.
    fn answer(&self, node: &crate::trial::Node, arguments: &[String]) -> Result<Value, StoryError> {
        let arguments = [arguments.to_vec(), words(&["--output", "json"])].concat();
        let output = self.run(node, &arguments)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).map_err(|_| StoryError::Unexpected {
            command: arguments.join(" "),
            answer: text,
        })
    }
}
