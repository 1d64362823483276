//! The one executable: a member's node, the demo, and the commands that people type.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use tacit_client::Globals;
use tacit_node::command::{CertsCommand, DemoCommand, NodeCommand};

/// What a command that could not run exits with.
const EXIT_COULD_NOT_RUN: u8 = 4;

/// Proven answers from other institutions' lists, without showing anybody whom you ask about.
#[derive(Debug, clap::Parser)]
#[command(name = "tacit", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 clear, 1 hit, 2 usage, 3 incomplete, 4 could not run.\n\
    Begin with: tacit demo"
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Demo(DemoCommand),
    #[command(subcommand)]
    Node(NodeCommand),
    #[command(subcommand)]
    Certs(CertsCommand),
    #[command(flatten)]
    Client(tacit_client::Command),
}

fn main() -> ExitCode {
    tacit_client::commands::describe_command_line(Cli::command);
    let Cli { globals, command } = Cli::parse();
    let result = match command {
        Command::Demo(demo) => demo.run().map(|()| ExitCode::SUCCESS),
        Command::Node(node) => node.run(),
        Command::Certs(certs) => certs.run().map(|()| ExitCode::SUCCESS),
        Command::Client(command) => return tacit_client::run(command, globals),
    };
    result.unwrap_or_else(|error| {
        eprintln!("tacit: {error:#}");
        ExitCode::from(EXIT_COULD_NOT_RUN)
    })
}
