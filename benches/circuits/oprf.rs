//! The steps of a call, by the size of the batch.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use tacit_circuits::curve::{Field, Point, WIRE_POINT_BYTES};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::log::log_leaves;
use tacit_circuits::oprf::{
    DLEQ_PROOF_BYTES, EvaluationContext, Input, ListKey, blind, evaluate, finalize, verify,
};
use tacit_circuits::scope::{MemberId, Scope};

use crate::{EPOCH, LIST, rng};

pub(crate) fn steps(criterion: &mut Criterion) {
    let mut rng = rng();
    let key = ListKey::generate(&mut rng);
    let public = key.public();
    let context = EvaluationContext {
        chain_id: [1; 32],
        session: 2,
        sequence: 3,
        list: LIST,
        tag_epoch: EPOCH,
    };
    let scope = Scope {
        list: LIST,
        tag_epoch: EPOCH,
        querier: MemberId(4),
    };
    for calls in [1, 100, 1000] {
        let inputs: Vec<Input> = (0..calls)
            .map(|n| Input {
                kind: IdentifierType::Phone,
                x: Field::from(n as u64),
                list: LIST,
                tag_epoch: EPOCH,
            })
            .collect();
        let (states, blinded) = blind(&inputs, &mut rng).unwrap();
        let (evaluated, proof) = evaluate(&key, &context, &blinded, &mut rng).unwrap();
        let wire = Point::encode_batch(&blinded);

        let mut group = criterion.benchmark_group("oprf");
        group.throughput(Throughput::Elements(calls as u64));
        let sent = calls * WIRE_POINT_BYTES;
        group.bench_function(format!("blind/batch={calls}/bytes={sent}"), |bencher| {
            bencher.iter(|| blind(black_box(&inputs), &mut rng).unwrap());
        });
        group.bench_function(format!("decode/batch={calls}"), |bencher| {
            bencher.iter(|| Point::decode_batch(black_box(&wire)).unwrap());
        });
        let answered = sent + DLEQ_PROOF_BYTES;
        group.bench_function(
            format!("evaluate/batch={calls}/bytes={answered}"),
            |bencher| {
                bencher.iter(|| evaluate(&key, &context, black_box(&blinded), &mut rng).unwrap());
            },
        );
        group.bench_function(format!("verify/batch={calls}"), |bencher| {
            bencher.iter(|| verify(&public, &context, &blinded, black_box(&evaluated), &proof));
        });
        group.bench_function(format!("finalize/batch={calls}"), |bencher| {
            bencher.iter(|| {
                finalize(&states, &public, &context, black_box(&evaluated), &proof).unwrap()
            });
        });
        group.bench_function(format!("log_leaves/batch={calls}"), |bencher| {
            bencher.iter(|| log_leaves(&scope, &blinded, black_box(&evaluated)));
        });
        group.finish();
    }
}
