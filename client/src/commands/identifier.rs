//! `tacit identifier …`

use std::io::{self, BufRead as _, Write as _};

use serde_json::json;
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, print_json};

/// Checks identifiers without asking anybody.
#[derive(Debug, clap::Subcommand)]
pub enum IdentifierCommand {
    /// Prints the canonical form of each identifier, or why it is none.
    ///
    /// Two spellings of one identifier have one canonical form: that is what is listed and screened.
    #[command(
        after_help = "Examples:\n  tacit identifier check --type phone --region CN '138 0013 8000'\n  \
        cut -d, -f2 list.csv | tacit identifier check --type resident-id"
    )]
    Check {
        /// The type, such as phone, card, iban, resident-id or credit-code.
        #[arg(long = "type", value_name = "TYPE")]
        kind: String,
        /// Country of phone numbers without a country code, as two letters (ISO 3166-1 alpha-2).
        #[arg(long, value_name = "CODE")]
        region: Option<String>,
        /// The bank of account numbers, the scheme of device numbers, the namespace of free text.
        #[arg(long)]
        namespace: Option<String>,
        /// The identifiers; lines of standard input if none is given.
        #[arg(value_name = "VALUE")]
        values: Vec<String>,
    },
}

impl IdentifierCommand {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let Self::Check {
            kind,
            region,
            namespace,
            values,
        } = self;
        let kind: IdentifierType = kind
            .parse()
            .map_err(|error| ClientError::Usage(format!("{kind}: {error}")))?;
        let region = match region {
            None => None,
            Some(code) => Some(
                code.parse()
                    .map_err(|error| ClientError::Usage(format!("{code}: {error}")))?,
            ),
        };
        let conventions = Conventions {
            region,
            namespace: namespace.clone(),
            ..Conventions::default()
        };
        let mut all_good = true;
        if values.is_empty() {
            for line in io::stdin().lock().lines() {
                all_good &= check(context.format(), kind, &line?, &conventions)?;
            }
        } else {
            for value in values {
                all_good &= check(context.format(), kind, value, &conventions)?;
            }
        }
        Ok(if all_good { Exit::Clear } else { Exit::Usage })
    }
}

fn check(
    format: Format,
    kind: IdentifierType,
    value: &str,
    conventions: &Conventions,
) -> Result<bool, ClientError> {
    let result = normalize(kind, value, conventions);
    match (format, &result) {
        (Format::Json, Ok(identifier)) => print_json(&json!({ "canonical": identifier.expose() }))?,
        (Format::Json, Err(refusal)) => print_json(&json!({ "refused": refusal.to_string() }))?,
        (Format::Text, Ok(identifier)) => writeln!(io::stdout(), "{}", identifier.expose())?,
        (Format::Text, Err(refusal)) => writeln!(io::stdout(), "! {kind} {refusal}")?,
    }
    Ok(result.is_ok())
}
