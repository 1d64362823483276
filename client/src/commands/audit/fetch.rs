//! A bundle from the node, and onto the disk.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use futures::StreamExt as _;
use tacit_proto::operator::{AuditBundleRequest, audit_bundle_response::Step};

use crate::audit::{AuditBundle, MAX_BUNDLE_BYTES};
use crate::commands::{bar, stage_words};
use crate::connection::Node;
use crate::error::ClientError;
use crate::output::Format;

/// The bytes of a bundle.
pub(super) async fn bytes(
    node: &mut Node,
    request: AuditBundleRequest,
    format: Format,
) -> Result<Vec<u8>, ClientError> {
    let mut steps = node.audit_bundle(request).await?.into_inner();
    let bar = bar(format);
    let mut bundle = Vec::new();
    while let Some(step) = steps.next().await {
        match step?.step {
            Some(Step::Progress(progress)) => {
                bar.set_message(stage_words(progress.stage()));
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            }
            Some(Step::Part(part)) => bundle.extend_from_slice(&part),
            None => {}
        }
        if bundle.len() > MAX_BUNDLE_BYTES {
            return Err(ClientError::Unexpected("a bundle that is too large"));
        }
    }
    bar.finish_and_clear();
    Ok(bundle)
}

/// A bundle that does not leave this process.
pub(super) async fn bundle(
    node: &mut Node,
    request: AuditBundleRequest,
    format: Format,
) -> Result<AuditBundle, ClientError> {
    let bytes = bytes(node, request, format).await?;
    match AuditBundle::from_bytes(&bytes) {
        Ok((bundle, true)) => Ok(bundle),
        _ => Err(ClientError::Unexpected("a bundle that does not decode")),
    }
}

/// Writes a new file of its owner's alone: it holds identifiers, or the key to them.
pub(super) fn write_own(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    written.map_err(|source| ClientError::File {
        path: path.into(),
        source,
    })
}
