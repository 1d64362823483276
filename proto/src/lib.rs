//! Protocol buffers and their generated types.
//!
//! Two services: [`operator`] is what an institution's own people and systems ask of their own node, [`peer`] is
//! what members ask of one another. The sources are in `proto/`; they are compiled by a compiler written in Rust,
//! so that a build needs no `protoc`.
//!
//! A refusal carries an [`operator::ErrorDetail`] in the details of its gRPC status: [`refuse`] makes such a
//! status, [`error_detail`] reads it.

mod refusal;
mod rows;

pub use refusal::{error_detail, refuse};
pub use rows::rows_digest;

/// The service of a node for its own institution.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod operator {
    tonic::include_proto!("tacit.operator.v1");
}

/// The service of a node for the other members.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod peer {
    tonic::include_proto!("tacit.peer.v1");
}

/// Rows of one [`operator::ListRows`] or [`operator::ScreenRows`] message.
///
/// The reason for the value: with values of at most a hundred bytes such a message stays near one mebibyte, well
/// under [`MAX_OPERATOR_MESSAGE_BYTES`], and a million rows are a hundred messages.
pub const MAX_ROWS_PER_MESSAGE: usize = 10_000;

/// Largest message of the operator service, in bytes. Both sides set it as their limit for decoding.
///
/// The reason for the value: [`MAX_ROWS_PER_MESSAGE`] rows of 400 bytes each.
pub const MAX_OPERATOR_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
