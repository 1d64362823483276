//! `tacit completion`

use std::io;
use std::sync::OnceLock;

use crate::error::ClientError;
use crate::exit::Exit;

/// Prints a completion script.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tacit completion bash > /etc/bash_completion.d/tacit\n  \
    tacit completion zsh > /usr/local/share/zsh/site-functions/_tacit\n  \
    tacit completion fish > ~/.config/fish/completions/tacit.fish")]
pub struct CompletionCommand {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Describes the whole command line, of which the client's commands are a part.
static WHOLE: OnceLock<fn() -> clap::Command> = OnceLock::new();

/// Tells the completion script what the whole command line is.
pub fn describe_command_line(whole: fn() -> clap::Command) {
    // The first description holds.
    let _ = WHOLE.set(whole);
}

impl CompletionCommand {
    pub(super) fn run(&self) -> Result<Exit, ClientError> {
        let whole = WHOLE
            .get()
            .ok_or(ClientError::Unexpected("no command line to complete"))?;
        clap_complete::generate(self.shell, &mut whole(), "tacit", &mut io::stdout());
        Ok(Exit::Clear)
    }
}
