//! Streams this member's own snapshots to other members.

use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_ledger::kernel::party::MAX_PARTIES;
use tacit_proto::peer as wire;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::files::Files;
use crate::places::Places;
use crate::tasks::Tasks;

/// Bytes of one message. Small enough that a slow reader holds little memory.
const PART_BYTES: usize = 64 * 1024;

/// Streams of one member at a time: a reader that stops reading stops its own streams, and nobody else's.
/// One that keeps its copies has two under way.
const MAX_STREAMS_PER_MEMBER: usize = 4;

/// Streams at a time: half of what all members could have, so that those who take all of theirs leave as
/// many to the others. Each holds a file and two parts, and the connection's window of what is not read yet.
const MAX_STREAMS: usize = MAX_STREAMS_PER_MEMBER * MAX_PARTIES / 2;

/// A transfer has this much time, and a second more for each [`MIN_BYTES_PER_SECOND`]: a reader that drips is
/// not waited for. It is more than readers give an owner.
const BASE_TIME: Duration = Duration::from_secs(60);
const MIN_BYTES_PER_SECOND: u64 = 128 * 1024;

/// The messages of one transfer.
pub(crate) type SnapshotStream =
    Pin<Box<dyn Stream<Item = Result<wire::SnapshotPart, Status>> + Send>>;

/// Serves files of the front end's own lists.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotServer {
    files: Files,
    streams: Places,
    part_timeout: Duration,
    tasks: Tasks,
}

impl SnapshotServer {
    /// A reader that takes no part for `part_timeout` loses its transfer.
    pub(crate) fn new(files: Files, part_timeout: Duration, tasks: &Tasks) -> Self {
        Self {
            files,
            streams: Places::new(MAX_STREAMS, MAX_STREAMS_PER_MEMBER),
            part_timeout,
            tasks: tasks.clone(),
        }
    }

    /// The header, then the bytes from the offset on. The stream ends early where its reader is too slow;
    /// whoever asks again from there gets the rest.
    pub(crate) async fn stream(
        &self,
        caller: MemberId,
        request: wire::FetchSnapshotRequest,
    ) -> Result<SnapshotStream, Status> {
        let place = self
            .streams
            .take(caller)
            .ok_or_else(|| Status::resource_exhausted("too many transfers at a time; ask again"))?;
        let version = u32::try_from(request.version)
            .map_err(|_| Status::invalid_argument("the version does not fit 32 bits"))?;
        let id = VersionId {
            list: ListId(request.list),
            tag_epoch: TagEpoch(request.tag_epoch),
            version: ListVersion(version),
        };
        let path = match request.form() {
            wire::SnapshotForm::Full => self.files.own_snapshot(id),
            wire::SnapshotForm::Delta => self.files.own_delta(id),
            wire::SnapshotForm::Unspecified => {
                return Err(Status::invalid_argument(
                    "neither the full form nor the delta",
                ));
            }
        };
        let mut file = File::open(&path)
            .await
            .map_err(|_| Status::not_found("no such publication of this member's lists"))?;
        let total_bytes = file.metadata().await.map_err(unreadable)?.len();
        if request.offset > total_bytes {
            return Err(Status::out_of_range("the offset lies beyond the end"));
        }
        file.seek(SeekFrom::Start(request.offset))
            .await
            .map_err(unreadable)?;
        let header = wire::SnapshotHeader { total_bytes };
        let header = wire::SnapshotPart {
            part: Some(wire::snapshot_part::Part::Header(header)),
        };
        let left_bytes = total_bytes - request.offset;
        let within = BASE_TIME + Duration::from_secs(left_bytes / MIN_BYTES_PER_SECOND);
        let (sender, parts) = mpsc::channel(1);
        let part_timeout = self.part_timeout;
        self.tasks.spawn(async move {
            // The reader learns from the bytes that are missing.
            let _ = timeout(within, send(file, &sender, part_timeout)).await;
            drop(place);
        });
        Ok(Box::pin(
            stream::iter([Ok(header)]).chain(ReceiverStream::new(parts)),
        ))
    }
}

type Part = Result<wire::SnapshotPart, Status>;

/// Sends what is left of a file for as long as somebody takes it.
async fn send(mut file: File, parts: &mpsc::Sender<Part>, part_timeout: Duration) {
    loop {
        let part = next_part(&mut file).await.transpose();
        let Some(part) = part else { return };
        let failed = part.is_err();
        let taken = parts.send_timeout(part, part_timeout).await;
        if failed || taken.is_err() {
            return;
        }
    }
}

async fn next_part(file: &mut File) -> Result<Option<wire::SnapshotPart>, Status> {
    let mut part = vec![0; PART_BYTES];
    let mut filled = 0;
    while filled < PART_BYTES {
        match file.read(&mut part[filled..]).await.map_err(unreadable)? {
            0 => break,
            read => filled += read,
        }
    }
    if filled == 0 {
        return Ok(None);
    }
    part.truncate(filled);
    let data = wire::snapshot_part::Part::Data(Bytes::from(part).into());
    Ok(Some(wire::SnapshotPart { part: Some(data) }))
}

fn unreadable(error: io::Error) -> Status {
    tracing::error!(%error, "snapshots.serve: a snapshot on the disk cannot be read");
    Status::internal("the snapshot cannot be read; ask again later")
}
