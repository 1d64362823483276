//! What tests ask and publish.

use tacit_circuits::identifier::IdentifierType;
use tacit_frontend::lists::{DraftMode, ListSpec};
use tacit_frontend::rows::{RawRow, RowReader};
use tacit_ledger::kernel::BoundedVec;
use tacit_ledger::network::audit::AuditContext;

use super::CATEGORY;

pub fn spec(list: &str, mode: DraftMode) -> ListSpec {
    ListSpec {
        name: list.to_owned(),
        category: Some(CATEGORY),
        accepts: vec![IdentifierType::Phone],
        mode,
        new_tag_epoch: false,
        corrected: false,
        reader: reader(),
    }
}

pub fn reader() -> RowReader {
    RowReader {
        default_type: Some(IdentifierType::Phone),
        ..RowReader::default()
    }
}

pub fn context() -> AuditContext {
    AuditContext {
        operator: "teller 7".to_owned(),
        purpose: "credit-origination".to_owned(),
        lawful_basis: "consent".to_owned(),
        ..AuditContext::default()
    }
}

pub fn rows(numbers: &[String]) -> Vec<RawRow> {
    let row = |(row, value): (usize, &String)| RawRow {
        row: row as u64,
        kind: String::new(),
        value: value.clone(),
        removes: false,
    };
    numbers.iter().enumerate().map(row).collect()
}

/// A valid Chinese mobile number.
pub fn phone(number: u32) -> String {
    format!("+86138{number:08}")
}

pub fn phones(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(phone).collect()
}

/// A bounded vector of what surely fits.
pub fn bounded<T, const MAX: usize>(items: Vec<T>) -> BoundedVec<T, MAX> {
    BoundedVec::try_from(items).unwrap_or_else(|_| panic!("fits"))
}
