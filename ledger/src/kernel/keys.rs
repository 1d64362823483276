//! State keys of the kernel. Module 0; see [`Table`] for the form of a prefix.

use tacit_circuits::scope::MemberId;

use crate::kernel::module::ModuleId;
use crate::kernel::state::{StateKey, Table};

const fn table(number: u8, name: &'static str) -> Table {
    Table {
        module: ModuleId::KERNEL,
        number,
        name,
    }
}

const CLOCK: Table = table(0, "clock");
const UTC_OFFSET: Table = table(1, "utc-offset");
const PARTY: Table = table(2, "party");
const PARTY_COUNT: Table = table(3, "party-count");
const SEQUENCE: Table = table(4, "sequence");
const DUE_PAGE: Table = table(5, "due-page");
const DUE_SIZE: Table = table(6, "due-size");
const DUE_CURSOR: Table = table(7, "due-cursor");
const LEDGER_KEY: Table = table(8, "ledger-key");
const DATE_PAGE: Table = table(50, "date-page");
const DATE_SIZE: Table = table(51, "date-size");
const DATE_CURSOR: Table = table(52, "date-cursor");

/// All tables of the kernel.
pub const TABLES: &[Table] = &[
    CLOCK,
    UTC_OFFSET,
    PARTY,
    PARTY_COUNT,
    SEQUENCE,
    DUE_PAGE,
    DUE_SIZE,
    DUE_CURSOR,
    LEDGER_KEY,
    DATE_PAGE,
    DATE_SIZE,
    DATE_CURSOR,
];

/// Height, time and business date of the last block. Example: `000000`.
pub fn clock() -> StateKey {
    CLOCK.key()
}

/// Governed offset from UTC that dates business days. Example: `000001`.
pub fn utc_offset() -> StateKey {
    UTC_OFFSET.key()
}

/// A party. Example, party 7: `000002 00000007`.
pub fn party(id: MemberId) -> StateKey {
    PARTY.key().u32(id.0)
}

/// How many parties ever joined. Example: `000003`.
pub fn party_count() -> StateKey {
    PARTY_COUNT.key()
}

/// A party's next sequence number. Example, party 7: `000004 00000007`.
pub fn sequence(id: MemberId) -> StateKey {
    SEQUENCE.key().u32(id.0)
}

/// A page of work due at a height. Example, height 258, page 1: `000005 0000000000000102 00000001`.
pub fn due_page(height: u64, page: u32) -> StateKey {
    DUE_PAGE.key().u64(height).u32(page)
}

/// How many pieces of work are due at a height. Example, height 258: `000006 0000000000000102`.
pub fn due_size(height: u64) -> StateKey {
    DUE_SIZE.key().u64(height)
}

/// The first piece of due work that is not done. Example: `000007`.
pub fn due_cursor() -> StateKey {
    DUE_CURSOR.key()
}

/// The party to whom a ledger key belongs or once belonged. Example: `000008` and the key's 32 bytes.
pub fn ledger_key(key: &crate::kernel::LedgerKey) -> StateKey {
    LEDGER_KEY.key().digest(&key.0)
}

/// A page of work due on a date, by the date's number: 1970-01-01 has 2^31. Example, that date, page 1:
/// `000032 0000000080000000 00000001`.
pub fn date_page(date: u64, page: u32) -> StateKey {
    DATE_PAGE.key().u64(date).u32(page)
}

/// How many pieces of work are due on a date. Example, 1970-01-01: `000033 0000000080000000`.
pub fn date_size(date: u64) -> StateKey {
    DATE_SIZE.key().u64(date)
}

/// The first piece of work due on a date that is not done. Example: `000034`.
pub fn date_cursor() -> StateKey {
    DATE_CURSOR.key()
}
