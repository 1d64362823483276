//! Histories as CSV (RFC 4180): comma, quotes where they are needed, lines that end with CR LF, a header.
//!
//! Spreadsheets run what begins a cell with one of some signs (OWASP, "CSV Injection"). Whoever opens a case may
//! choose its reference, so a text that begins with one is written behind an apostrophe, which spreadsheets hide;
//! so is a text that begins with an apostrophe itself, and nothing is lost: one apostrophe before a text is always
//! this one.

use std::borrow::Cow;
use std::io::Write;

use super::call::{COLUMNS, Call, Cell};
use super::export::Writer;
use crate::moment::precise;

/// What must not begin a text: what spreadsheets take for a formula or skip before one, and the sign of escaping.
const ESCAPED: [char; 9] = ['=', '+', '-', '@', '\t', '\r', '\n', '|', '\''];

pub(super) struct Csv<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W) -> std::io::Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        writer.write_record(COLUMNS.map(|column| column.name))?;
        Ok(Self { writer })
    }
}

impl<W: Write> Writer<W> for Csv<W> {
    fn add(&mut self, call: &Call<'_>) -> std::io::Result<()> {
        for cell in call.cells() {
            match cell {
                Cell::Absent => self.writer.write_field("")?,
                Cell::Number(number) => self.writer.write_field(number.to_string())?,
                Cell::Moment(time_ms) => self.writer.write_field(precise(time_ms))?,
                Cell::Text(text) => self.writer.write_field(&*harmless(text))?,
                Cell::Hash(hash) => self.writer.write_field(hex::encode(hash))?,
            }
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn finish(self: Box<Self>) -> std::io::Result<W> {
        self.writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)
    }
}

/// A text that no spreadsheet runs.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(ESCAPED) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
