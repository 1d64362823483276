//! `tacit identifier …`

use std::io::{self, BufRead, Read as _, Write as _};

use serde_json::json;
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, print_json};
use crate::rows::IdentifierTypes;

/// The longest line that is read: many times what an identifier has.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Checks identifiers without asking anybody.
#[derive(Debug, clap::Subcommand)]
pub enum IdentifierCommand {
    /// Prints the canonical form of each identifier, or why it is none.
    ///
    /// Two spellings of one identifier have one canonical form: that is what is listed and screened. Exits with 2
    /// where one of them is none.
    #[command(
        after_help = "Examples:\n  tacit identifier check --type phone --region CN '138 0013 8000'\n  \
        cut -d, -f2 list.csv | tacit identifier check --type resident-id"
    )]
    Check {
        /// The type of the identifiers.
        #[arg(long = "type", value_name = "TYPE", value_parser = IdentifierTypes)]
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
        let (kind, conventions) = spelling(kind, region.as_deref(), namespace.as_deref())?;
        let all_good = if values.is_empty() {
            check_lines(io::stdin().lock(), context.format(), kind, &conventions)?
        } else {
            values.iter().try_fold(true, |all_good, value| {
                Ok::<_, ClientError>(
                    check(context.format(), kind, value, &conventions)? && all_good,
                )
            })?
        };
        Ok(if all_good { Exit::Clear } else { Exit::Usage })
    }
}

/// The type of an identifier and how it is written, as the command line says.
pub(super) fn spelling(
    kind: &str,
    region: Option<&str>,
    namespace: Option<&str>,
) -> Result<(IdentifierType, Conventions), ClientError> {
    let kind_of = kind
        .parse()
        .map_err(|error| ClientError::Usage(format!("{kind}: {error}")))?;
    let region = region.map(|code| {
        code.parse()
            .map_err(|error| ClientError::Usage(format!("{code}: {error}")))
    });
    let conventions = Conventions {
        region: region.transpose()?,
        namespace: namespace.map(str::to_owned),
        ..Conventions::default()
    };
    Ok((kind_of, conventions))
}

/// Checks lines, each on its own: one that is no text is refused, and the rest goes on.
fn check_lines(
    mut lines: impl BufRead,
    format: Format,
    kind: IdentifierType,
    conventions: &Conventions,
) -> Result<bool, ClientError> {
    let mut all_good = true;
    let mut line = Vec::new();
    let mut is_first = true;
    loop {
        line.clear();
        let read = (&mut lines)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|source| ClientError::File {
                path: "standard input".into(),
                source,
            })?;
        if read == 0 {
            return Ok(all_good);
        }
        if read as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
            return Err(ClientError::Usage(format!(
                "a line of standard input is longer than {MAX_LINE_BYTES} bytes; give one identifier a line"
            )));
        }
        let text = if is_first {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line)
        } else {
            &line
        };
        is_first = false;
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match std::str::from_utf8(text) {
            Ok(value) => all_good &= check(format, kind, value, conventions)?,
            Err(_) => {
                refuse(format, kind, "is not UTF-8")?;
                all_good = false;
            }
        }
    }
}

fn refuse(format: Format, kind: IdentifierType, reason: &str) -> Result<(), ClientError> {
    match format {
        Format::Json => print_json(&json!({ "refused": reason })),
        Format::Text => Ok(writeln!(io::stdout(), "! {kind} {reason}")?),
    }
}

fn check(
    format: Format,
    kind: IdentifierType,
    value: &str,
    conventions: &Conventions,
) -> Result<bool, ClientError> {
    match normalize(kind, value, conventions) {
        Ok(identifier) => {
            match format {
                Format::Json => print_json(&json!({ "canonical": identifier.expose() }))?,
                Format::Text => writeln!(io::stdout(), "{}", identifier.expose())?,
            }
            Ok(true)
        }
        Err(refusal) => {
            refuse(format, kind, &refusal.to_string())?;
            Ok(false)
        }
    }
}
