//! Fetches a snapshot or delta from its owner into a file, from where it was interrupted.

use std::path::Path;
use std::time::Duration;

use tacit_circuits::list::VersionId;
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tacit_proto::peer::snapshot_part::Part;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::transport::Channel;

use super::files::{FileError, io_error};
use crate::peer::{PeerError, PeerMisbehaved};

/// Longest silence within a transfer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// A transfer has this much time, and a second more for each [`MIN_BYTES_PER_SECOND`]: an owner that drips
/// bytes is not waited for.
const BASE_TIME: Duration = Duration::from_secs(30);
const MIN_BYTES_PER_SECOND: u64 = 256 * 1024;

/// Largest message of a transfer that is accepted. Owners send 64 KiB.
pub(crate) const MAX_PART_BYTES: usize = 1024 * 1024;

/// Why a transfer did not end.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The owner could not be reached, stopped, or broke the protocol.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The owner has no such file.
    #[error("the owner does not have it")]
    NotThere,
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Brings one form of a publication into `path`, continuing what is there, and refusing more than
/// `max_bytes`. What arrives is only complete, not verified.
pub(super) async fn fetch(
    channel: Channel,
    id: VersionId,
    form: wire::SnapshotForm,
    max_bytes: u64,
    path: &Path,
) -> Result<(), FetchError> {
    let disk = |error| FetchError::File(io_error(path, error));
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .await
        .map_err(disk)?;
    let offset = file.metadata().await.map_err(disk)?.len();
    let request = wire::FetchSnapshotRequest {
        list: id.list.0,
        tag_epoch: id.tag_epoch.0,
        version: id.version.0.into(),
        form: form.into(),
        offset,
    };
    let mut client = PeerClient::new(channel).max_decoding_message_size(MAX_PART_BYTES);
    let answer = timeout(IDLE_TIMEOUT, client.fetch_snapshot(request)).await;
    let mut parts = match answer.map_err(|_| silent())? {
        Ok(response) => response.into_inner(),
        Err(status) if status.code() == tonic::Code::NotFound => return Err(FetchError::NotThere),
        Err(status) if status.code() == tonic::Code::OutOfRange => {
            // What lies here is longer than what the owner has: it is not this publication.
            return Err(PeerError::from(PeerMisbehaved::MalformedSnapshot).into());
        }
        Err(status) => return Err(PeerError::from(status).into()),
    };
    let mut transfer = Transfer {
        received: offset,
        total: None,
        max_bytes,
    };
    let deadline =
        Instant::now() + BASE_TIME + Duration::from_secs(max_bytes / MIN_BYTES_PER_SECOND);
    loop {
        let next = timeout_at(deadline, timeout(IDLE_TIMEOUT, parts.message())).await;
        let next = next.map_err(|_| silent())?.map_err(|_| silent())?;
        match next
            .map_err(PeerError::from)?
            .and_then(|message| message.part)
        {
            Some(Part::Header(header)) => transfer.begin(header.total_bytes)?,
            Some(Part::Data(data)) => {
                transfer.count(data.len() as u64)?;
                file.write_all(&data).await.map_err(disk)?;
            }
            None => break,
        }
    }
    finish(file).await.map_err(disk)?;
    transfer.end()
}

async fn finish(mut file: File) -> std::io::Result<()> {
    file.flush().await?;
    file.sync_all().await
}

/// What has come, and what may.
struct Transfer {
    received: u64,
    total: Option<u64>,
    max_bytes: u64,
}

impl Transfer {
    fn begin(&mut self, total: u64) -> Result<(), FetchError> {
        if total > self.max_bytes {
            return Err(PeerError::from(PeerMisbehaved::Oversized).into());
        }
        if self.total.replace(total).is_some() {
            return Err(PeerError::from(PeerMisbehaved::MalformedSnapshot).into());
        }
        Ok(())
    }

    fn count(&mut self, bytes: u64) -> Result<(), FetchError> {
        self.received += bytes;
        match self.total {
            Some(total) if self.received <= total => Ok(()),
            Some(_) => Err(PeerError::from(PeerMisbehaved::Oversized).into()),
            None => Err(PeerError::from(PeerMisbehaved::MalformedSnapshot).into()),
        }
    }

    /// The stream may end early without an error of the connection: then the next attempt continues.
    fn end(&self) -> Result<(), FetchError> {
        if self.total == Some(self.received) {
            Ok(())
        } else {
            Err(PeerError::Transport("the transfer ended early".to_owned()).into())
        }
    }
}

fn silent() -> FetchError {
    PeerError::TimedOut {
        timeout_ms: IDLE_TIMEOUT.as_millis() as u64,
    }
    .into()
}
