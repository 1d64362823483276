//! `tacit ceremony finish`

use std::io::{self, Write as _};

use rand_core::OsRng;
use serde_json::json;
use tacit_circuits::ceremony::Phase;

use super::{Place, Show, circuit, from_hex, print_added};
use crate::error::ClientError;
use crate::output::{Format, print_json};

/// Which phase ends, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    tacit ceremony finish --dir ceremony --phase 1 --skip orchid \\\n    \
    --beacon 9d1f6a0c5b7e4a8f2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293")]
pub struct Finish {
    #[command(flatten)]
    place: Place,
    /// The phase to end.
    #[arg(long, value_name = "PHASE", value_parser = clap::value_parser!(u8).range(1..=2))]
    phase: u8,
    /// The public value, in hexadecimal.
    #[arg(long, value_name = "HEX", value_parser = from_hex)]
    beacon: std::vec::Vec<u8>,
    /// A member who does not contribute to this phase; may be given several times.
    #[arg(long, value_name = "NAME")]
    skip: Vec<String>,
}

impl Finish {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let phase = match self.phase {
            1 => Phase::Powers,
            _ => Phase::Delta,
        };
        let circuit = circuit()?;
        let ceremony = self.place.ceremony(&circuit);
        let (step, keys) = Show::new(format, false)
            .during(|watch| ceremony.finish(phase, &self.beacon, &self.skip, &mut OsRng, watch))?;
        print_added(format, &step)?;
        let Some(keys) = keys else { return Ok(()) };
        let id = hex::encode(keys.id);
        match format {
            Format::Json => print_json(&json!({ "verifying_key": id }))?,
            Format::Text => writeln!(io::stdout(), "verifying key {id}")?,
        }
        Ok(())
    }
}
