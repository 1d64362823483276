//! Going on with an output that an earlier run left unfinished.

use std::fs::{File, OpenOptions};
use std::io::BufReader;
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{Counts, Layout};
use crate::error::ClientError;
use crate::rows::RowSource;

/// Whole records of an unfinished output. 0 where there is none.
pub(in super::super) fn records_in(path: &Path) -> Result<u64, ClientError> {
    if !path.exists() {
        return Ok(0);
    }
    let failed = |source| ClientError::File {
        path: path.into(),
        source,
    };
    let mut reader = reader(File::open(path).map_err(failed)?);
    let (mut record, mut records) = (ByteRecord::new(), 0_u64);
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| failed(std::io::Error::other(error)))?
    {
        records += 1;
    }
    // One of them is the header, and the last one may be cut off.
    let cut = u64::from(records > 0 && !ends_with_newline(path)?);
    Ok(records.saturating_sub(1 + cut))
}

fn reader<R: std::io::Read>(file: R) -> Reader<BufReader<R>> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(BufReader::new(file))
}

/// Opens an unfinished output, cuts it behind its last whole record, and counts what it holds. `None` where
/// nothing was written.
///
/// Each record must be that of the same number in `source`: answers about one file are not continued with another.
pub(super) fn reopen(
    path: &Path,
    titles: &ByteRecord,
    layout: &Layout,
    source: &mut RowSource,
) -> Result<Option<(File, Counts)>, ClientError> {
    let failed = |source| ClientError::File {
        path: path.into(),
        source,
    };
    let invalid = |reason: String| ClientError::Invalid {
        path: path.into(),
        reason,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let mut counts = Counts::default();
    let mut complete;
    {
        let mut reader = reader(&file);
        let mut record = ByteRecord::new();
        let mut read = |record: &mut ByteRecord| {
            reader
                .read_byte_record(record)
                .map(|found| found.then(|| reader.position().byte()))
                .map_err(|error| failed(std::io::Error::other(error)))
        };
        // A header that is cut off stands before nothing.
        match read(&mut record)? {
            Some(position) if position < bytes || ends_with_newline(path)? => complete = position,
            _ => return Ok(None),
        }
        if record != *titles {
            return Err(invalid(
                "was begun with other columns or lists; begin anew with --overwrite".into(),
            ));
        }
        while let Some(position) = read(&mut record)? {
            let is_last = position >= bytes;
            // The last record may be cut off, even behind a line's end that stands in a field.
            let is_whole = record.len() >= titles.len() && (!is_last || ends_with_newline(path)?);
            if is_last && !is_whole {
                break;
            }
            let number = counts.records + 1;
            let original = source.next_record()?;
            if !is_whole || !original.is_some_and(|(_, own)| is_of(&record, &own, layout)) {
                return Err(invalid(format!(
                    "holds a record {number} that is not that of {}; name the file it was begun with, or begin \
                     anew with --overwrite",
                    source.path().display()
                )));
            }
            complete = position;
            counts.add(layout.counts(&record));
        }
    }
    file.set_len(complete).map_err(failed)?;
    Ok(Some((file, counts)))
}

/// Whether a written record is a file's record with its answers.
fn is_of(written: &ByteRecord, own: &ByteRecord, layout: &Layout) -> bool {
    let added = layout.lanes.len() + layout.columns.chosen().len();
    let head = (0..layout.own).map(|place| own.get(place).unwrap_or_default());
    written.iter().take(layout.own).eq(head)
        && written
            .iter()
            .skip(layout.own + added)
            .eq(own.iter().skip(layout.own))
}

fn ends_with_newline(path: &Path) -> Result<bool, ClientError> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let failed = |source| ClientError::File {
        path: path.into(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1)).map_err(failed)?;
    file.read_exact(&mut last).map_err(failed)?;
    Ok(last == *b"\n")
}
