//! What blind evaluation, lists, receipts and quota cost.
//!
//! First, once each, what the project promises of a receipt (see `receipt`), of quota, of a ceremony
//! and of a large list: a list of a million is built, with
//! tags, tree and snapshot, in at most 75 s on two cores and 1 GB, and takes in a delta of 1,000 in
//! at most 2 s. Then each step repeatedly, on all cores; criterion's throughput is calls, or
//! entries, in a second. Bytes stand beside the times.
//!
//! `cargo bench -p tacit-circuits --bench circuits`; with a filter after `--`, only the steps whose
//! names hold it. `TACIT_BENCH_ENTRIES=100000` makes the large list smaller, and
//! `TACIT_BENCH=receipt`, `TACIT_BENCH=ceremony` or `TACIT_BENCH=quota` leaves all else out.

mod bars;
mod ceremony;
mod lists;
mod oprf;
mod quota;
mod receipt;
mod stock;

use std::env;
use std::time::Duration;

use criterion::Criterion;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};

const LIST: ListId = ListId(7);
const EPOCH: TagEpoch = TagEpoch(3);

fn main() {
    match env::var("TACIT_BENCH").as_deref() {
        Ok("receipt") => return receipt::run(),
        Ok("ceremony") => return ceremony::run(),
        Ok("quota") => return quota::run(),
        _ => {}
    }
    // Anything but a plain `cargo bench` wants a list of names, a test run or a part.
    if env::args().skip(1).all(|argument| argument == "--bench") {
        receipt::run();
        quota::run();
        bars::run();
        ceremony::run();
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(10)
        .configure_from_args();
    oprf::steps(&mut criterion);
    lists::steps(&mut criterion);
    quota::steps(&mut criterion);
    criterion.final_summary();
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn version(number: u32) -> VersionId {
    VersionId {
        list: LIST,
        tag_epoch: EPOCH,
        version: ListVersion(number),
    }
}
