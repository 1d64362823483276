//! `tacit ceremony verify`

use std::io::{self, Write as _};

use rand_core::OsRng;
use serde_json::json;
use tacit_circuits::ceremony::{Next, Step};

use super::{Place, Show, circuit, from_hex};
use crate::ceremony::{CeremonyError, Checked, KeyFiles};
use crate::error::ClientError;
use crate::output::{Format, print_json};

/// What is checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tacit ceremony verify --dir ceremony")]
pub struct Verify {
    #[command(flatten)]
    place: Place,
    /// The public value that must have ended phase 1, and, given again, that of phase 2.
    #[arg(long, value_name = "HEX", value_parser = from_hex)]
    beacon: Vec<std::vec::Vec<u8>>,
}

impl Verify {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let circuit = circuit()?;
        let ceremony = self.place.ceremony(&circuit);
        let (checked, keys) =
            Show::new(format, true).during(|watch| ceremony.verify(&mut OsRng, watch))?;
        self.expected(&checked)?;
        print_result(format, &checked, keys.as_ref())
    }

    fn expected(&self, checked: &Checked) -> Result<(), ClientError> {
        let beacons = checked.steps.iter().filter_map(|step| match &step.what {
            Step::Closing { beacon, .. } => Some(beacon),
            Step::Contribution { .. } => None,
        });
        let mut beacons = beacons.map(Some).chain(std::iter::repeat(None));
        for (expected, phase) in self.beacon.iter().zip(1..) {
            let found = beacons.next().flatten();
            if found != Some(expected) {
                let found = found.map_or("not ended".into(), |found| {
                    format!("ended by {}", hex::encode(found))
                });
                return Err(CeremonyError::OtherBeacon(format!(
                    "phase {phase} is {found}, not by {}",
                    hex::encode(expected)
                ))
                .into());
            }
        }
        Ok(())
    }
}

fn print_result(
    format: Format,
    checked: &Checked,
    keys: Option<&KeyFiles>,
) -> Result<(), ClientError> {
    let header = checked.transcript.header();
    let id = keys.map(|keys| hex::encode(keys.id));
    let next = checked.transcript.next();
    if format == Format::Json {
        let (phase, missing) = match &next {
            Next::Open { phase, missing } => (Some(*phase as u8), missing.clone()),
            Next::Over => (None, Vec::new()),
        };
        return print_json(&json!({
            "ceremony": hex::encode(header.id()),
            "circuit": hex::encode(header.circuit()),
            "beacons": header.beacon_source(),
            "open_phase": phase,
            "missing": missing,
            "verifying_key": id,
        }));
    }
    let mut out = io::stdout().lock();
    writeln!(out, "ceremony {}", hex::encode(header.id()))?;
    writeln!(out, "circuit  {}", hex::encode(header.circuit()))?;
    writeln!(out, "beacons  {}", header.beacon_source())?;
    match (next, id) {
        (Next::Open { phase, missing }, _) if missing.is_empty() => {
            writeln!(out, "{phase} waits for its beacon")?;
        }
        (Next::Open { phase, missing }, _) => {
            writeln!(out, "{phase} waits for {}", missing.join(", "))?;
        }
        (Next::Over, Some(id)) => writeln!(out, "verifying key {id}")?,
        (Next::Over, None) => {}
    }
    Ok(())
}
