//! `tacit ceremony contribute`

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rand_core::OsRng;
use zeroize::Zeroizing;

use super::{Place, Show, circuit, print_added};
use crate::error::ClientError;
use crate::output::Format;

/// What is read of a file with entropy: far more than anybody throws dice for.
const MAX_ENTROPY_BYTES: u64 = 1 << 20;

/// Who contributes, and with what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    tacit ceremony contribute --dir ceremony --as meridian --entropy-file dice.txt")]
pub struct Contribute {
    #[command(flatten)]
    place: Place,
    /// The member.
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// A file nobody else knows, mixed into what the system's randomness gives.
    #[arg(long, value_name = "FILE")]
    entropy_file: Option<PathBuf>,
}

impl Contribute {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let entropy = match &self.entropy_file {
            Some(path) => read_entropy(path)?,
            None => Zeroizing::default(),
        };
        let circuit = circuit()?;
        let ceremony = self.place.ceremony(&circuit);
        let step = Show::new(format, false)
            .during(|watch| ceremony.contribute(&self.name, &entropy, &mut OsRng, watch))?;
        print_added(format, &step)?;
        if format == Format::Text {
            writeln!(
                io::stdout(),
                "tell the others this head, and hand the folder on"
            )?;
        }
        Ok(())
    }
}

fn read_entropy(path: &Path) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    let file = |source| ClientError::File {
        path: path.into(),
        source,
    };
    // One allocation, so that none is left behind unwiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_ENTROPY_BYTES as usize + 1));
    let opened = File::open(path).map_err(file)?;
    let mut opened = opened.take(MAX_ENTROPY_BYTES + 1);
    opened.read_to_end(&mut bytes).map_err(file)?;
    if bytes.is_empty() || bytes.len() as u64 > MAX_ENTROPY_BYTES {
        return Err(ClientError::Invalid {
            path: path.into(),
            reason: format!("must hold 1 to {MAX_ENTROPY_BYTES} bytes"),
        });
    }
    Ok(bytes)
}
