//! A history: its calls, the columns in which they are written, and files of them.
//!
//! ```text
//!   node ──batches──► calls ──cells──► CSV │ JSON Lines │ Parquet ──► a file that is whole, or none
//! ```
//!
//! | file | content |
//! |---|---|
//! | `call` | a call of a batch, and its cells |
//! | `export` | the file: beside its place, hashed, put there at the end |
//! | `csv`, `lines`, `parquet` | the formats |

mod call;
mod csv;
mod export;
mod lines;
mod parquet;
#[cfg(test)]
mod tests;

pub use call::{COLUMNS, Call, Cell, Column, Kind, calls};
pub use export::{Export, ExportFormat, Exported};
pub use lines::as_json;
