//! The steps of a ceremony for the receipt's circuit, once each.
//!
//! The promise is about an idle machine; processor time over cores says what a step would have taken there.

use std::time::Duration;

use tacit_circuits::ceremony::{
    BEACON_LOG2_HASHES, Circuit, Delta, Header, Powers, Specialised, Transcript,
};
use tacit_circuits::receipt::circuit_for_setup;

use crate::bars::{processor_seconds, report, timed};
use crate::rng;

const CONTRIBUTION_BAR: Duration = Duration::from_secs(10);

/// What a step gave, and what it would have taken on an idle machine.
fn step<T>(what: &str, work: impl FnOnce() -> T) -> (T, Duration) {
    let before = processor_seconds();
    let (result, took) = timed(work);
    let (Some(before), Some(after)) = (before, processor_seconds()) else {
        println!("  {what}: {took:.2?}");
        return (result, took);
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let each = Duration::from_secs_f64((after - before) / cores as f64);
    println!("  {what}: {took:.2?}, {each:.2?} of each core");
    (result, took.min(each))
}

pub(crate) fn run() {
    let quiet = |_: usize, _: usize| {};
    let mut rng = rng();
    let (circuit, _) = step("matrices", || Circuit::new(circuit_for_setup()).unwrap());
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
    let (powers, checking_powers) = step("phase 1, verify", || {
        Powers::verify(Some(&made.state), &transcript, &mut rng).unwrap()
    });
    report(
        "phase 1",
        contributing + checking_powers,
        CONTRIBUTION_BAR,
        true,
    );

    let ((made, specialised), _) = step("phase 1, close and specialise", || {
        transcript
            .close_powers(b"block", &[], &powers, &circuit, &quiet)
            .unwrap()
    });
    let ((), hashing) = step("phase 1, check the beacon", || {
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
    // Whoever contributes checks all that is there first.
    let whole = checking_powers + hashing + checking + verifying + contributing;
    report("phase 2", whole, CONTRIBUTION_BAR, true);
}
