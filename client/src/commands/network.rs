//! `tacit network …`

use tacit_proto::operator::{AddCategory, SetParameter, propose_request::Change};

use super::member::propose;
use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;

/// Votes on the network's rules.
#[derive(Debug, clap::Subcommand)]
pub enum NetworkCommand {
    /// Proposes another value of a parameter.
    #[command(
        after_help = "Examples:\n  tacit network propose-parameter welcome_grant_minor 50000000\n  tacit network propose-parameter transaction-fraud.price_minor 1500"
    )]
    ProposeParameter {
        /// Its name; one of a category as CATEGORY.FIELD.
        name: String,
        /// The new value.
        value: u64,
    },
    /// Proposes a new category of lists.
    ProposeCategory {
        /// Its name.
        name: String,
    },
}

impl NetworkCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let change = match self {
            Self::ProposeParameter { name, value } => Change::SetParameter(SetParameter {
                name: name.clone(),
                value: *value,
            }),
            Self::ProposeCategory { name } => {
                Change::AddCategory(AddCategory { name: name.clone() })
            }
        };
        propose(context, change).await?;
        Ok(Exit::Clear)
    }
}
