//! Files as people have them.

use super::*;
use crate::error::ClientError;
use std::io::Write as _;

/// Columns and their types, as they would be typed.
pub(crate) fn choice(pairs: &[(&str, &str)]) -> ColumnChoice {
    ColumnChoice {
        columns: pairs.iter().map(|(name, _)| (*name).into()).collect(),
        types: pairs.iter().map(|(_, kind)| (*kind).into()).collect(),
        region: None,
    }
}

fn open(bytes: &[u8], pairs: &[(&str, &str)]) -> Result<RowSource, ClientError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    RowSource::open(file.path(), &choice(pairs))
}

fn values(chunk: &Chunk) -> Vec<&str> {
    chunk
        .values
        .iter()
        .map(|value| value.value.as_str())
        .collect()
}

#[test]
fn a_byte_order_mark_quotes_and_crlf_do_not_change_the_values() {
    let bytes = b"\xef\xbb\xbfphone,name\r\n\"138 0013 8000\",\"Li, \"\"Lei\"\"\"\r\n139,x\r\n";
    let mut source = open(bytes, &[("phone", "phone")]).unwrap();
    let chunk = source.next_chunk(10).unwrap().unwrap();
    assert_eq!(values(&chunk), ["138 0013 8000", "139"]);
    assert!(source.next_chunk(10).unwrap().is_none());
}

#[test]
fn a_line_in_another_encoding_is_kept_out_with_its_reason_and_the_rest_goes_on() {
    let mut source = open(b"name\n\xc4\xe3\xba\xc3\nok\n", &[("name", "text")]).unwrap();
    let chunk = source.next_chunk(10).unwrap().unwrap();
    assert_eq!(values(&chunk), ["ok"]);
    assert_eq!(chunk.broken[0].line, 1);
    assert!(chunk.broken[0].reason.contains("UTF-8"));
}

#[test]
fn a_short_line_is_kept_out() {
    let mut source = open(b"a,b\n1\n2,3\n", &[("b", "text")]).unwrap();
    let chunk = source.next_chunk(10).unwrap().unwrap();
    assert_eq!((values(&chunk), chunk.broken.len()), (vec!["3"], 1));
}

#[test]
fn a_missing_column_and_one_that_stands_twice_are_refused_by_name() {
    let missing = open(b"a,b\n", &[("c", "text")]).err().unwrap().to_string();
    assert!(
        missing.contains("no column c") && missing.contains("a, b"),
        "{missing}"
    );
    let twice = open(b"a,a\n", &[("a", "text")]).err().unwrap().to_string();
    assert!(twice.contains("two columns"), "{twice}");
}

#[test]
fn a_number_leads_back_to_record_and_column() {
    let source = open(b"a,b,c\n", &[("c", "phone"), ("a", "card")]).unwrap();
    let columns = source.columns();
    let number = columns.number(7, 1);
    assert_eq!(columns.place(number), (7, "a"));
    assert_eq!(columns.types(), ["card", "phone"]);
}

#[test]
fn chunks_hold_no_more_values_than_asked_for() {
    let mut source = open(b"a,b\n1,2\n3,4\n5,6\n", &[("a", "text"), ("b", "text")]).unwrap();
    let sizes: Vec<usize> = std::iter::from_fn(|| source.next_chunk(5).unwrap())
        .map(|chunk| chunk.values.len())
        .collect();
    assert_eq!(sizes, [4, 2]);
}

#[test]
fn no_rejects_make_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("in.csv");
    let mut rejects = Rejects::new(&rejects_beside(&source));
    assert_eq!(rejects.finish().unwrap(), None);
    rejects.add(3, "phone", "is too short").unwrap();
    let path = rejects.finish().unwrap().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text, "row,column,reason\n3,phone,is too short\n");
}

#[test]
fn rejects_of_an_earlier_run_are_kept_as_far_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.rejects.csv");
    let mut first = Rejects::open(&path, 0).unwrap();
    first.add(1, "phone", "is too short").unwrap();
    first.add(7, "phone", "is too long").unwrap();
    // Not finished: it was killed.
    drop(first);
    let mut second = Rejects::open(&path, 5).unwrap();
    assert_eq!(second.count(), 1);
    second.add(7, "phone", "is too long").unwrap();
    second.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        "row,column,reason\n1,phone,is too short\n7,phone,is too long\n"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let anew = Rejects::open(&path, 0).unwrap();
    assert_eq!(anew.count(), 0, "a run from the beginning keeps nothing");
}

#[test]
fn an_empty_file_and_one_that_is_no_csv_are_told_what_they_are() {
    let words = |bytes: &[u8]| {
        let error = open(bytes, &[("phone", "phone")]).err().unwrap();
        assert_eq!(error.exit().code(), 2);
        error.to_string()
    };
    assert!(words(b"").contains("is empty"));
    assert!(words(b"\xef\xbb\xbf").contains("is empty"));
    assert!(words(b"phone;name\n1;2\n").contains("semicolons"));
    assert!(words(b"phone\tname\n1\t2\n").contains("tabs"));
    assert!(words(b"\xff\xfep\0h\0o\0n\0e\0\n\0").contains("UTF-16"));
    assert!(words(b"\xca\xd6\xbb\xfa,name\n1,2\n").contains("not UTF-8"));
}

#[test]
fn another_encoding_in_a_column_that_is_not_chosen_does_no_harm() {
    let mut source = open(b"phone,name\n139,\xc4\xe3\n", &[("phone", "phone")]).unwrap();
    let (number, record) = source.next_record().unwrap().unwrap();
    assert_eq!(source.values(number, &record).unwrap()[0].value, "139");
    assert_eq!(record.get(1).unwrap(), b"\xc4\xe3", "it leaves as it came");
}

#[test]
fn a_column_that_is_chosen_twice_is_refused_and_one_named_twice_is_not_where_it_is_not_chosen() {
    let pairs = [("a", "phone"), ("a", "card")];
    let error = open(b"a,b\n", &pairs).err().unwrap();
    assert!(error.to_string().contains("chosen twice"), "{error}");
    open(b"a,b,b\n", &pairs[..1]).unwrap();
}
