//! What a receipt costs, beside what is promised of it, a circuit of stock gadgets and arkworks' prover.
//!
//! Promised: at most 3 ms to verify one and 0.5 ms each in a batch of 100, and less than 0.9 s to
//! prove on two cores, on an idle machine.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use ark_bls12_381::Bls12_381;
use ark_ff::UniformRand as _;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer as _, ConstraintSystem, OptimizationGoal, R1CS_PREDICATE_LABEL,
    SynthesisMode,
};
use tacit_circuits::curve::Field;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::IndexedTree;
use tacit_circuits::log::{LogTree, log_leaf};
use tacit_circuits::oprf::{Entry, EvaluationContext, Input, ListKey, blind, evaluate, tag_batch};
use tacit_circuits::receipt::{
    CommitmentSecret, ContextHash, Proof, Prover, ProvingKey, Purpose, Statement, Witness,
    circuit_for_setup, circuit_over, circuit_size, development_keys,
};
use tacit_circuits::scope::{MemberId, Scope};

use crate::{EPOCH, LIST, bars, rng, stock, version};

const PROVE_BAR: Duration = Duration::from_millis(900);
const VERIFY_BAR: Duration = Duration::from_millis(3);
const BATCH_BAR: Duration = Duration::from_micros(500);
/// Receipts in the batch of the promise.
const BATCH: usize = 100;
/// Receipts that are proven together.
const SET: usize = 3;
/// Each step is run so often, and at least so long; the fastest run counts.
const MIN_RUNS: u32 = 7;
const MIN_TIME: Duration = Duration::from_secs(1);

pub(crate) fn run() {
    let size = circuit_size();
    let stock = stock::constraints();
    println!(
        "receipt: {} constraints; {stock} of stock gadgets, {:.2} times as many",
        size.constraints,
        stock as f64 / size.constraints as f64
    );
    let (key, setting_up) = timed(development_keys);
    let (cache, digest) = key.to_cache();
    let (_, loading) = timed(|| {
        ProvingKey::from_cache(&cache, &digest).unwrap();
    });
    let bytes = key.to_bytes();
    println!(
        "  set-up {setting_up:.2?}; key {} bytes, its cache {}, read in {loading:.2?}",
        bytes.len(),
        cache.len()
    );

    let witness = witness();
    println!("  arkworks' own prover {:.0?}", arkworks(&key, &witness));
    let prover = Prover::new(key.clone());
    let single = Prover::with_threads(key, NonZeroUsize::MIN);
    println!("  prove, one thread {:.0?}", prove(&single, &witness).1);
    let (proven, proving) = prove(&prover, &witness);
    report("prove, all cores", proving, PROVE_BAR);
    println!(
        "  prove {SET} together, each {:.0?}",
        prove_set(&prover, &witness)
    );
    println!("  check natively {:.2?}", best(|| witness.check().unwrap()));

    let verifier = prover.verifier();
    let one = best(|| verifier.verify(&proven.0, &proven.1).unwrap());
    report("verify", one, VERIFY_BAR);
    let batch: Vec<(Statement, Proof)> = vec![proven; BATCH];
    let all = best(|| verifier.verify_batch(&batch, &[1; 32]).unwrap());
    report(
        "verify in a batch of 100, each",
        all / BATCH as u32,
        BATCH_BAR,
    );
}

/// A miss on a list of the smallest class.
fn witness() -> Witness {
    let mut rng = rng();
    let key = ListKey::generate(&mut rng);
    let entries: Vec<Entry> = (0..1024).map(|_| Entry::padding(&mut rng)).collect();
    let tags = tag_batch(&key, &entries, LIST, EPOCH, &|_| {}).unwrap();
    let tree = IndexedTree::build(version(1), tags).unwrap();
    let (kind, x) = (IdentifierType::Phone, Field::from(8_613_800_138_000_u64));
    let input = Input {
        kind,
        x,
        list: LIST,
        tag_epoch: EPOCH,
    };
    let (states, blinded) = blind(&[input], &mut rng).unwrap();
    let context = EvaluationContext {
        chain_id: [9; 32],
        session: 1,
        sequence: 1,
        list: LIST,
        tag_epoch: EPOCH,
    };
    let (evaluated, _) = evaluate(&key, &context, &blinded, &mut rng).unwrap();
    let scope = Scope {
        list: LIST,
        tag_epoch: EPOCH,
        querier: MemberId(2),
    };
    let log = LogTree::new(vec![log_leaf(&scope, &blinded[0], &evaluated[0])]).unwrap();
    let subject = Entry::identifier(kind, x);
    let tag = tag_batch(&key, &[subject], LIST, EPOCH, &|_| {}).unwrap()[0];
    Witness {
        subject,
        secret: CommitmentSecret::random(&mut rng),
        blind: states[0].blind().clone(),
        blinded: blinded[0],
        evaluated: evaluated[0],
        scope,
        log_root: log.root(),
        log_path: log.path(0).unwrap(),
        list_root: tree.root(),
        list_path: tree.path(tag),
        context: ContextHash([5; 32]),
        purpose: Purpose::Answer,
    }
}

fn prove(prover: &Prover, witness: &Witness) -> ((Statement, Proof), Duration) {
    let mut rng = rng();
    let proven = prover.prove(witness, &mut rng).unwrap();
    let time = best(|| prover.prove(witness, &mut rng).unwrap());
    (proven, time)
}

/// The same proof by arkworks' prover, from the same values of the variables.
fn arkworks(key: &ProvingKey, witness: &Witness) -> Duration {
    let system = ConstraintSystem::new_ref();
    system.set_optimization_goal(OptimizationGoal::Constraints);
    system.set_mode(SynthesisMode::Setup);
    circuit_for_setup()
        .generate_constraints(system.clone())
        .unwrap();
    system.finalize();
    let matrices = system.to_matrices().unwrap()[R1CS_PREDICATE_LABEL].clone();
    let size = circuit_size();
    let mut rng = rng();
    best(|| {
        let (_, assignment) = witness.assign().unwrap();
        let system = ConstraintSystem::new_ref();
        system.set_mode(SynthesisMode::Prove {
            construct_matrices: false,
            generate_lc_assignments: false,
        });
        circuit_over(&assignment)
            .generate_constraints(system.clone())
            .unwrap();
        let variables = [
            system.instance_assignment().unwrap(),
            system.witness_assignment().unwrap(),
        ];
        Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
            key.parameters(),
            Field::rand(&mut rng),
            Field::rand(&mut rng),
            &matrices,
            1 + size.public_inputs,
            size.constraints,
            &variables.concat(),
        )
        .unwrap()
    })
}

/// Several proofs at once, as a set of receipts is made; the time of one.
fn prove_set(prover: &Prover, witness: &Witness) -> Duration {
    let set = vec![witness.clone(); SET];
    let mut rng = rng();
    let all = best(|| {
        let proven = prover.prove_many(&set, &mut rng, &|_| {});
        assert!(proven.iter().all(Result::is_ok));
    });
    all / SET as u32
}

/// The fastest run. Prints what a run costs of all cores together, which other programs do not
/// change.
fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    let before = bars::processor_seconds();
    let (mut fastest, mut runs) = (Duration::MAX, 0_u32);
    let begun = Instant::now();
    while runs < MIN_RUNS || begun.elapsed() < MIN_TIME {
        fastest = fastest.min(timed(&mut work).1);
        runs += 1;
    }
    if let (Some(before), Some(after)) = (before, bars::processor_seconds()) {
        let each = (after - before) * 1e3 / f64::from(runs);
        println!("  {runs} runs, {each:.2} ms of processor time each:");
    }
    fastest
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}

fn report(what: &str, took: Duration, bar: Duration) {
    let verdict = if took <= bar { "within" } else { "MORE than" };
    println!("  {what} {took:.2?}, {verdict} {bar:?}");
}
