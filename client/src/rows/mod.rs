//! Rows of a CSV file, on their way to the node.
//!
//! A file may have any columns; each column that is chosen has a type. Rows are read as a stream: a file of
//! millions of rows takes no more memory than one chunk of it. A line that is no CSV, or not UTF-8 where it is
//! read, is kept out with its reason, and the rest goes on.

mod columns;
mod rejects;
mod source;
#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};

pub use columns::{Column, ColumnChoice, Columns, IdentifierTypes};
pub use rejects::{Rejects, rejects_beside};
pub use source::{Broken, Chunk, RowSource, Value};

/// Whether two paths lead to one file, which need not exist.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    resolved(one) == resolved(other)
}

/// A path without links and dots, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
    match (whole.parent().map(Path::canonicalize), whole.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => whole,
    }
}
