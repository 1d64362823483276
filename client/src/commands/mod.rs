//! The commands that people type.

mod approval;
mod audit;
mod ceremony;
mod completion;
mod dispute;
mod history;
mod identifier;
mod init;
mod ledger;
mod list;
mod member;
mod network;
mod notices;
mod policy;
mod quota;
mod receipt;
mod screen;
mod status;
mod supervision;

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use tacit_proto::operator::Stage;

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::Format;

pub use completion::describe_command_line;

/// Messages of a stream that wait for the node, each of up to 10,000 rows.
const STREAM_BUFFER: usize = 4;

/// The commands of the client.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Makes the profile that says how to reach the institution's node.
    Init(init::InitCommand),
    /// Where the node stands: height, peers, quota, its copies of the others' lists.
    Status(status::StatusCommand),
    /// Asks other members whether identifiers are on their lists.
    Screen(screen::ScreenCommand),
    /// Publishes and looks at lists.
    #[command(subcommand)]
    List(list::ListCommand),
    /// Answers that others can rely on without learning whom they are about.
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// What whoever relies on receipts asks for.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Entries of others' lists that are said to be wrong.
    #[command(subcommand)]
    Dispute(dispute::DisputeCommand),
    /// What waits for somebody: corrected entries on which answers relied, and what this member has to do.
    Notices(notices::NoticesCommand),
    /// What supervisors are shown.
    #[command(subcommand)]
    Supervision(supervision::SupervisionCommand),
    /// Calls opened to an examiner.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// What needs a second person.
    #[command(subcommand)]
    Approval(approval::ApprovalCommand),
    /// What this member asked and served.
    History(history::HistoryCommand),
    /// This member's quota.
    Quota(quota::QuotaCommand),
    /// The members of the network, and votes on who belongs to it.
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// Votes on the network's rules.
    #[command(subcommand)]
    Network(network::NetworkCommand),
    /// Blocks, transactions and proofs.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Checks identifiers without asking anybody.
    #[command(subcommand)]
    Identifier(identifier::IdentifierCommand),
    /// The ceremony that makes the keys of receipts.
    #[command(subcommand)]
    Ceremony(ceremony::CeremonyCommand),
    /// Prints a completion script for a shell.
    Completion(completion::CompletionCommand),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// [`ClientError`] says what happened and what to do.
    pub async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::Init(command) => command.run(context),
            Self::Status(command) => command.run(context).await,
            Self::Screen(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Receipt(command) => command.run(context).await,
            Self::Policy(command) => command.run(context).await,
            Self::Dispute(command) => command.run(context).await,
            Self::Notices(command) => command.run(context).await,
            Self::Supervision(command) => command.run(context).await,
            Self::Audit(command) => command.run(context).await,
            Self::Approval(command) => command.run(context).await,
            Self::History(command) => command.run(context).await,
            Self::Quota(command) => command.run(context).await,
            Self::Member(command) => command.run(context).await,
            Self::Network(command) => command.run(context).await,
            Self::Ledger(command) => command.run(context).await,
            Self::Identifier(command) => command.run(context),
            Self::Ceremony(command) => command.run(context),
            Self::Completion(command) => command.run(),
        }
    }
}

/// Asks a person. Where nobody is there to answer, that is an error with a word on how to say yes.
fn confirmed(question: &str) -> Result<bool, ClientError> {
    let stdin = io::stdin();
    let somebody = stdin.is_terminal();
    answered(question, somebody, &mut stdin.lock())
}

fn answered(
    question: &str,
    somebody: bool,
    answers: &mut impl BufRead,
) -> Result<bool, ClientError> {
    if !somebody {
        return Err(ClientError::Usage(format!(
            "{question} Nobody is there to answer: add --yes"
        )));
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A person said no. Nothing was done, so a script must not take it for done.
fn declined(words: &str) -> Exit {
    eprintln!("{words}");
    Exit::CouldNotRun
}

/// A progress bar with rate and time left; hidden where no person looks.
fn bar(format: Format) -> ProgressBar {
    if format == Format::Json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let template = "{msg:24} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
    // The template is a constant that a test reads.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// What the node is doing, for people.
const fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Unspecified => "working",
        Stage::ReadingRows => "reading rows",
        Stage::MakingTags => "making tags",
        Stage::BuildingTree => "building the tree",
        Stage::WritingSnapshot => "writing the snapshot",
        Stage::Submitting => "submitting",
        Stage::Attesting => "others attest",
        Stage::FetchingSnapshot => "fetching",
        Stage::OpeningSessions => "opening sessions",
        Stage::Screening => "screening",
        Stage::Proving => "proving",
        Stage::Opening => "opening calls",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_yes_is_yes() {
        for (typed, yes) in [
            ("y\n", true),
            (" YES \r\n", true),
            ("n\n", false),
            ("\n", false),
            ("", false),
            ("yesterday\n", false),
        ] {
            let answer = answered("Ask?", true, &mut typed.as_bytes()).unwrap();
            assert_eq!(answer, yes, "{typed:?}");
        }
    }

    #[test]
    fn a_question_that_nobody_can_answer_is_a_usage_error_and_not_a_no() {
        let error = answered("Ask?", false, &mut "y\n".as_bytes()).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains("--yes"), "{error}");
        assert_ne!(declined("nothing was asked"), Exit::Clear);
    }
}
