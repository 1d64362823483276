//! A file's records on their way to the node.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use csv::ByteRecord;
use tacit_proto::operator::{ScreenRequest, ScreenRow, ScreenRows, screen_request::Step as Asked};
use tacit_proto::{MAX_ROWS_PER_MESSAGE, rows_digest};
use tokio::sync::{Semaphore, mpsc};

use crate::error::ClientError;
use crate::exit::Exit;
use crate::rows::{Broken, ColumnChoice, RowSource, Value};

/// Records that travel together. Small enough that the first answers come soon.
const RECORDS_PER_MESSAGE: usize = 2_000;

/// A record read from the file, with what is to become of it.
pub(super) enum Read {
    Asked(u64, ByteRecord),
    KeptOut(ByteRecord, Broken),
}

/// Records that travel together, and the rows that are asked about them.
struct Batch {
    records: Vec<Read>,
    rows: Vec<ScreenRow>,
}

/// The records of a file in the batches in which they travel: the same at each reading from the same record on.
struct Batches {
    source: RowSource,
    most: usize,
}

impl Batches {
    fn new(source: RowSource) -> Self {
        let per_record = source.columns().chosen().len();
        Self {
            source,
            most: RECORDS_PER_MESSAGE.min(MAX_ROWS_PER_MESSAGE / per_record),
        }
    }

    /// The next of them; none at the file's end.
    fn next(&mut self) -> Result<Option<Batch>, ClientError> {
        let (mut records, mut rows) = (Vec::with_capacity(self.most), Vec::new());
        while records.len() < self.most {
            let Some((number, record)) = self.source.next_record()? else {
                break;
            };
            match self.source.values(number, &record) {
                Ok(values) => {
                    rows.extend(values.into_iter().map(screen_row));
                    records.push(Read::Asked(number, record));
                }
                Err(broken) => records.push(Read::KeptOut(record, broken)),
            }
        }
        Ok(Some(Batch { records, rows }).filter(|batch| !batch.records.is_empty()))
    }
}

/// What a first pass over the file finds.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Records of the file.
    pub(super) records: u64,
    /// Values that are still to be asked, by type.
    pub(super) by_type: BTreeMap<String, u64>,
    /// Digest of the rows of each message that will ask them.
    pub(super) digests: Vec<Vec<u8>>,
}

/// Counts what stands behind the first `done` records.
pub(super) fn count(
    columns: &ColumnChoice,
    from: &Path,
    done: u64,
) -> Result<Counted, ClientError> {
    let mut source = RowSource::open(from, columns)?;
    let mut counted = Counted::default();
    while counted.records < done && source.next_record()?.is_some() {
        counted.records += 1;
    }
    let mut batches = Batches::new(source);
    while let Some(batch) = batches.next()? {
        counted.records += batch.records.len() as u64;
        counted.digests.push(rows_digest(&batch.rows).to_vec());
        for row in batch.rows {
            *counted.by_type.entry(row.r#type).or_default() += 1;
        }
    }
    if counted.records == 0 {
        return Err(ClientError::Invalid {
            path: from.into(),
            reason: "has no row below its header; nothing was asked".into(),
        });
    }
    Ok(counted)
}

/// True once the person has pressed Ctrl-C: what was asked is still answered and written. The second time ends the
/// program at once; what is in the unfinished output stays there.
pub(super) fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::Relaxed);
            eprintln!(
                "stopping: what was asked is still written; go on later with --resume (Ctrl-C again ends at once)"
            );
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Incomplete.code().into());
        }
    });
    stop
}

/// Reads records and sends their values, as far as the window allows. True when it came to the file's end.
pub(super) fn feed(
    source: RowSource,
    stop: &AtomicBool,
    window: &Arc<Semaphore>,
    read: &mpsc::Sender<Vec<Read>>,
    asked: &mpsc::Sender<ScreenRequest>,
) -> Result<bool, ClientError> {
    let mut batches = Batches::new(source);
    let runtime = tokio::runtime::Handle::current();
    while !stop.load(Ordering::Relaxed) {
        let Some(Batch { records, rows }) = batches.next()? else {
            return Ok(true);
        };
        let place = u32::try_from(records.len()).unwrap_or(u32::MAX);
        match runtime.block_on(window.acquire_many(place)) {
            // Given back when the records are written.
            Ok(permits) => permits.forget(),
            Err(_) => return Ok(false),
        }
        // The collector must know a record before its answers come.
        let request = ScreenRequest {
            step: Some(Asked::Rows(ScreenRows { rows })),
        };
        if read.blocking_send(records).is_err() || asked.blocking_send(request).is_err() {
            return Ok(false);
        }
    }
    Ok(false)
}

fn screen_row(value: Value) -> ScreenRow {
    ScreenRow {
        row: value.row,
        r#type: value.kind,
        value: value.value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tests::choice;

    fn counted(text: &str, done: u64) -> Result<Counted, ClientError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        std::fs::write(&path, text).unwrap();
        count(
            &choice(&[("phone", "phone"), ("card", "card")]),
            &path,
            done,
        )
    }

    #[test]
    fn what_an_earlier_run_has_done_is_not_paid_for_again() {
        let text = "phone,card\n1,2\n3\n5,6\n";
        let all = counted(text, 0).unwrap();
        assert_eq!(
            (all.records, all.by_type["phone"], all.by_type["card"]),
            (3, 2, 2)
        );
        let rest = counted(text, 2).unwrap();
        assert_eq!((rest.records, rest.by_type["phone"]), (3, 1));
        assert!(counted(text, 3).unwrap().by_type.is_empty());
    }

    #[test]
    fn a_file_without_rows_is_told_so_and_is_not_clear() {
        let error = counted("phone,card\n", 0).unwrap_err();
        assert!(error.to_string().contains("no row"), "{error}");
        assert_eq!(error.exit(), Exit::Usage);
    }
}
