use std::fs;
use std::path::Path;

use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use ::parquet::record::Field;
use proptest::prelude::*;
use serde_json::Value;
use tacit_proto::operator::{Answer, Direction, HistoryBatch, ListRef, OwnRecord};

use super::csv::harmless;
use super::*;

/// A batch of two calls that were asked, with texts that formats have to take care of.
fn asked() -> HistoryBatch {
    HistoryBatch {
        direction: Direction::Asked.into(),
        time_ms: 1_524_700_800_007,
        height: u64::MAX,
        tx_id: vec![0xab; 32],
        member_id: u32::MAX,
        list: Some(ListRef {
            list_id: 3,
            name: "cheats, \"known\"".into(),
            ..ListRef::default()
        }),
        tag_epoch: 1,
        session: 12,
        sequence: u64::MAX - 1,
        price_minor: 100,
        indexes: vec![0, 7],
        audit_hashes: [[1; 32], [2; 32]].concat(),
        own_record: Some(OwnRecord {
            answers: vec![Answer::Hit.into(), Answer::Clear.into()],
            operator: "柜员\r\n7".into(),
            purpose: "credit-origination".into(),
            lawful_basis: "consent".into(),
            case_reference: "=HYPERLINK(\"http://x\")".into(),
            approver: String::new(),
            version: 4,
        }),
    }
}

/// A batch of one call that was served, to a list that is known no more.
fn served() -> HistoryBatch {
    HistoryBatch {
        direction: Direction::Served.into(),
        time_ms: 1,
        tx_id: vec![0; 32],
        indexes: vec![5],
        audit_hashes: vec![9; 32],
        ..HistoryBatch::default()
    }
}

fn export(to: &Path, format: ExportFormat, batches: &[HistoryBatch]) -> Exported {
    let mut export = Export::begin(to, format, false).unwrap();
    for batch in batches {
        for call in calls(batch).unwrap() {
            export.add(&call).unwrap();
        }
    }
    export.finish().unwrap()
}

/// Rows as texts, null as none, with times and hashes as CSV writes them.
fn parquet_rows(path: &Path) -> Vec<Vec<Option<String>>> {
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let row = row.unwrap();
        row.get_column_iter()
            .map(|(_, field)| match field {
                Field::Null => None,
                Field::Str(text) => Some(text.clone()),
                Field::UInt(number) => Some(number.to_string()),
                Field::ULong(number) => Some(number.to_string()),
                Field::TimestampMillis(time) => Some(crate::moment::precise(*time as u64)),
                Field::Bytes(bytes) => Some(hex::encode(bytes.data())),
                other => panic!("{other:?}"),
            })
            .collect()
    })
    .collect()
}

#[test]
fn the_three_formats_hold_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let batches = [asked(), served()];
    let path = |name: &str| folder.path().join(name);
    for format in [
        ExportFormat::Csv,
        ExportFormat::Jsonl,
        ExportFormat::Parquet,
    ] {
        let to = path(format.name());
        let exported = export(&to, format, &batches);
        let bytes = fs::read(&to).unwrap();
        assert_eq!((exported.rows, exported.bytes), (3, bytes.len() as u64));
        use sha2::Digest as _;
        assert_eq!(
            exported.sha256,
            <[u8; 32]>::from(sha2::Sha256::digest(&bytes))
        );
    }

    let mut reader = ::csv::Reader::from_path(path("csv")).unwrap();
    let names: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(
        reader.headers().unwrap(),
        &::csv::StringRecord::from(names.clone())
    );
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let typed = parquet_rows(&path("parquet"));
    assert_eq!((rows.len(), typed.len()), (3, 3));
    for (row, typed) in rows.iter().zip(&typed) {
        for ((text, typed), column) in row.iter().zip(typed).zip(COLUMNS) {
            let typed = typed.as_deref().unwrap_or_default();
            assert_eq!(text, &*harmless(typed), "{}", column.name);
        }
    }
    let lines = fs::read_to_string(path("jsonl")).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (line, typed) in lines.iter().zip(&typed) {
        for (column, typed) in COLUMNS.iter().zip(typed) {
            let own = &line["own_record"][column.name];
            let value = if own.is_null() {
                &line[column.name]
            } else {
                own
            };
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            // Whose record holds no purpose has an empty one in JSON.
            let text = text.filter(|text| !(typed.is_none() && text.is_empty()));
            assert_eq!(&text, typed, "{}", column.name);
        }
    }
    assert_eq!(typed[0][2].as_deref(), Some("18446744073709551615"));
    assert_eq!(typed[0][4].as_deref(), Some("4294967295"));
    assert_eq!(typed[1][10].as_deref(), Some("7"));
    assert_eq!(typed[1][13].as_deref(), Some("clear"));
    assert_eq!(typed[2][13], None);
}

#[test]
fn what_a_spreadsheet_would_run_is_only_text() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("calls.csv");
    export(&to, ExportFormat::Csv, &[asked()]);
    let text = fs::read_to_string(to).unwrap();
    assert!(text.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{text}");
    assert!(text.ends_with("\r\n"));
    for (given, written) in [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@A", "'@A"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "''=1"),
        ("LOAN-1", "LOAN-1"),
        ("", ""),
    ] {
        assert_eq!(harmless(given), written);
    }
}

#[test]
fn a_file_is_whole_or_not_there_and_none_is_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("calls.csv");
    let names = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let batch = asked();
    let mut broken_off = Export::begin(&to, ExportFormat::Csv, false).unwrap();
    let first = calls(&batch).unwrap().next().unwrap();
    broken_off.add(&first).unwrap();
    assert!(!to.exists());
    assert_eq!(names().len(), 1, "what is on its way lies beside it");
    drop(broken_off);
    assert!(names().is_empty(), "{:?}", names());

    // Somebody else's file that comes meanwhile stays.
    let late = Export::begin(&to, ExportFormat::Csv, false).unwrap();
    fs::write(&to, "precious").unwrap();
    let error = late.finish().unwrap_err();
    assert_eq!(error.exit(), crate::Exit::Usage, "{error}");
    let error = Export::begin(&to, ExportFormat::Csv, false).err().unwrap();
    assert!(error.to_string().contains("--force"), "{error}");
    assert_eq!(fs::read(&to).unwrap(), b"precious");
    assert_eq!(names().len(), 1);

    let forced = Export::begin(&to, ExportFormat::Jsonl, true).unwrap();
    assert_eq!(forced.finish().unwrap().rows, 0);
    assert_eq!(fs::read(&to).unwrap(), b"");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&to).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_format_is_named_by_the_files_ending() {
    for (name, format) in [
        ("a.csv", Some(ExportFormat::Csv)),
        ("a.b.JSONL", Some(ExportFormat::Jsonl)),
        ("a.ndjson", Some(ExportFormat::Jsonl)),
        ("a.parquet", Some(ExportFormat::Parquet)),
        ("csv", None),
        ("a.xlsx", None),
    ] {
        assert_eq!(ExportFormat::of(Path::new(name)), format, "{name}");
    }
}

#[test]
fn a_batch_whose_parts_do_not_fit_is_refused() {
    let mut short = asked();
    short.audit_hashes.pop();
    let mut unanswered = asked();
    unanswered.own_record.as_mut().unwrap().answers.pop();
    let mut nameless = asked();
    nameless.tx_id.clear();
    for batch in [short, unanswered, nameless] {
        assert!(calls(&batch).is_err());
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_by_making_a_text_harmless(text in "['=+@\\-\t\r\n|a]{0,4}") {
        let written = harmless(&text).into_owned();
        let read = match written.strip_prefix('\'') {
            Some(rest) => rest,
            None => &written,
        };
        prop_assert_eq!(read, &text);
        prop_assert!(!written.starts_with(['=', '+', '-', '@', '\t', '\r']));
    }
}
