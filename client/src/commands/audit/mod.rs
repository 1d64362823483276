//! `tacit audit …`

mod bundle;
mod reads;
mod verify;

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;

/// Calls opened to an examiner: who asked about whom, when, why, and what the list said.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Writes opened calls with their evidence into a file.
    Bundle(bundle::Bundle),
    /// Shows who looked at the records, and verifies the account of it.
    Reads(reads::ReadsCommand),
    /// Checks such a file without a node, from the file and the genesis alone, and shows what it proves.
    Verify(verify::Verify),
}

impl AuditCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::Bundle(command) => command.run(context).await?,
            Self::Reads(command) => command.run(context).await?,
            Self::Verify(command) => command.run(context.format())?,
        }
        Ok(Exit::Clear)
    }
}
