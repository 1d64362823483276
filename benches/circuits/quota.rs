//! Confidential quota: transfers, alone and in a batch, the other proofs, opening what was received.
//!
//! Rolling over, which needs no proof, stands beside them as what the ledger computes for it.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use tacit_circuits::quota::transfer::{Kind, Parties, Statement, Transfer, equation, verify};
use tacit_circuits::quota::{
    AMOUNT_BOUND, Account, BurnProof, BurnStatement, Ciphertext, Disclosure, KeyChange,
    KeyChangeStatement, Opening, QuotaKey, QuotaKeyProof, ValueTable, verify_batch,
};

use crate::rng;

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
    let prover = kind.prover() as usize;
    let source: Ciphertext<1> =
        Opening::random(BALANCE_MINOR as u32, &mut rng).seal(&[parties[prover]]);
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
