//! `tacit ceremony …`

mod contribute;
mod finish;
mod new;
mod verify;

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::path::PathBuf;

use indicatif::ProgressBar;
use serde_json::{Value, json};
use tacit_circuits::ceremony::{Circuit, Keys, Step};
use tacit_circuits::receipt::{ProvingKey, circuit_for_setup};

use super::bar;
use crate::Context;
use crate::ceremony::{Bad, Ceremony, CeremonyError, CheckedStep, KeyFiles, Watch};
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, print_json, short};

/// The ceremony that makes the keys of receipts.
///
/// Members hand a folder from one to the next; each adds a contribution with secrets that nobody else ever sees. The
/// keys are sound if one of them was honest.
#[derive(Debug, clap::Subcommand)]
pub enum CeremonyCommand {
    /// Begins a ceremony in a new folder.
    ///
    /// Say in --beacons, before anybody contributes, which public values will end the phases: none may be known to anybody
    /// before the last contribution of its phase is with all members.
    New(new::New),
    /// Adds a member's contribution to the phase that is open.
    ///
    /// All that is there is checked before. A step that does not hold is set aside with all that follows it, and told; if it
    /// was only damaged on its way, get the folder again and contribute to that. An interrupted contribution is simply made
    /// again. Tell the others the head that is printed, on a way on which they know you.
    Contribute(contribute::Contribute),
    /// Checks every step, and names whoever made one that does not hold.
    ///
    /// Prints each step with the head of the transcript after it, which its maker told the others. Changes nothing. Exits
    /// with 4 at the first step that does not hold.
    Verify(verify::Verify),
    /// Ends a phase with a public value.
    ///
    /// Whoever does so has no say in what comes of it: all others compute the same. The end of phase 1 fits the powers to
    /// the circuit; the end of phase 2 writes proving.key and verifying.key, and prints the key that is put to the vote.
    Finish(finish::Finish),
}

impl CeremonyCommand {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::New(command) => command.run(context.format())?,
            Self::Contribute(command) => command.run(context.format())?,
            Self::Verify(command) => command.run(context.format())?,
            Self::Finish(command) => command.run(context.format())?,
        }
        Ok(Exit::Clear)
    }
}

/// Where a ceremony is.
#[derive(Debug, clap::Args)]
struct Place {
    /// The ceremony's folder.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

impl Place {
    fn ceremony<'a>(&self, circuit: &'a Circuit) -> Ceremony<'a> {
        Ceremony::new(&self.dir, circuit, key_files)
    }
}

/// The circuit of receipts, for which the keys are.
fn circuit() -> Result<Circuit, ClientError> {
    Circuit::new(circuit_for_setup()).map_err(|error| CeremonyError::Keys(error.to_string()).into())
}

fn key_files(keys: &Keys) -> Result<KeyFiles, String> {
    let key = ProvingKey::from_parameters(keys.proving().clone());
    let key = key.map_err(|error| error.to_string())?;
    let verifying = key.verifying_key();
    Ok(KeyFiles {
        proving: key.to_bytes(),
        verifying: verifying.to_bytes().to_vec(),
        id: verifying.id().0,
    })
}

/// Shows what happens: steps as they are checked, bars for what takes time.
struct Show {
    format: Format,
    bar: ProgressBar,
    /// What could not be printed.
    broken: RefCell<Option<ClientError>>,
    shows_steps: bool,
}

impl Show {
    fn new(format: Format, shows_steps: bool) -> Self {
        Self {
            format,
            bar: bar(format),
            broken: RefCell::new(None),
            shows_steps,
        }
    }

    /// Does something that is shown.
    fn during<T>(
        self,
        work: impl FnOnce(&Watch<'_>) -> Result<T, CeremonyError>,
    ) -> Result<T, ClientError> {
        let result = work(&Watch {
            step: &|step| {
                if self.shows_steps {
                    self.keep(print_step(self.format, step));
                }
            },
            set_aside: &|bad| self.keep(print_set_aside(self.format, bad)),
            stage: &|words| self.bar.set_message(words),
            progress: &|done, work| {
                self.bar.set_length(work as u64);
                self.bar.set_position(done as u64);
            },
        });
        self.bar.finish_and_clear();
        match self.broken.into_inner() {
            Some(error) => Err(error),
            None => Ok(result?),
        }
    }

    fn keep(&self, printed: Result<(), ClientError>) {
        if let Err(error) = printed {
            self.broken.borrow_mut().get_or_insert(error);
        }
    }
}

fn step_as_json(step: &CheckedStep) -> Value {
    let head = hex::encode(step.head);
    match &step.what {
        Step::Contribution { phase, name } => json!({
            "step": step.step,
            "phase": *phase as u8,
            "member": name,
            "head": head,
        }),
        Step::Closing {
            phase,
            beacon,
            skipped,
        } => json!({
            "step": step.step,
            "phase": *phase as u8,
            "beacon": hex::encode(beacon),
            "skipped": skipped,
            "head": head,
        }),
    }
}

fn print_step(format: Format, step: &CheckedStep) -> Result<(), ClientError> {
    if format == Format::Json {
        return print_json(&step_as_json(step));
    }
    let mut out = io::stdout().lock();
    let (number, head) = (step.step, short(&step.head));
    match &step.what {
        Step::Contribution { phase, name } => {
            writeln!(out, "{number:>3}  {phase}  {head}  {name}")?;
        }
        Step::Closing {
            phase,
            beacon,
            skipped,
        } => {
            let beacon = hex::encode(beacon);
            write!(
                out,
                "{number:>3}  {phase}  {head}  ended by beacon {beacon}"
            )?;
            if !skipped.is_empty() {
                write!(out, " without {}", skipped.join(", "))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

fn print_set_aside(format: Format, bad: &Bad) -> Result<(), ClientError> {
    match format {
        Format::Json => print_json(&json!({
            "set_aside": bad.step,
            "by": bad.author.to_string(),
            "reason": bad.reason,
        })),
        Format::Text => {
            eprintln!("set aside, with all that follows: {bad}");
            Ok(())
        }
    }
}

/// The new step, and what to do with its hash.
fn print_added(format: Format, step: &CheckedStep) -> Result<(), ClientError> {
    if format == Format::Json {
        return print_json(&step_as_json(step));
    }
    print_step(format, step)?;
    writeln!(io::stdout(), "head {}", hex::encode(step.head))?;
    Ok(())
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text).map_err(|error| format!("is not hexadecimal: {error}"))
}
