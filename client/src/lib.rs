//! The client library and the commands that people type.
//!
//! A [`Profile`] says how to reach the institution's own node; [`connection::connect`] does so over mutual TLS.
//! Everything that a command prints for people it also prints as JSON with `--output json`.

pub mod audit;
pub mod card;
pub mod cases;
pub mod ceremony;
pub mod commands;
pub mod connection;
pub mod error;
pub mod exit;
mod file;
pub mod history;
pub mod moment;
pub mod output;
pub mod profile;
mod proven;
pub mod receipt;
pub mod record;
pub mod rows;
pub mod statement;
mod subject;
pub mod trust;

use std::path::PathBuf;
use std::process::ExitCode;

pub use commands::Command;
pub use error::ClientError;
pub use exit::Exit;
pub use file::FormatError;
pub use output::Format;
pub use profile::Profile;

/// What help puts the options of every command under.
const COMMON_OPTIONS: &str = "Common options";

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Globals {
    /// The file that says how to reach the node.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = profile::PROFILE_VARIABLE,
        help_heading = COMMON_OPTIONS
    )]
    pub profile: Option<PathBuf>,
    /// What answers look like.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = COMMON_OPTIONS
    )]
    pub output: Format,
}

/// What a command runs in.
#[derive(Clone, Debug)]
pub struct Context {
    globals: Globals,
}

impl Context {
    /// What answers look like.
    pub fn format(&self) -> Format {
        self.globals.output
    }

    /// The profile that was named, or the one in its usual place.
    ///
    /// # Errors
    /// [`ClientError`], where there is none or it is not usable.
    pub fn profile(&self) -> Result<Profile, ClientError> {
        Profile::find(self.globals.profile.as_deref())
    }

    /// A connection to the node.
    ///
    /// # Errors
    /// [`ClientError`], where the profile is not usable or the node cannot be reached.
    pub async fn node(&self) -> Result<connection::Node, ClientError> {
        connection::connect(&self.profile()?).await
    }
}

/// Runs a command to its end.
pub fn run(command: Command, globals: Globals) -> ExitCode {
    let format = globals.output;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(command.run(&Context { globals })),
        Err(source) => Err(ClientError::Runtime { source }),
    };
    match result {
        Ok(exit) => exit.into(),
        // Whoever read the answer has read enough of it, as in `tacit history | head`.
        Err(ClientError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Exit::CouldNotRun.into()
        }
        Err(error) => {
            output::print_error(format, &error);
            error.exit().into()
        }
    }
}
