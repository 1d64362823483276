//! Confidential quota: transfers, alone and in a batch, and opening what was received.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use tacit_circuits::quota::transfer::{Kind, Parties, Statement, Transfer, equation, verify};
use tacit_circuits::quota::{Ciphertext, Opening, QuotaKey, verify_batch};

use crate::rng;

const BATCH: usize = 64;
const BALANCE_MINOR: u64 = 1 << 31;

pub(crate) fn steps(criterion: &mut Criterion) {
    let keys = [1, 2, 3].map(|number| QuotaKey::derive(&[number; 32], 0));
    let parties: Parties = keys.each_ref().map(QuotaKey::public);
    for (name, kind) in [("open", Kind::Open), ("settle", Kind::Settle)] {
        transfers(criterion, name, kind, &keys, &parties);
    }
}

fn transfers(
    criterion: &mut Criterion,
    name: &str,
    kind: Kind,
    keys: &[QuotaKey; 3],
    parties: &Parties,
) {
    let mut rng = rng();
    let prover = kind.prover() as usize;
    let source: Ciphertext<1> = Opening::random(BALANCE_MINOR as u32, &mut rng)
        .seal(&[parties[prover]]);
    let mut make = || {
        let amount = Opening::random(1_200, &mut rng);
        Transfer::prove(
            kind,
            [7; 32],
            parties,
            &source,
            &keys[prover],
            BALANCE_MINOR,
            &amount,
            &mut rng,
        )
        .unwrap()
    };
    let made: Vec<Vec<u8>> = (0..BATCH).map(|_| make().to_bytes()).collect();
    let read = |bytes: &[u8]| {
        let transfer = Transfer::from_bytes(kind, bytes).unwrap();
        let statement = Statement {
            kind,
            context: [7; 32],
            parties,
            source: &source,
            amount: &transfer.amount,
        };
        equation(&statement, &transfer.proof)
    };

    let mut group = criterion.benchmark_group("quota");
    let bytes = made[0].len();
    group.bench_function(format!("{name}/prove/bytes={bytes}"), |bencher| {
        bencher.iter(&mut make);
    });
    group.bench_function(format!("{name}/verify"), |bencher| {
        bencher.iter(|| {
            let transfer = Transfer::from_bytes(kind, black_box(&made[0])).unwrap();
            let statement = Statement {
                kind,
                context: [7; 32],
                parties,
                source: &source,
                amount: &transfer.amount,
            };
            verify(&statement, &transfer.proof).unwrap();
        });
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(format!("{name}/verify/batch={BATCH}"), |bencher| {
        bencher.iter(|| {
            let equations: Vec<_> = made.iter().map(|bytes| read(black_box(bytes))).collect();
            verify_batch(&equations).unwrap();
        });
    });
    group.finish();
}
