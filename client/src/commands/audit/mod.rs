//! `tacit audit …`

mod bundle;
mod custodian;
mod fetch;
mod open;
mod reads;
mod retention;
mod shown;
mod verify;

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;

/// Calls opened to an examiner: who asked about whom, when, why, and what the list said; and for how long that is kept.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Writes opened calls with their evidence into a file.
    Bundle(bundle::Bundle),
    /// Shows who looked at the records, and verifies the account of it.
    Reads(reads::ReadsCommand),
    /// Checks such a file without a node, from the file and the genesis alone, and shows what it proves.
    Verify(verify::Verify),
    /// Shows whom one call was about, and checks that it was that customer who was asked about.
    Open(open::Open),
    /// For how long the records of this institution's calls are kept, and when each month's key will be destroyed.
    Retention(retention::Retention),
    /// Places a legal hold: the records of a month and class are kept until it is released.
    Hold(retention::Hold),
    /// Releases a legal hold.
    Release(retention::Release),
    /// The sealed copies of an institution's records that somebody outside its own systems holds.
    #[command(subcommand)]
    Custodian(custodian::CustodianCommand),
}

impl AuditCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::Bundle(command) => command.run(context).await?,
            Self::Reads(command) => command.run(context).await?,
            Self::Verify(command) => command.run(context.format())?,
            Self::Open(command) => command.run(context).await?,
            Self::Retention(command) => command.run(context).await?,
            Self::Hold(command) => command.run(context).await?,
            Self::Release(command) => command.run(context).await?,
            Self::Custodian(command) => command.run(context).await?,
        }
        Ok(Exit::Clear)
    }
}
