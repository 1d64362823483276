//! The authenticated key-value store behind the ledger's state.

use bytes::Bytes;
use commonware_codec::RangeCfg;
use commonware_glue::stateful::db::{DatabaseSet, Shared, current::CurrentUnmerkleized};
use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::{
    index::unordered::Index,
    journal::contiguous::variable::{Config as LogConfig, Journal},
    merkle::full::Config as TreeConfig,
    mmr,
    qmdb::{
        any::{unordered::Update, value::VariableEncoding},
        current::{VariableConfig, unordered::variable},
        sync::Target,
    },
    translator::EightCap,
};
use commonware_utils::{NZU64, NZUsize};
use std::num::{NonZeroU64, NonZeroUsize};
use tacit_finality::{Digest, Hash, MAX_VALUE_BYTES, StateCommitment, StateOperation};

/// Operations per file of the log and of the tree; a file is the unit of pruning.
const OPERATIONS_PER_FILE: NonZeroU64 = NZU64!(65_536);
/// Bytes written at once to each of the store's files.
const WRITE_BUFFER: NonZeroUsize = NZUsize!(1 << 20);
/// Bytes read at once when the store is opened.
const REPLAY_BUFFER: NonZeroUsize = NZUsize!(1 << 20);
/// Entries of the index that are kept at hand while the store is opened.
const OPENING_CACHE: NonZeroUsize = NZUsize!(1 << 16);

/// The ledger's state: hashed keys of 32 bytes, values of any bounded length, a root over both.
pub(crate) type Store<E> =
    variable::Db<mmr::Family, E, Digest, Bytes, Hash, EightCap, 32, Sequential>;
/// The store as the engine shares it.
pub(crate) type Stores<E> = Shared<Store<E>>;
/// Changes over some block's state that are not sealed yet.
pub(crate) type Batch<E> = CurrentUnmerkleized<
    mmr::Family,
    E,
    Journal<E, StateOperation>,
    Index<EightCap, mmr::Location>,
    Hash,
    Update<Digest, VariableEncoding<Bytes>>,
    32,
    Sequential,
>;
/// Changes over some block's state, sealed, with their root.
pub(crate) type Sealed<E> = <Stores<E> as DatabaseSet<E>>::Merkleized;
/// How the store decodes an operation: keys have a fixed size, values a bound.
pub(crate) type OperationConfig = ((), RangeCfg<usize>);

/// How the store is kept in files whose names start with `prefix`.
pub(crate) fn config(
    prefix: &str,
    page_cache: CacheRef,
) -> VariableConfig<EightCap, OperationConfig, Sequential> {
    VariableConfig {
        merkle_config: TreeConfig {
            journal_partition: format!("{prefix}-state-tree"),
            metadata_partition: format!("{prefix}-state-pins"),
            items_per_blob: OPERATIONS_PER_FILE,
            write_buffer: WRITE_BUFFER,
            replay_buffer: REPLAY_BUFFER,
            strategy: Sequential,
            page_cache: page_cache.clone(),
        },
        journal_config: LogConfig {
            partition: format!("{prefix}-state-log"),
            items_per_section: OPERATIONS_PER_FILE,
            compression: None,
            codec_config: operation_config(),
            page_cache,
            write_buffer: WRITE_BUFFER,
            replay_buffer: REPLAY_BUFFER,
        },
        grafted_metadata_partition: format!("{prefix}-state-bitmap"),
        translator: EightCap,
        init_cache: Some(OPENING_CACHE),
        init_buffer: REPLAY_BUFFER,
        init_concurrency: (),
    }
}

/// How the store decodes an operation.
pub(crate) fn operation_config() -> OperationConfig {
    ((), RangeCfg::from(0..=MAX_VALUE_BYTES))
}

/// What a joining node downloads to reach `state`.
pub(crate) fn sync_target(state: &StateCommitment) -> Target<mmr::Family, Digest> {
    Target::new(state.operations_root, state.operations.clone())
}
