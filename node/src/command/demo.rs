//! `tacit demo`

use std::path::PathBuf;
use std::sync::mpsc;

use anyhow::Context as _;

use crate::demo::{Options, play};

/// Starts a whole consortium on this machine, publishes sample lists and screens sample applicants.
///
/// Four institutions and a supervisor come up as processes on loopback, with mutual TLS, a ledger
/// among them and keys that are fresh in every run. The demo then stays up until Ctrl-C, and prints
/// what to type in another terminal.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tacit demo\n  tacit demo --once --dir /tmp/tacit")]
pub struct DemoCommand {
    /// Play the story, stop everything and exit.
    #[arg(long)]
    once: bool,
    /// The folder for everything that the demo makes. It is made anew each time.
    #[arg(long, value_name = "FOLDER", default_value = "tacit-demo")]
    dir: PathBuf,
    /// Persons on each sample list; each has a phone and a card.
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000,
          value_parser = clap::value_parser!(u32).range(100..=100_000))]
    persons: u32,
    /// Applicants in the sample file.
    #[arg(long, value_name = "NUMBER", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    applicants: u32,
    /// Play a ceremony of the four members for the key of receipts, some minutes long. Without it the demo takes the
    /// key of the development set-up, under which anybody can forge receipts.
    #[arg(long)]
    ceremony: bool,
}

impl DemoCommand {
    /// Plays the demo.
    ///
    /// # Errors
    /// Whatever kept it from being played to its end.
    pub fn run(&self) -> anyhow::Result<()> {
        let executable = std::env::current_exe().context("cannot find this program's own file")?;
        let options = Options {
            once: self.once,
            folder: self.dir.clone(),
            persons: self.persons as usize,
            applicants: self.applicants as usize,
            ceremony: self.ceremony,
        };
        let (interrupted, stop) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        runtime.spawn(async move {
            crate::run::interrupted().await;
            // The demo may have ended by itself.
            let _ = interrupted.send(());
        });
        play(&executable, &options, &stop)?;
        Ok(())
    }
}
