//! `tacit audit custodian …`

mod keys;
mod open;

use crate::Context;
use crate::error::ClientError;

/// The sealed copies of an institution's records that somebody outside its own systems holds.
#[derive(Debug, clap::Subcommand)]
pub enum CustodianCommand {
    /// Makes the custodian's keys, one for each class and month, or more of them.
    Keys(keys::Keys),
    /// Opens copies without the institution that made them.
    Open(open::Open),
}

impl CustodianCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        match self {
            Self::Keys(command) => command.run(context.format()),
            Self::Open(command) => command.run(context).await,
        }
    }
}
