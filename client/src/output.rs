//! Answers for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::ClientError;

/// What answers look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Prints one JSON object on a line of its own.
///
/// # Errors
/// Where standard output is closed.
pub fn print_json(value: &impl Serialize) -> Result<(), ClientError> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints why a command failed, on standard error.
pub fn print_error(format: Format, error: &ClientError) {
    match format {
        Format::Text => eprintln!("tacit: {error}"),
        Format::Json => {
            let object = serde_json::json!({ "error": error.code(), "message": error.to_string() });
            eprintln!("{object}");
        }
    }
}

/// A table for people: columns as wide as their widest cell.
#[derive(Clone, Debug)]
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(header: &[&'static str]) -> Self {
        Self {
            header: header.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints it.
    ///
    /// # Errors
    /// Where standard output is closed.
    pub fn print(&self) -> Result<(), ClientError> {
        io::stdout().lock().write_all(self.to_string().as_bytes())?;
        Ok(())
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let header: Vec<String> = self.header.iter().map(|cell| (*cell).to_owned()).collect();
        let lines = || std::iter::once(&header).chain(&self.rows);
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                lines()
                    .filter_map(|row| row.get(column))
                    .map(|cell| width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in lines() {
            let mut line = String::new();
            for (cell, wide) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', wide - width(cell) + 2));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Columns that a terminal uses: two for the ideographs and full-width forms of East Asian scripts (UAX #11), one
/// for everything else that names hold.
fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3fffd}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// An amount of quota: minor units are thousandths.
pub fn quota(minor: u64) -> String {
    format!("{}.{:03}", minor / 1_000, minor % 1_000)
}

/// A moment as RFC 3339 in UTC, to the second. 0 is shown as a dash.
pub fn moment(time_ms: u64) -> String {
    if time_ms == 0 {
        return "-".into();
    }
    let seconds = time_ms / 1_000;
    let date = tacit_ledger::kernel::BusinessDate::at(time_ms, 0);
    let (year, month, day) = date.year_month_day();
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The first eight bytes of a hash, for people.
pub fn short(hash: &[u8]) -> String {
    hex::encode(&hash[..hash.len().min(8)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_under_names_in_both_scripts() {
        let mut table = Table::new(&["member", "lists"]);
        table.row(["港湾".into(), "1".into()]);
        table.row(["bank".into(), "22".into()]);
        assert_eq!(table.to_string(), "member  lists\n港湾    1\nbank    22\n");
    }

    #[test]
    fn a_moment_is_written_as_rfc_3339() {
        assert_eq!(moment(1_524_700_800_000), "2018-04-26T00:00:00Z");
        assert_eq!(quota(12_345), "12.345");
    }
}
