//! Outcomes and events of finalized blocks, by height and by transaction.
//!
//! Blocks and certificates are kept by the engine; what came of a block's transactions is known only
//! to who executed it, and is kept here. A record is on disk before its block is acknowledged, so
//! the two never disagree after a crash. Both are pruned to the same depth.

use crate::runtime::Runtime;
use bytes::Bytes;
use commonware_codec::RangeCfg;
use commonware_consensus::types::Height;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_storage::{
    archive::{Archive as _, Identifier, prunable},
    translator::{EightCap, TwoCap},
};
use commonware_utils::{
    NZU64, NZUsize,
    channel::{mpsc, oneshot},
};
use std::{
    future::pending,
    num::{NonZeroU64, NonZeroUsize},
    sync::Arc,
};
use tacit_finality::Digest;
use tacit_ledger::kernel::{BlockResult, TxId};

/// Requests that wait for the archive before a caller has to.
const MAILBOX_SIZE: usize = 1_024;
/// Blocks per file; a file is the unit of pruning.
const BLOCKS_PER_FILE: NonZeroU64 = NZU64!(1_024);
/// Transactions per file of the index by id.
const TRANSACTIONS_PER_FILE: NonZeroU64 = NZU64!(65_536);
const BUFFER: NonZeroUsize = NZUsize!(1 << 20);
/// The largest record: every transaction of a full block with all the events it may have.
const MAX_RECORD_BYTES: usize = 256 * 1024 * 1024;
/// A place: height, then position among the block's results.
const PLACE_BYTES: usize = 12;

/// What came of a finalized block.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) block: Digest,
    pub(crate) results: Arc<Vec<BlockResult>>,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TxPlace {
    pub(crate) height: Height,
    /// Position among the block's results.
    pub(crate) index: u32,
}

enum Message {
    Append {
        height: Height,
        record: Record,
        done: oneshot::Sender<()>,
    },
    Get {
        height: Height,
        reply: oneshot::Sender<Option<Vec<BlockResult>>>,
    },
    Find {
        id: TxId,
        reply: oneshot::Sender<Option<TxPlace>>,
    },
    Oldest {
        reply: oneshot::Sender<Option<Height>>,
    },
    Prune {
        height: Height,
    },
}

/// Reaches the archive. Clones reach the same one.
#[derive(Clone)]
pub(crate) struct Mailbox(mpsc::Sender<Message>);

impl Mailbox {
    /// Keeps a record, and returns when it is on disk.
    ///
    /// If the archive stopped, so does the node, and this never returns: a block whose results are
    /// not kept must not be acknowledged.
    pub(crate) async fn append(&self, record: Record, height: Height) {
        let (done, durable) = oneshot::channel();
        let sent = self
            .0
            .send(Message::Append {
                height,
                record,
                done,
            })
            .await;
        if sent.is_err() || durable.await.is_err() {
            pending::<()>().await;
        }
    }

    /// What came of the block at `height`; `None` if it is unknown or pruned.
    pub(crate) async fn get(&self, height: Height) -> Option<Vec<BlockResult>> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Get { height, reply }).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Where a transaction stands; `None` if it is unknown or pruned.
    pub(crate) async fn find(&self, id: TxId) -> Option<TxPlace> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Find { id, reply }).await.ok()?;
        answer.await.ok().flatten()
    }

    /// The oldest height of which there is a record.
    pub(crate) async fn oldest(&self) -> Option<Height> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Oldest { reply }).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Forgets what lies below `height`, file by file.
    pub(crate) async fn prune(&self, height: Height) {
        let _ = self.0.send(Message::Prune { height }).await;
    }
}

/// Makes a mailbox, and the actor behind it that is yet to start.
pub(crate) fn new(prefix: &str, page_cache: CacheRef) -> (Actor, Mailbox) {
    let (sender, receiver) = mpsc::channel(MAILBOX_SIZE);
    (
        Actor {
            prefix: prefix.to_owned(),
            page_cache,
            receiver,
        },
        Mailbox(sender),
    )
}

/// Owns the files.
pub(crate) struct Actor {
    prefix: String,
    page_cache: CacheRef,
    receiver: mpsc::Receiver<Message>,
}

impl Actor {
    /// Runs until every mailbox is gone.
    ///
    /// # Panics
    ///
    /// If the files fail: a node that cannot keep results must stop.
    pub(crate) fn start<E: Runtime>(self, runtime: E) -> Handle<()> {
        runtime.spawn(move |runtime| async move {
            self.run(runtime)
                .await
                .expect("the archive of results must be writable");
        })
    }

    fn config<C, T>(
        &self,
        name: &str,
        translator: T,
        codec_config: C,
        items_per_section: NonZeroU64,
    ) -> prunable::Config<T, C>
    where
        T: commonware_storage::translator::Translator,
    {
        let prefix = &self.prefix;
        prunable::Config {
            translator,
            metadata_partition: format!("{prefix}-{name}-metadata"),
            key_partition: format!("{prefix}-{name}-keys"),
            key_page_cache: self.page_cache.clone(),
            value_partition: format!("{prefix}-{name}-values"),
            compression: None,
            codec_config,
            items_per_section,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            replay_buffer: BUFFER,
        }
    }

    async fn run<E: Runtime>(
        mut self,
        runtime: E,
    ) -> Result<(), commonware_storage::archive::Error> {
        // Values are written by this node alone and read back as bytes; the ledger's own decoder
        // bounds what stands in them.
        let mut blocks = prunable::Archive::<TwoCap, E, Digest, Bytes>::init(
            runtime.child("results"),
            self.config(
                "results",
                TwoCap,
                RangeCfg::from(0..=MAX_RECORD_BYTES),
                BLOCKS_PER_FILE,
            ),
        )
        .await?;
        let mut places = prunable::Archive::<EightCap, E, Digest, [u8; PLACE_BYTES]>::init(
            runtime.child("transactions"),
            self.config("transactions", EightCap, (), TRANSACTIONS_PER_FILE),
        )
        .await?;

        while let Some(message) = self.receiver.recv().await {
            match message {
                Message::Append {
                    height,
                    record,
                    done,
                } => {
                    // After a crash a block may come again; its places are then stored twice, which
                    // is harmless, and its record once.
                    let first = places.last_index().map_or(0, |last| last + 1);
                    let mut next = first;
                    for (index, result) in record.results.iter().enumerate() {
                        if let BlockResult::Tx(result) = result {
                            let place = encode_place(height, index as u32);
                            places = places
                                .put(next, Digest::from(result.tx_id.0.0), &place)
                                .await?;
                            next += 1;
                        }
                    }
                    if next > first {
                        places = places.sync().await?;
                    }
                    let value = encode_record(first, &record.results);
                    blocks = blocks.put_sync(height.get(), record.block, &value).await?;
                    let _ = done.send(());
                }
                Message::Get { height, reply } => {
                    let value = blocks.get(Identifier::Index(height.get())).await?;
                    let _ = reply.send(value.and_then(|bytes| decode_record(&bytes)).map(|r| r.1));
                }
                Message::Find { id, reply } => {
                    let key = Digest::from(id.0.0);
                    let place = places.get(Identifier::Key(&key)).await?;
                    let _ = reply.send(place.map(decode_place));
                }
                Message::Oldest { reply } => {
                    let _ = reply.send(blocks.first_index().map(Height::new));
                }
                Message::Prune { height } => {
                    let Some((oldest, _)) = blocks.ranges_from(height.get()).next() else {
                        continue;
                    };
                    let kept = blocks
                        .get(Identifier::Index(oldest.max(height.get())))
                        .await?;
                    if let Some((first, _)) = kept.and_then(|bytes| decode_record(&bytes)) {
                        places = places.prune(first).await?;
                    }
                    blocks = blocks.prune(height.get()).await?;
                }
            }
        }
        Ok(())
    }
}

fn encode_record(first_place: u64, results: &[BlockResult]) -> Bytes {
    borsh::to_vec(&(first_place, results))
        .expect("memory does not fail to be written")
        .into()
}

fn decode_record(bytes: &[u8]) -> Option<(u64, Vec<BlockResult>)> {
    borsh::from_slice(bytes).ok()
}

fn encode_place(height: Height, index: u32) -> [u8; PLACE_BYTES] {
    let mut place = [0; PLACE_BYTES];
    place[..8].copy_from_slice(&height.get().to_be_bytes());
    place[8..].copy_from_slice(&index.to_be_bytes());
    place
}

fn decode_place(place: [u8; PLACE_BYTES]) -> TxPlace {
    let [h0, h1, h2, h3, h4, h5, h6, h7, i0, i1, i2, i3] = place;
    TxPlace {
        height: Height::new(u64::from_be_bytes([h0, h1, h2, h3, h4, h5, h6, h7])),
        index: u32::from_be_bytes([i0, i1, i2, i3]),
    }
}
