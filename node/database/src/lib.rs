//! One set of SQL statements for SQLite and PostgreSQL.
//!
//! What a statement may use is what both understand: `$1` placeholders, `BIGINT`, `TEXT`, `BLOB`,
//! `INSERT … ON CONFLICT`, row values. Three columns of types are enough, and migrations are written with
//! them: `BLOB` becomes `BYTEA` where the database is PostgreSQL. Schemas that share a database name their
//! tables apart, and each keeps its own account of migrations.
//!
//! | file | content |
//! |---|---|
//! | `open` | connection, pragmas, migrations |
//! | `statement` | a statement with its values; many rows in one insertion |
//! | `row` | typed columns |

mod open;
mod row;
mod statement;

pub use open::{Database, Durability, MAX_CONNECTIONS, OpenError, Schema};
pub use row::{ColumnError, Columns};
pub use statement::{Insertion, MAX_PAIRS, Statement, Value};
