//! Confidential quota: transfers, alone and in a batch, the other proofs, opening what was received.
//!
//! Promised: a transfer has at most 1,500 bytes, is made in at most 40 ms and verified in at most
//! 2.5 ms, reading it included, on one idle core. Rolling over, which needs no proof, stands beside them as what the ledger computes for it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use rand_chacha::ChaCha20Rng;
use tacit_circuits::quota::transfer::{Kind, Parties, Statement, Transfer, equation};
use tacit_circuits::quota::{
    AMOUNT_BOUND, Account, BurnProof, BurnStatement, Ciphertext, Disclosure, Equation, KeyChange,
    KeyChangeStatement, Opening, QuotaKey, QuotaKeyProof, ValueTable, verify_batch,
};

use crate::{bars, rng};

const BYTES_BAR: usize = 1_500;
const PROVE_BAR: Duration = Duration::from_millis(40);
const VERIFY_BAR: Duration = Duration::from_micros(2_500);
/// Each step of the promise is run so often; the fastest run counts, since others may compute too.
const RUNS: u32 = 200;
const BATCH: usize = 64;
const BALANCE_MINOR: u64 = 1 << 31;

pub(crate) fn steps(criterion: &mut Criterion) {
    let keys = [1, 2, 3].map(|number| QuotaKey::derive(&[number; 32], 0));
    let parties: Parties = keys.each_ref().map(QuotaKey::public);
    for (name, kind) in [("open", Kind::Open), ("settle", Kind::Settle)] {
        transfers(criterion, name, kind, &keys, &parties);
    }
    others(criterion, &keys, &parties);
    table(criterion, &keys[0]);
}

/// What is promised, once.
pub(crate) fn run() {
    let keys = [1, 2, 3].map(|number| QuotaKey::derive(&[number; 32], 0));
    let parties: Parties = keys.each_ref().map(QuotaKey::public);
    for (name, kind) in [("open", Kind::Open), ("settle", Kind::Settle)] {
        let bench = Bench::new(kind, &keys, &parties);
        let mut rng = rng();
        let made = bench.make(&mut rng);
        let bytes = made.len();
        assert!(bytes <= BYTES_BAR);
        println!("quota/{name}: {bytes} bytes");
        let proving = best(RUNS / 4, || bench.make(&mut rng));
        bars::report("prove", proving, PROVE_BAR, true);
        let verifying = best(RUNS, || assert!(bench.equation(&made).holds()));
        bars::report("verify", verifying, VERIFY_BAR, true);
        let batch: Vec<_> = (0..BATCH).map(|_| bench.make(&mut rng)).collect();
        let each = best(RUNS / 10, || bench.verify_batch(&batch)) / BATCH as u32;
        println!("  each in a batch of {BATCH} {each:.0?}");
    }
    let making = best(3, ValueTable::new);
    let table = ValueTable::new();
    let largest = Ciphertext::<1>::zero().plus_public(u32::MAX.into());
    let opening = best(RUNS / 10, || {
        table
            .open_vartime(&keys[0], &largest, AMOUNT_BOUND)
            .unwrap()
    });
    println!("  table of 4 MiB {making:.0?}, largest amount {opening:.1?}");
}

fn best<T>(runs: u32, mut work: impl FnMut() -> T) -> Duration {
    let times = (0..runs).map(|_| bars::timed(|| black_box(work())).1);
    times.min().unwrap_or_default()
}

struct Bench<'a> {
    kind: Kind,
    keys: &'a [QuotaKey; 3],
    parties: &'a Parties,
    source: Ciphertext<1>,
}

impl<'a> Bench<'a> {
    fn new(kind: Kind, keys: &'a [QuotaKey; 3], parties: &'a Parties) -> Self {
        let opening = Opening::random(BALANCE_MINOR as u32, &mut rng());
        Self {
            kind,
            keys,
            parties,
            source: opening.seal(&[parties[kind.prover() as usize]]),
        }
    }

    fn make(&self, rng: &mut ChaCha20Rng) -> Vec<u8> {
        let key = &self.keys[self.kind.prover() as usize];
        let amount = Opening::random(1_200, rng);
        let (kind, parties, source) = (self.kind, self.parties, &self.source);
        Transfer::prove(
            kind,
            [7; 32],
            parties,
            source,
            key,
            BALANCE_MINOR,
            &amount,
            rng,
        )
        .unwrap()
        .to_bytes()
    }

    fn equation(&self, bytes: &[u8]) -> Equation {
        let transfer = Transfer::from_bytes(self.kind, black_box(bytes)).unwrap();
        let statement = Statement {
            kind: self.kind,
            context: [7; 32],
            parties: self.parties,
            source: &self.source,
            amount: &transfer.amount,
        };
        equation(&statement, &transfer.proof)
    }

    fn verify_batch(&self, batch: &[Vec<u8>]) {
        let equations: Vec<_> = batch.iter().map(|bytes| self.equation(bytes)).collect();
        verify_batch(&equations).unwrap();
    }
}

fn others(criterion: &mut Criterion, keys: &[QuotaKey; 3], parties: &Parties) {
    let mut rng = rng();
    let [key, next, _] = keys;
    let public = key.public();
    let source: Ciphertext<1> = Opening::random(5_000, &mut rng).seal(&[public]);
    let mut group = criterion.benchmark_group("quota");

    let statement = BurnStatement {
        context: [7; 32],
        key: &public,
        source: &source,
        amount_minor: 1_200,
    };
    let proof = BurnProof::prove(&statement, key, 5_000, &mut rng).unwrap();
    let bytes = BurnProof::BYTES;
    group.bench_function(format!("burn/prove/bytes={bytes}"), |bencher| {
        bencher.iter(|| BurnProof::prove(black_box(&statement), key, 5_000, &mut rng).unwrap());
    });
    group.bench_function("burn/verify", |bencher| {
        bencher.iter(|| proof.verify(black_box(&statement)).unwrap());
    });

    let statement = KeyChangeStatement {
        context: [7; 32],
        old: &public,
        new: &next.public(),
        handles: [source.handles[0]; 2],
    };
    let change = KeyChange::prove(&statement, key, next, &mut rng);
    let bytes = KeyChange::BYTES;
    group.bench_function(format!("key-change/prove/bytes={bytes}"), |bencher| {
        bencher.iter(|| KeyChange::prove(black_box(&statement), key, next, &mut rng));
    });
    group.bench_function("key-change/verify", |bencher| {
        bencher.iter(|| change.verify(black_box(&statement)).unwrap());
    });

    let disclosure = Disclosure::prove([7; 32], key, &source, 5_000, &mut rng).unwrap();
    let bytes = Disclosure::BYTES;
    group.bench_function(format!("disclosure/prove/bytes={bytes}"), |bencher| {
        bencher.iter(|| Disclosure::prove([7; 32], key, black_box(&source), 5_000, &mut rng));
    });
    group.bench_function("disclosure/verify", |bencher| {
        bencher.iter(|| black_box(&disclosure).verify().unwrap());
    });

    let proof = QuotaKeyProof::prove(key, &[7; 32], &mut rng);
    group.bench_function("key/verify", |bencher| {
        bencher.iter(|| proof.verify(black_box(&public), &[7; 32]).unwrap());
    });

    let mut account = Account::empty();
    let charge = Opening::random(1_200, &mut rng).seal(parties);
    account.receive(&charge).unwrap();
    account.roll_over();
    account.receive(&charge).unwrap();
    account.grant(9).unwrap();
    group.bench_function("roll-over", |bencher| {
        bencher.iter(|| {
            let mut account = black_box(account);
            account.roll_over();
            account
        });
    });
    group.finish();
}

/// Amounts up to the largest, which takes the most steps, and a sum that an account may gather.
fn table(criterion: &mut Criterion, key: &QuotaKey) {
    let mut rng = rng();
    let mut group = criterion.benchmark_group("quota");
    group.bench_function("table/make/bytes=4194304", |bencher| {
        bencher.iter(ValueTable::new);
    });
    let table = ValueTable::new();
    for value in [1_200, 1 << 20, u32::MAX] {
        let sealed: Ciphertext<1> = Opening::random(value, &mut rng).seal(&[key.public()]);
        group.bench_function(format!("table/open/value={value}"), |bencher| {
            bencher.iter(|| {
                table
                    .open_vartime(key, black_box(&sealed), AMOUNT_BOUND)
                    .unwrap()
            });
        });
    }
    let value = 1 << 36;
    let sealed = Ciphertext::<1>::zero().plus_public(value - 1);
    group.bench_function("table/open/value=2^36-1", |bencher| {
        bencher.iter(|| table.open_vartime(key, black_box(&sealed), value).unwrap());
    });
    group.finish();
}

fn transfers(
    criterion: &mut Criterion,
    name: &str,
    kind: Kind,
    keys: &[QuotaKey; 3],
    parties: &Parties,
) {
    let mut rng = rng();
    let bench = Bench::new(kind, keys, parties);
    let batch: Vec<Vec<u8>> = (0..BATCH).map(|_| bench.make(&mut rng)).collect();
    let mut group = criterion.benchmark_group("quota");
    let bytes = batch[0].len();
    group.bench_function(format!("{name}/prove/bytes={bytes}"), |bencher| {
        bencher.iter(|| bench.make(&mut rng));
    });
    group.bench_function(format!("{name}/verify"), |bencher| {
        bencher.iter(|| assert!(bench.equation(&batch[0]).holds()));
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(format!("{name}/verify/batch={BATCH}"), |bencher| {
        bencher.iter(|| bench.verify_batch(&batch));
    });
    group.finish();
}
