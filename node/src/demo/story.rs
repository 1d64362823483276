//! The steps of the story, each a command that a person could type.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::Options;
use super::samples::{Column, Samples, write_csv};
use crate::setup::card::CardRole;
use crate::trial::{Layout, Node};

/// The columns of the sample files that are listed and screened.
const COLUMNS: [(Column, &str); 2] = [(Column::Phone, "phone"), (Column::Card, "card")];

/// What each institution lists its cheats under.
const CATEGORIES: [&str; 4] = [
    "transaction-fraud",
    "transaction-fraud",
    "high-risk-account",
    "marketing-abuse",
];

/// How long the copies may take, and how often they are looked at.
const COPIES_TIMEOUT: Duration = Duration::from_secs(60);
const COPIES_POLL: Duration = Duration::from_millis(50);

/// How long it may take until charges are collected, and for how long nothing must be collected to say that all
/// are.
const COLLECTED_TIMEOUT: Duration = Duration::from_secs(20);
const COLLECTED_PAUSE: Duration = Duration::from_millis(1_500);

/// The exit code of a screening with at least one hit: nothing failed.
const EXIT_HIT: i32 = 1;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// A sample file cannot be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A command cannot be run.
    #[error("cannot run {command}: {source}")]
    Run {
        /// The command.
        command: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A command failed.
    #[error("{command}\nended with {status}\n{stderr}")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// A command's answer is not what it should be.
    #[error("{command}\nanswered something unexpected: {answer}")]
    Unexpected {
        /// The command.
        command: String,
        /// What it answered.
        answer: String,
    },
}

/// The story, ready to be played on a network that is up.
pub(super) struct Story<'a> {
    executable: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) genesis: PathBuf,
    pub(super) members: Vec<&'a Node>,
    supervisor: Option<&'a Node>,
    persons: usize,
    applicants: usize,
}

impl<'a> Story<'a> {
    /// Writes the sample files.
    pub(super) fn new(
        executable: &'a Path,
        options: &'a Options,
        layout: &'a Layout,
    ) -> Result<Self, StoryError> {
        let members: Vec<&Node> = layout
            .nodes
            .iter()
            .filter(|node| node.institution.role == CardRole::Member)
            .collect();
        let supervisor = layout
            .nodes
            .iter()
            .find(|node| node.institution.role == CardRole::Observer);
        let story = Self {
            executable,
            folder: &options.folder,
            genesis: members_genesis(&members),
            members,
            supervisor,
            persons: options.persons,
            applicants: options.applicants,
        };
        let samples = Samples::generate(story.members.len(), options.persons, options.applicants);
        std::fs::create_dir_all(story.folder.join("samples")).map_err(|source| {
            StoryError::File {
                path: story.folder.into(),
                source,
            }
        })?;
        let columns = COLUMNS.map(|(column, _)| column);
        for (member, list) in story.members.iter().zip(&samples.lists) {
            story.write(&story.list_file(member), |out| {
                write_csv(out, list, &columns)
            })?;
        }
        let applicants = story.applicants_file();
        story.write(&applicants, |out| {
            write_csv(out, &samples.applicants, &columns)
        })?;
        Ok(story)
    }

    /// Each member publishes its sample list, all at once.
    pub(super) fn publish(&self) -> Result<(), StoryError> {
        println!(
            "2. Each publishes a blacklist of {} persons, phone and card. No list leaves its house.",
            self.persons
        );
        let commands: Vec<Vec<String>> = self
            .members
            .iter()
            .zip(CATEGORIES)
            .map(|(member, category)| {
                let mut arguments = words(&["list", "publish", "blacklist"]);
                arguments.extend(words(&["--category", category, "--from"]));
                arguments.push(self.shown(&self.list_file(member)));
                arguments.extend(column_arguments());
                arguments.push("--yes".into());
                arguments
            })
            .collect();
        println!("   $ tacit {}", commands[0].join(" "));
        let outputs = std::thread::scope(|scope| {
            let running: Vec<_> = self
                .members
                .iter()
                .zip(&commands)
                .map(|(member, arguments)| {
                    let arguments = [arguments.clone(), words(&["--output", "json"])].concat();
                    scope.spawn(move || self.run(member, &arguments))
                })
                .collect();
            running
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect::<Result<Vec<Output>, _>>()
        })?;
        for ((member, output), arguments) in self.members.iter().zip(outputs).zip(&commands) {
            let answer = String::from_utf8_lossy(&output.stdout).into_owned();
            let number = |field: &str| {
                let line = answer.lines().last().unwrap_or_default();
                let object: Option<serde_json::Value> = serde_json::from_str(line).ok();
                object
                    .and_then(|object| object.get(field)?.as_u64())
                    .ok_or_else(|| StoryError::Unexpected {
                        command: arguments.join(" "),
                        answer: answer.clone(),
                    })
            };
            println!(
                "   {:<15} list {}: {} entries, {} with padding, published at height {}, active at {}",
                member.institution.slug,
                number("list_id")?,
                number("entries")?,
                number("size_class")?,
                number("published_height")?,
                number("active_height")?,
            );
        }
        self.wait_for_copies()?;
        println!();
        Ok(())
    }

    /// Waits until the first member holds a verified copy of every other list. Attestations of f + 1 members put
    /// a list into force; this member's own may not be among them.
    fn wait_for_copies(&self) -> Result<(), StoryError> {
        let arguments = words(&["status", "--output", "json"]);
        let deadline = Instant::now() + COPIES_TIMEOUT;
        loop {
            let output = self.run(self.members[0], &arguments)?;
            let answer = String::from_utf8_lossy(&output.stdout).into_owned();
            let status: Option<serde_json::Value> = serde_json::from_str(&answer).ok();
            let copies = status
                .as_ref()
                .and_then(|status| status["copies"].as_array());
            let current = copies.map(|copies| {
                let current = copies.iter().filter(|copy| copy["state"] == "current");
                current.count()
            });
            if current == Some(self.members.len() - 1) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(StoryError::Unexpected {
                    command: arguments.join(" "),
                    answer,
                });
            }
            std::thread::sleep(COPIES_POLL);
        }
    }

    /// The first member screens the applicants.
    pub(super) fn screen(&self, began: Instant) -> Result<(), StoryError> {
        let asker = self.members[0];
        println!(
            "3. {} screens {} applicants against the others, who do not learn about whom.",
            asker.institution.slug, self.applicants
        );
        let mut arguments = words(&["screen", "--from"]);
        arguments.push(self.shown(&self.applicants_file()));
        arguments.extend(column_arguments());
        arguments.extend(words(&[
            "--purpose",
            "credit-origination",
            "--lawful-basis",
            "consent",
        ]));
        arguments.push("--out".into());
        arguments.push(self.shown(&self.results_file()));
        arguments.extend(words(&["--yes", "--wait-final"]));
        self.show(asker, &arguments, &[0, EXIT_HIT])?;
        println!(
            "   {:.1} s after the start; every answer stands in {}\n",
            began.elapsed().as_secs_f64(),
            self.shown(&self.results_file())
        );
        println!("4. What it cost, and where it stands on the ledger.");
        self.wait_collected(asker)?;
        self.show(asker, &words(&["quota"]), &[0])?;
        self.show(asker, &words(&["history", "--limit", "6"]), &[0])?;
        Ok(())
    }

    /// Waits until the others have collected what the screening cost, which they do when it is quiet.
    fn wait_collected(&self, asker: &Node) -> Result<(), StoryError> {
        let arguments = words(&["quota", "--output", "json"]);
        let deadline = Instant::now() + COLLECTED_TIMEOUT;
        let mut before = None;
        loop {
            let answer = self.run(asker, &arguments)?;
            let quota: Option<serde_json::Value> = serde_json::from_slice(&answer.stdout).ok();
            let spent = quota.and_then(|quota| quota["spent_minor"].as_u64());
            // Each of the others collects at its own moment.
            let all = spent > Some(0) && spent == before;
            if all || Instant::now() >= deadline {
                return Ok(());
            }
            before = spent;
            std::thread::sleep(COLLECTED_PAUSE);
        }
    }

    /// What the supervisor sees of it: members, lists and calls, never whom they were about.
    pub(super) fn supervise(&self) -> Result<(), StoryError> {
        let Some(supervisor) = self.supervisor else {
            return Ok(());
        };
        println!(
            "7. {} follows the ledger and verifies every block, without holding data.",
            supervisor.institution.slug
        );
        self.show(supervisor, &words(&["status"]), &[0])?;
        self.show(supervisor, &words(&["quota", "--member", "1"]), &[0])?;
        self.show(supervisor, &words(&["ledger", "block"]), &[0])
    }

    /// What to type in another terminal.
    pub(super) fn what_next(&self) {
        let profile = self.members[0].profile_file();
        println!(
            "\nThe consortium stays up until you press Ctrl-C. In another terminal:\n\n  \
             export TACIT_PROFILE={}\n  \
             {tacit} screen --type phone --region CN '138 0013 8000' --purpose credit-origination --lawful-basis consent\n  \
             {tacit} list show blacklist --member 2\n  \
             {tacit} member list\n  \
             {tacit} ledger block\n  \
             {tacit} --help\n\n\
             Any other member: the profile.toml in its folder. Logs: node.log there.",
            absolute(&profile).display(),
            tacit = self.executable.display(),
        );
    }

    /// Shows a command, runs it and shows what it says.
    pub(super) fn show(
        &self,
        node: &Node,
        arguments: &[String],
        good: &[i32],
    ) -> Result<(), StoryError> {
        println!("   $ tacit {}", arguments.join(" "));
        let output = self.run_expecting(node, arguments, good)?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            println!("   {line}");
        }
        println!();
        Ok(())
    }

    pub(super) fn run(&self, node: &Node, arguments: &[String]) -> Result<Output, StoryError> {
        self.run_expecting(node, arguments, &[0])
    }

    fn run_expecting(
        &self,
        node: &Node,
        arguments: &[String],
        good: &[i32],
    ) -> Result<Output, StoryError> {
        let mut command = Command::new(self.executable);
        command.env("TACIT_PROFILE", absolute(&node.profile_file()));
        run_command(command, arguments, good)
    }

    fn write(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut BufWriter<std::fs::File>) -> std::io::Result<()>,
    ) -> Result<(), StoryError> {
        use std::io::Write as _;
        let failed = |source| StoryError::File {
            path: path.into(),
            source,
        };
        let mut out = BufWriter::new(std::fs::File::create(path).map_err(failed)?);
        fill(&mut out).and_then(|()| out.flush()).map_err(failed)
    }

    fn list_file(&self, member: &Node) -> PathBuf {
        self.folder
            .join("samples")
            .join(format!("{}.csv", member.institution.slug))
    }

    fn applicants_file(&self) -> PathBuf {
        self.folder.join("samples").join("applicants.csv")
    }

    pub(super) fn results_file(&self) -> PathBuf {
        self.folder.join("results.csv")
    }

    fn shown(&self, path: &Path) -> String {
        path.display().to_string()
    }
}

/// Runs a command of this program that must end with one of these codes.
pub(super) fn run_command(
    mut command: Command,
    arguments: &[String],
    good: &[i32],
) -> Result<Output, StoryError> {
    let shown = format!("tacit {}", arguments.join(" "));
    let output = command
        .args(arguments)
        .output()
        .map_err(|source| StoryError::Run {
            command: shown.clone(),
            source,
        })?;
    if output
        .status
        .code()
        .is_some_and(|code| good.contains(&code))
    {
        return Ok(output);
    }
    Err(StoryError::Failed {
        command: shown,
        status: output.status,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The genesis, of which every member has the same copy.
fn members_genesis(members: &[&Node]) -> PathBuf {
    members
        .first()
        .map(|member| member.folder.join("genesis.bin"))
        .unwrap_or_default()
}

fn column_arguments() -> Vec<String> {
    COLUMNS
        .iter()
        .flat_map(|(column, kind)| words(&["--column", column.name(), "--type", kind]))
        .chain(words(&["--region", "CN"]))
        .collect()
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}
