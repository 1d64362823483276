//! `tacit ceremony new`

use std::io::{self, Write as _};

use rand_core::OsRng;
use serde_json::json;
use tacit_circuits::ceremony::{BEACON_LOG2_HASHES, Header};

use super::{Place, circuit};
use crate::error::ClientError;
use crate::output::{Format, print_json};

/// What a ceremony begins with.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    tacit ceremony new --dir ceremony --members harbour,meridian,orchid,summit \\\n    \
    --beacons 'the hashes of blocks 120000 and 240000 of the chain 5f0c'")]
pub struct New {
    #[command(flatten)]
    place: Place,
    /// Who is expected to contribute, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    members: Vec<String>,
    /// Which public values will end the phases, in words.
    #[arg(long, value_name = "WORDS")]
    beacons: String,
    /// The power of two of hashes between a beacon and what it contributes.
    #[arg(long, value_name = "LOG2", default_value_t = BEACON_LOG2_HASHES)]
    beacon_hashes: u8,
}

impl New {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let circuit = circuit()?;
        let header = Header::new(
            &circuit,
            self.members.clone(),
            self.beacons.clone(),
            self.beacon_hashes,
            &mut OsRng,
        )
        .map_err(|error| ClientError::Usage(error.to_string()))?;
        self.place.ceremony(&circuit).begin(&header)?;
        let (id, circuit) = (hex::encode(header.id()), hex::encode(header.circuit()));
        if format == Format::Json {
            return print_json(&json!({
                "ceremony": id,
                "circuit": circuit,
                "log2_size": header.log2_size(),
                "members": header.members(),
                "beacons": header.beacon_source(),
            }));
        }
        let mut out = io::stdout().lock();
        writeln!(out, "ceremony {id}")?;
        writeln!(out, "circuit  {circuit}")?;
        writeln!(out, "hand {} to the first member", self.place.dir.display())?;
        Ok(())
    }
}
