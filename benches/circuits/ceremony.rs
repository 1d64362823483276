//! The steps of a ceremony once each, at the size of the receipt's circuit.
//!
//! The promise is about an idle machine; processor time over cores says what a step would have taken there.

use std::collections::VecDeque;
use std::time::Duration;

use ark_ff::UniformRand as _;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Variable,
};
use ark_relations::utils::error::SynthesisError;
use tacit_circuits::ceremony::{
    BEACON_LOG2_HASHES, Circuit, Delta, Header, Powers, Specialised, Transcript,
};
use tacit_circuits::curve::Field;

use crate::bars::{processor_seconds, report, timed};
use crate::rng;

const CONTRIBUTION_BAR: Duration = Duration::from_secs(10);
/// With two public inputs more, the domain is 2¹⁴.
const CONSTRAINTS: usize = 16_000;
/// Earlier variables that a row sums up with full-size coefficients, as the linear layers of a permutation do.
const WIDTH: usize = 8;

/// Rows as wide as those of an algebraic hash. Only its shape counts here.
struct Wide;

impl ConstraintSynthesizer<Field> for Wide {
    fn generate_constraints(self, cs: ConstraintSystemRef<Field>) -> Result<(), SynthesisError> {
        let mut rng = rng();
        let unknown = || Err(SynthesisError::AssignmentMissing);
        let mut recent = VecDeque::from([cs.new_input_variable(unknown)?]);
        for _ in 0..CONSTRAINTS {
            let mut sum = |constant: Variable| {
                let terms = recent.iter().chain([&constant]);
                LinearCombination(terms.map(|term| (Field::rand(&mut rng), *term)).collect())
            };
            let (a, b) = (sum(Variable::One), sum(Variable::One));
            let out = cs.new_witness_variable(unknown)?;
            let c = LinearCombination(vec![(Field::from(1), out)]);
            cs.enforce_r1cs_constraint(|| a.clone(), || b.clone(), || c.clone())?;
            recent.push_back(out);
            if recent.len() > WIDTH {
                recent.pop_front();
            }
        }
        Ok(())
    }
}

fn step<T>(what: &str, work: impl FnOnce() -> T) -> (T, Duration) {
    let before = processor_seconds();
    let (result, took) = timed(work);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if let (Some(before), Some(after)) = (before, processor_seconds()) {
        let each = (after - before) / cores as f64;
        println!("  {what}: {took:.2?}, {each:.2} s of each core");
    }
    (result, took)
}

pub(crate) fn run() {
    let quiet = |_: usize, _: usize| {};
    let mut rng = rng();
    let (circuit, _) = step("matrices", || Circuit::new(Wide).unwrap());
    println!("a ceremony for 2^{}", circuit.log2_size());
    let source = "a bench".to_owned();
    let members = vec!["anna".to_owned()];
    let header = Header::new(&circuit, members, source, BEACON_LOG2_HASHES, &mut rng).unwrap();
    let mut transcript = Transcript::new(header);

    let powers = Powers::initial(circuit.log2_size());
    let (made, contributing) = step("phase 1, contribute", || {
        transcript
            .contribute_powers("anna", &powers, b"", &mut rng, &quiet)
            .unwrap()
    });
    transcript.append(&made.record).unwrap();
    let (powers, verifying) = step("phase 1, verify", || {
        Powers::verify(Some(&made.state), &transcript, &mut rng).unwrap()
    });
    report("phase 1", contributing + verifying, CONTRIBUTION_BAR, true);

    let ((made, specialised), _) = step("phase 1, close and specialise", || {
        transcript
            .close_powers(b"block", &[], &powers, &circuit, &quiet)
            .unwrap()
    });
    let ((), _) = step("phase 1, check the beacon", || {
        transcript.append(&made.record).unwrap();
    });
    let powers = Powers::verify(Some(&made.state), &transcript, &mut rng).unwrap();
    let bytes = specialised.to_bytes();
    println!(
        "  powers {} bytes, specialised {} bytes",
        made.state.len(),
        bytes.len()
    );
    let (specialised, checking) = step("specialised, verify", || {
        Specialised::verify(&bytes, &transcript, &powers, &circuit, &mut rng).unwrap()
    });

    let delta = Delta::initial(&specialised);
    let (made, contributing) = step("phase 2, contribute", || {
        transcript
            .contribute_delta("anna", &delta, b"", &mut rng, &quiet)
            .unwrap()
    });
    transcript.append(&made.record).unwrap();
    let (_, verifying) = step("phase 2, verify", || {
        Delta::verify(
            Some(&made.state),
            &transcript,
            &specialised,
            &circuit,
            &mut rng,
        )
        .unwrap()
    });
    let whole = contributing + verifying + checking;
    report("phase 2", whole, CONTRIBUTION_BAR, true);
}
