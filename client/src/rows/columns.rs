//! Which columns of a file hold what.

use std::path::Path;

use clap::builder::{PossibleValue, TypedValueParser};
use csv::ByteRecord;
use tacit_circuits::identifier::IdentifierType;

use crate::error::ClientError;

/// Columns of a file that may be chosen. A row becomes one call per column and list, so more would be a slip.
const MAX_COLUMNS: usize = 16;

/// Reads the name of an identifier's type, and tells help and completion which there are.
#[derive(Clone, Copy, Debug)]
pub struct IdentifierTypes;

impl TypedValueParser for IdentifierTypes {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        let names = IdentifierType::ALL.map(IdentifierType::name);
        clap::builder::PossibleValuesParser::new(names).parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = IdentifierType::ALL.map(|kind| PossibleValue::new(kind.name()));
        Some(Box::new(names.into_iter()))
    }
}

/// Which columns hold what.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ColumnChoice {
    /// A column of the file, by its name in the header. Repeat it with its --type for further columns.
    #[arg(long = "column", value_name = "NAME")]
    pub(super) columns: Vec<String>,
    /// The type of identifier in the column before it.
    #[arg(long = "type", value_name = "TYPE", value_parser = IdentifierTypes)]
    pub(super) types: Vec<String>,
    /// Country of phone numbers without a country code, as two letters (ISO 3166-1 alpha-2).
    #[arg(long, value_name = "CODE")]
    pub region: Option<String>,
}

impl ColumnChoice {
    /// The only type, where one value and no column is given.
    pub fn only_type(&self) -> Option<&str> {
        match (self.columns.as_slice(), self.types.as_slice()) {
            ([], [kind]) => Some(kind),
            _ => None,
        }
    }
}

/// The chosen columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub(super) chosen: Vec<Column>,
}

/// A chosen column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// The type of identifier in it.
    pub kind: String,
    pub(super) place: usize,
}

impl Columns {
    pub(super) fn find(
        header: &ByteRecord,
        choice: &ColumnChoice,
        path: &Path,
    ) -> Result<Self, ClientError> {
        if choice.columns.is_empty() {
            return Err(ClientError::Usage(
                "name a column of the file with --column".into(),
            ));
        }
        if choice.columns.len() != choice.types.len() {
            return Err(ClientError::Usage(
                "each --column needs a --type after it".into(),
            ));
        }
        if choice.columns.len() > MAX_COLUMNS {
            return Err(ClientError::Usage(format!(
                "at most {MAX_COLUMNS} columns can be chosen"
            )));
        }
        let invalid = |reason: String| ClientError::Invalid {
            path: path.into(),
            reason,
        };
        let mut chosen: Vec<Column> = Vec::new();
        for (name, kind) in choice.columns.iter().zip(&choice.types) {
            let mut places = header
                .iter()
                .enumerate()
                .filter(|(_, field)| field.trim_ascii() == name.as_bytes())
                .map(|(place, _)| place);
            let place = places
                .next()
                .ok_or_else(|| invalid(missing(header, name)))?;
            if places.next().is_some() {
                return Err(invalid(format!("has two columns named {name}; rename one")));
            }
            if chosen.iter().any(|column| column.place == place) {
                return Err(ClientError::Usage(format!(
                    "the column {name} is chosen twice"
                )));
            }
            chosen.push(Column {
                name: name.clone(),
                kind: kind.clone(),
                place,
            });
        }
        Ok(Self { chosen })
    }

    /// The chosen columns, in the order in which they were named.
    pub fn chosen(&self) -> &[Column] {
        &self.chosen
    }

    /// The types of the chosen columns, each once.
    pub fn types(&self) -> Vec<String> {
        let mut types: Vec<String> = self
            .chosen
            .iter()
            .map(|column| column.kind.clone())
            .collect();
        types.sort();
        types.dedup();
        types
    }

    /// The number under which a value travels: record `record` of the file, column `column` of the chosen ones.
    pub fn number(&self, record: u64, column: usize) -> u64 {
        record * self.chosen.len() as u64 + column as u64
    }

    /// The record and the chosen column that a number stands for.
    pub fn record_and_column(&self, number: u64) -> (u64, usize) {
        let columns = self.chosen.len() as u64;
        (
            number / columns,
            usize::try_from(number % columns).unwrap_or_default(),
        )
    }

    /// The record and the name of the column that a number stands for.
    pub fn place(&self, number: u64) -> (u64, &str) {
        let (record, column) = self.record_and_column(number);
        (
            record,
            self.chosen.get(column).map_or("", |column| &column.name),
        )
    }
}

/// What is there in place of a column that is not, and what the file may be instead of CSV.
fn missing(header: &ByteRecord, name: &str) -> String {
    if header.is_empty() {
        return "is empty: the first line must name the columns".into();
    }
    let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
    let text = names.join(", ");
    let is_other = |separator: u8| {
        header.len() == 1
            && header
                .get(0)
                .is_some_and(|field| field.contains(&separator))
    };
    let hint = if text.contains('\0') {
        "; it seems to be UTF-16: save it as CSV in UTF-8"
    } else if header
        .iter()
        .any(|field| std::str::from_utf8(field).is_err())
    {
        "; its header is not UTF-8: save it as CSV in UTF-8"
    } else if is_other(b';') {
        "; it seems to be separated by semicolons: separate by commas"
    } else if is_other(b'\t') {
        "; it seems to be separated by tabs: separate by commas"
    } else {
        ""
    };
    format!(
        "has no column {name}; it has: {}{hint}",
        text.replace('\0', "")
    )
}
