//! A network of the tests' own: four members and an observer, each a process with a folder of its own.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tacit_client::Profile;
use tacit_node::setup::card::CardRole;
use tacit_node::trial::{Institution, Layout, Node, NodeProcess};
use tempfile::TempDir;

/// The program under test.
pub(crate) const TACIT: &str = env!("CARGO_BIN_EXE_tacit");

/// How long something that must come about may take on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Exit codes of the command line.
pub(crate) const CLEAR: i32 = 0;
pub(crate) const HIT: i32 = 1;
pub(crate) const INCOMPLETE: i32 = 3;
pub(crate) const COULD_NOT_RUN: i32 = 4;

/// A screening of phone numbers, to which options and numbers are added.
pub(crate) const SCREEN: [&str; 9] = [
    "screen",
    "--type",
    "phone",
    "--region",
    "CN",
    "--purpose",
    "credit-origination",
    "--lawful-basis",
    "consent",
];

/// An idle network makes four blocks a second.
const EPOCH_BLOCKS: u32 = 40;

const STOP_TIMEOUT: Duration = Duration::from_secs(20);

const fn institution(slug: &'static str, role: CardRole) -> Institution {
    Institution {
        slug,
        name: slug,
        role,
    }
}

/// Four members, who validate, and an observer.
pub(crate) const FOUNDERS: [Institution; 5] = [
    institution("alder", CardRole::Member),
    institution("birch", CardRole::Member),
    institution("cedar", CardRole::Member),
    institution("dogwood", CardRole::Member),
    institution("observer", CardRole::Observer),
];

/// A running network. Its processes end with it.
pub(crate) struct Consortium {
    folder: TempDir,
    pub(crate) layout: Layout,
    processes: Vec<Option<NodeProcess>>,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The last line of its output, as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl Consortium {
    /// Lays out the founders' folders; nothing runs yet. Epochs are short, so that votes on validators take
    /// effect while a test waits.
    pub(crate) fn laid_out() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let layout = Layout::create_with_epochs(folder.path(), &FOUNDERS, Some(EPOCH_BLOCKS));
        let layout = layout.expect("a network is laid out");
        let processes = layout.nodes.iter().map(|_| None).collect();
        Self {
            folder,
            layout,
            processes,
        }
    }

    /// A network that runs and is ready.
    pub(crate) fn start() -> Self {
        let mut network = Self::laid_out();
        network.start_all();
        network
    }

    /// Starts what does not run, and waits until all are ready.
    pub(crate) fn start_all(&mut self) {
        for index in 0..self.layout.nodes.len() {
            if self.processes[index].is_none() {
                self.start_node(index, &[]);
            }
        }
        for index in 0..self.layout.nodes.len() {
            self.wait_ready(index);
        }
    }

    /// Starts one node, with variables in its environment.
    pub(crate) fn start_node(&mut self, index: usize, environment: &[(&str, &str)]) {
        let node = &self.layout.nodes[index];
        let process = NodeProcess::start_with(Path::new(TACIT), node, environment);
        self.processes[index] = Some(process.expect("the node starts"));
    }

    /// Makes the folder of one more institution, which is not running and not admitted. Answers with its index.
    pub(crate) fn add_folder(&mut self, slug: &'static str, role: CardRole) -> usize {
        let node = Layout::add(self.folder.path(), &institution(slug, role)).expect("a folder");
        let genesis = self.layout.nodes[0].folder.join("genesis.bin");
        std::fs::copy(genesis, node.folder.join("genesis.bin")).expect("copied");
        self.layout.nodes.push(node);
        self.processes.push(None);
        self.layout.nodes.len() - 1
    }

    pub(crate) fn node(&self, index: usize) -> &Node {
        &self.layout.nodes[index]
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes a line of a node's configuration, before the node is started.
    pub(crate) fn configure(&self, index: usize, line: &str, instead: &str) {
        let path = self.layout.nodes[index].config_file();
        let text = std::fs::read_to_string(&path).expect("a configuration");
        assert!(text.contains(line), "no line {line} in {text}");
        std::fs::write(path, text.replace(line, instead)).expect("written");
    }

    /// Proposes a change as the first member, and lets the others vote for it until it is accepted.
    pub(crate) fn decide(&self, proposal: &[&str]) {
        let proposed = self.ask(0, proposal);
        let id = proposed["proposal_id"]
            .as_u64()
            .expect("a number")
            .to_string();
        for voter in [1, 2, 3] {
            let voted = self.tacit(voter, &["member", "vote", &id, "--output", "json"]);
            if voted.code == CLEAR && voted.json()["state"] == "carried" {
                return;
            }
        }
        panic!("{proposal:?} was not accepted");
    }

    /// Waits until a node serves its operators and follows the ledger.
    pub(crate) fn wait_ready(&mut self, index: usize) {
        let deadline = Instant::now() + PATIENCE;
        while !self.layout.nodes[index].is_ready() {
            if let Some(process) = &mut self.processes[index] {
                let running = process.check_running();
                running.unwrap_or_else(|error| panic!("{error}\n{}", self.log(index)));
            }
            assert!(
                Instant::now() < deadline,
                "node {index} is not ready\n{}",
                self.log(index)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether a node ends by itself within so long.
    pub(crate) fn has_ended(&mut self, index: usize, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let process = self.processes[index].as_mut().expect("it runs");
        while process.check_running().is_ok() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.processes[index] = None;
        true
    }

    /// Waits until a node ends by itself.
    pub(crate) fn wait_ended(&mut self, index: usize) {
        let deadline = Instant::now() + PATIENCE;
        let process = self.processes[index].as_mut().expect("it runs");
        while process.check_running().is_ok() {
            assert!(Instant::now() < deadline, "node {index} still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.processes[index] = None;
    }

    /// Ends a node at once, as a power failure would.
    pub(crate) fn kill(&mut self, index: usize) {
        self.processes[index].take().expect("it runs").kill();
    }

    /// Stops a node as an operator would.
    pub(crate) fn stop(&mut self, index: usize) {
        let process = self.processes[index].take().expect("it runs");
        process.stop(STOP_TIMEOUT).expect("it stops in time");
    }

    /// The id of a node's process.
    pub(crate) fn process_id(&self, index: usize) -> u32 {
        self.processes[index].as_ref().expect("it runs").id()
    }

    /// A node's log.
    pub(crate) fn log(&self, index: usize) -> String {
        std::fs::read_to_string(self.layout.nodes[index].log_file()).unwrap_or_default()
    }

    /// The service of a node for its operators, reached as the command line reaches it.
    pub(crate) async fn operator(&self, index: usize) -> tacit_client::connection::Node {
        let profile = Profile::read(&self.layout.nodes[index].profile_file());
        let connected = tacit_client::connection::connect(&profile.expect("a profile")).await;
        connected.expect("the node is reached")
    }

    /// What a node's probes say at a path, such as `/metrics`: the whole response.
    pub(crate) fn probe(&self, index: usize, path: &str) -> String {
        let address = self.layout.nodes[index].probes;
        let mut stream = TcpStream::connect(address).expect("the probes");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        response
    }

    /// Runs a command as an operator of a node.
    pub(crate) fn tacit(&self, index: usize, arguments: &[&str]) -> Said {
        let output = self.command(index, arguments).output().expect("it runs");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A command of an operator of a node, to be run.
    pub(crate) fn command(&self, index: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new(TACIT);
        command
            .args(arguments)
            .env("TACIT_PROFILE", self.layout.nodes[index].profile_file());
        command
    }

    /// Runs a command that must end with one of these codes.
    pub(crate) fn expect(&self, index: usize, arguments: &[&str], codes: &[i32]) -> Said {
        let said = self.tacit(index, arguments);
        assert!(codes.contains(&said.code), "{arguments:?}: {said:?}");
        said
    }

    /// Runs a command for its JSON.
    pub(crate) fn ask(&self, index: usize, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--output", "json"]].concat();
        self.expect(index, &arguments, &[CLEAR, HIT, INCOMPLETE])
            .json()
    }

    /// A node's height.
    pub(crate) fn height(&self, index: usize) -> u64 {
        self.ask(index, &["status"])["height"]
            .as_u64()
            .expect("a height")
    }

    /// Publishes a list of phone numbers and waits until it is in force and every other member holds a copy.
    pub(crate) fn publish(&self, index: usize, name: &str, phones: &[String]) -> Value {
        self.publish_in(index, name, "transaction-fraud", phones)
    }

    /// The same in a category.
    pub(crate) fn publish_in(
        &self,
        index: usize,
        name: &str,
        category: &str,
        phones: &[String],
    ) -> Value {
        let said = self.try_publish(index, name, category, phones);
        assert_eq!(said.code, CLEAR, "{said:?}");
        let published = said.json();
        let list = published["list_id"].as_u64().expect("a number");
        for other in 0..self.layout.nodes.len() {
            let member = self.layout.nodes[other].institution.role == CardRole::Member;
            if other != index && member && self.processes[other].is_some() {
                self.wait_copy(other, list);
            }
        }
        published
    }

    /// Publishes a list of phone numbers, whatever comes of it.
    pub(crate) fn try_publish(
        &self,
        index: usize,
        name: &str,
        category: &str,
        phones: &[String],
    ) -> Said {
        let file = self.path(&format!("{index}-{name}.csv"));
        write_column(&file, phones);
        self.tacit(
            index,
            &[
                "list",
                "publish",
                name,
                "--category",
                category,
                "--from",
                file.to_str().expect("a path"),
                "--column",
                "phone",
                "--type",
                "phone",
                "--region",
                "CN",
                "--yes",
                "--output",
                "json",
            ],
        )
    }

    /// Waits until a node's copy of a list is the version in force.
    pub(crate) fn wait_copy(&self, index: usize, list: u64) {
        eventually(&format!("node {index} holds list {list}"), || {
            let status = self.ask(index, &["status"]);
            let copies = status["copies"].as_array().expect("copies");
            copies
                .iter()
                .any(|copy| copy["list_id"] == list && copy["state"] == "current")
        });
    }

    /// Screens phone numbers one by one in one command, and answers with what each list said of each.
    pub(crate) fn screen(&self, index: usize, phones: &[&str], more: &[&str]) -> Vec<Value> {
        self.screen_to_end(index, phones, more, &[CLEAR, HIT, INCOMPLETE])
    }

    /// The same, where the command must end with one of these codes.
    pub(crate) fn screen_to_end(
        &self,
        index: usize,
        phones: &[&str],
        more: &[&str],
        codes: &[i32],
    ) -> Vec<Value> {
        let arguments = [&SCREEN[..], &["--output", "json"], more, phones].concat();
        let said = self.expect(index, &arguments, codes);
        said.out
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

impl Drop for Consortium {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The folder goes away; what the nodes said last is worth keeping.
            for index in 0..self.layout.nodes.len() {
                let log = self.log(index);
                let lines: Vec<&str> = log.lines().collect();
                let from = lines.len().saturating_sub(15);
                println!("--- node {index}\n{}", lines[from..].join("\n"));
            }
        }
    }
}

/// What one list said of one value: `hit`, `clear` or `unreachable`.
pub(crate) fn answers(row: &Value) -> Vec<(u64, String)> {
    let answers = row["answers"].as_array().expect("answers");
    answers
        .iter()
        .map(|answer| {
            let said = answer["answer"].as_str().expect("a word").to_owned();
            (answer["list_id"].as_u64().expect("a number"), said)
        })
        .collect()
}

/// The mobile numbers with these last digits.
pub(crate) fn phones(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(phone).collect()
}

/// A mobile number.
pub(crate) fn phone(number: u32) -> String {
    format!("138{number:08}")
}

/// Writes a CSV file with a column of phone numbers.
pub(crate) fn write_column(path: &Path, phones: &[String]) {
    let mut text = String::from("no,phone\n");
    for (row, phone) in phones.iter().enumerate() {
        writeln!(text, "{},{phone}", row + 1).expect("memory");
    }
    std::fs::write(path, text).expect("a file");
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
