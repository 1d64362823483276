//! Streams this member's own snapshots to other members.

use std::io::{self, SeekFrom};
use std::pin::Pin;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_proto::peer as wire;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tonic::Status;

use super::files::Files;
use crate::places::{Place, Places};

/// Bytes of one message. Small enough that a slow reader holds little memory.
const PART_BYTES: usize = 64 * 1024;

/// Streams at a time. Each holds a file and one part, and the connection's window of what is not read yet.
const MAX_STREAMS: usize = 256;

/// Streams of one member at a time: a reader that stops reading stops its own streams, and nobody else's.
const MAX_STREAMS_PER_MEMBER: usize = 8;

/// The messages of one transfer.
pub(crate) type SnapshotStream =
    Pin<Box<dyn Stream<Item = Result<wire::SnapshotPart, Status>> + Send>>;

/// Serves files of the front end's own lists.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotServer {
    files: Files,
    streams: Places,
}

impl SnapshotServer {
    pub(crate) fn new(files: Files) -> Self {
        Self {
            files,
            streams: Places::new(MAX_STREAMS, MAX_STREAMS_PER_MEMBER),
        }
    }

    /// The header, then the bytes from the offset on.
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
        Ok(Box::pin(
            stream::iter([Ok(header)]).chain(parts(file, place)),
        ))
    }
}

fn parts(file: File, place: Place) -> impl Stream<Item = Result<wire::SnapshotPart, Status>> {
    stream::try_unfold((file, place), |(mut file, place)| async move {
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
        Ok(Some((
            wire::SnapshotPart { part: Some(data) },
            (file, place),
        )))
    })
}

fn unreadable(error: io::Error) -> Status {
    tracing::error!(%error, "snapshots.serve: a snapshot on the disk cannot be read");
    Status::internal("the snapshot cannot be read; ask again later")
}
