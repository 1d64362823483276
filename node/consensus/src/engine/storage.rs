//! Files for finalized blocks and their certificates.

use crate::{block::Block, runtime::Runtime};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::{archive::prunable, translator::TwoCap};
use commonware_utils::{NZU64, NZUsize};
use std::{
    num::{NonZeroU64, NonZeroUsize},
    sync::Arc,
};
use tacit_finality::{Digest, Finalization, MAX_VALIDATORS};

/// The ledger lets no more validate than a committee holds; with more, no epoch could begin.
const _: () = assert!(tacit_ledger::network::MAX_VALIDATORS <= MAX_VALIDATORS);

/// Bytes written and read at once.
pub(super) const BUFFER: NonZeroUsize = NZUsize!(1 << 20);
/// Blocks per file; a file is the unit of pruning.
const BLOCKS_PER_FILE: NonZeroU64 = NZU64!(256);
/// Blocks between two prunings.
pub(super) const PRUNE_EVERY: NonZeroUsize = NZUsize!(64);

type Archive<E, V> = prunable::Archive<TwoCap, E, Digest, V>;

/// Opens the archives of certificates and of blocks.
///
/// # Panics
///
/// If the files cannot be opened.
pub(super) async fn archives<E: Runtime>(
    runtime: &E,
    prefix: &str,
    page_cache: CacheRef,
) -> (Archive<E, Finalization>, Archive<E, Arc<Block>>) {
    let certificates = prunable::Archive::init(
        runtime.child("certificates"),
        config(prefix, "certificates", page_cache.clone(), MAX_VALIDATORS),
    )
    .await
    .expect("the archive of certificates must open");
    let blocks = prunable::Archive::init(
        runtime.child("blocks"),
        config(prefix, "blocks", page_cache, ()),
    )
    .await
    .expect("the archive of blocks must open");
    (certificates, blocks)
}

fn config<C>(
    prefix: &str,
    name: &str,
    key_page_cache: CacheRef,
    codec_config: C,
) -> prunable::Config<TwoCap, C> {
    prunable::Config {
        translator: TwoCap,
        metadata_partition: format!("{prefix}-{name}-metadata"),
        key_partition: format!("{prefix}-{name}-keys"),
        key_page_cache,
        value_partition: format!("{prefix}-{name}-values"),
        compression: None,
        codec_config,
        items_per_section: BLOCKS_PER_FILE,
        key_write_buffer: BUFFER,
        value_write_buffer: BUFFER,
        replay_buffer: BUFFER,
    }
}
