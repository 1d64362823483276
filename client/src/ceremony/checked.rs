//! All that is in a ceremony's folder, checked.

use std::fmt;

use rand_core::{CryptoRng, RngCore};
use tacit_circuits::ceremony::{
    Circuit, Delta, Header, Next, Phase, Powers, Specialised, StateError, Step, Transcript,
};

use super::folder::Folder;
use super::{CeremonyError, Watch};

/// A step that does not hold, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {step}, by {author}: {reason}")]
pub struct Bad {
    /// Counted from 1.
    pub step: u32,
    /// Who it says made it.
    pub author: Author,
    /// What is wrong.
    pub reason: String,
}

/// Who made a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// A member.
    Member(String),
    /// Whoever ended a phase.
    Closer(Phase),
    /// The record does not say it legibly.
    Unknown,
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => f.write_str(name),
            Self::Closer(phase) => write!(f, "whoever ended {phase}"),
            Self::Unknown => f.write_str("an unknown author"),
        }
    }
}

/// A step whose record holds.
#[derive(Clone, Debug)]
pub struct CheckedStep {
    /// Counted from 1.
    pub step: u32,
    /// What it is.
    pub what: Step,
    /// The head of the transcript after it.
    pub head: [u8; 32],
}

impl CheckedStep {
    fn author(&self) -> Author {
        match &self.what {
            Step::Contribution { name, .. } => Author::Member(name.clone()),
            Step::Closing { phase, .. } => Author::Closer(*phase),
        }
    }

    fn phase(&self) -> Phase {
        match &self.what {
            Step::Contribution { phase, .. } | Step::Closing { phase, .. } => *phase,
        }
    }
}

/// Records that hold, and the newest states that they name.
#[derive(Debug)]
pub struct Checked {
    /// The records.
    pub transcript: Transcript,
    /// The steps, in their order.
    pub steps: Vec<CheckedStep>,
    pub(super) powers: Powers,
    pub(super) phase_2: Option<(Specialised, Delta)>,
}

impl Checked {
    /// Checks everything: every record in its order, then the newest state of each phase.
    pub(super) fn load<R: RngCore + CryptoRng>(
        folder: &Folder,
        circuit: &Circuit,
        rng: &mut R,
        watch: &Watch<'_>,
    ) -> Result<Self, CeremonyError> {
        let header = Header::from_bytes(&folder.header()?)?;
        if header.circuit() != circuit.fingerprint() {
            return Err(CeremonyError::OtherCircuit);
        }
        let mut transcript = Transcript::new(header);
        let mut steps: Vec<CheckedStep> = Vec::new();
        for step in 1.. {
            let Some(record) = folder.record(step)? else {
                break;
            };
            (watch.stage)("checking records");
            let what = transcript.append(&record).map_err(|error| Bad {
                step,
                author: match transcript.author(&record) {
                    Some(name) => Author::Member(name.into()),
                    None => Author::Unknown,
                },
                reason: error.to_string(),
            })?;
            let checked = CheckedStep {
                step,
                what,
                head: transcript.head(),
            };
            (watch.step)(&checked);
            steps.push(checked);
        }
        let newest = |phase| steps.iter().rev().find(|step| step.phase() == phase);
        let bad = |step: Option<&CheckedStep>, error: StateError| match step {
            // Where a phase begins nothing is read that could be wrong, but for the circuit.
            None => CeremonyError::OtherCircuit,
            Some(step) => CeremonyError::Bad(Bad {
                step: step.step,
                author: step.author(),
                reason: error.to_string(),
            }),
        };

        let last = newest(Phase::Powers);
        let bytes = last.map(|step| folder.state(step.step)).transpose()?;
        (watch.stage)("checking phase 1");
        let powers =
            Powers::verify(bytes.as_deref(), &transcript, rng).map_err(|error| bad(last, error))?;
        let is_phase_1 = matches!(
            transcript.next(),
            Next::Open {
                phase: Phase::Powers,
                ..
            }
        );
        let mut phase_2 = None;
        if !is_phase_1 {
            (watch.stage)("checking queries");
            let specialised =
                Specialised::verify(&folder.queries()?, &transcript, &powers, circuit, rng)
                    .map_err(|error| bad(last, error))?;
            (watch.stage)("checking phase 2");
            let last = newest(Phase::Delta);
            let bytes = last.map(|step| folder.state(step.step)).transpose()?;
            let delta = Delta::verify(bytes.as_deref(), &transcript, &specialised, circuit, rng)
                .map_err(|error| bad(last, error))?;
            phase_2 = Some((specialised, delta));
        }
        Ok(Self {
            transcript,
            steps,
            powers,
            phase_2,
        })
    }

    /// The step that ended phase 1, whose state phase 2 needs to its end.
    pub(super) fn end_of_phase_1(&self) -> Option<u32> {
        let ends = |step: &&CheckedStep| {
            matches!(
                step.what,
                Step::Closing {
                    phase: Phase::Powers,
                    ..
                }
            )
        };
        self.steps.iter().find(ends).map(|step| step.step)
    }
}
