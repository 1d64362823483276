//! Four members, and what they hand on.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tacit_circuits::ceremony::{
    Circuit, Delta, Header, MIN_BEACON_LOG2_HASHES, Made, Next, Phase, Powers, Specialised,
    StateError, Step, Transcript,
};

use crate::circuit::Chain;

pub(crate) const MEMBERS: [&str; 4] = ["anna", "bela", "港湾", "dora"];
/// Constraints of the circuit, less one.
pub(crate) const LENGTH: usize = 200;

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn quiet(_: usize, _: usize) {}

/// A ceremony under way: what the records say, and the states that they name.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) circuit: Circuit,
    pub(crate) transcript: Transcript,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) powers: Option<Vec<u8>>,
    pub(crate) specialised: Option<Vec<u8>>,
    pub(crate) delta: Option<Vec<u8>>,
    pub(crate) rng: ChaCha20Rng,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(Chain::setup(LENGTH), seed)
    }

    pub(crate) fn of(chain: Chain, seed: u64) -> Self {
        let mut rng = rng(seed);
        let circuit = Circuit::new(chain).unwrap();
        let members = MEMBERS.map(str::to_owned).to_vec();
        let source = "the first blocks of a test".to_owned();
        let header =
            Header::new(&circuit, members, source, MIN_BEACON_LOG2_HASHES, &mut rng).unwrap();
        Self {
            circuit,
            transcript: Transcript::new(header),
            records: Vec::new(),
            powers: None,
            specialised: None,
            delta: None,
            rng,
        }
    }

    pub(crate) fn verified_powers(&mut self) -> Result<Powers, StateError> {
        Powers::verify(self.powers.as_deref(), &self.transcript, &mut self.rng)
    }

    pub(crate) fn verified_specialised(&mut self) -> Result<Specialised, StateError> {
        let powers = self.verified_powers()?;
        let bytes = self.specialised.as_deref().unwrap_or_default();
        Specialised::verify(
            bytes,
            &self.transcript,
            &powers,
            &self.circuit,
            &mut self.rng,
        )
    }

    pub(crate) fn verified_delta(&mut self) -> Result<Delta, StateError> {
        let specialised = self.verified_specialised()?;
        Delta::verify(
            self.delta.as_deref(),
            &self.transcript,
            &specialised,
            &self.circuit,
            &mut self.rng,
        )
    }

    /// What a member makes of the newest state, in whichever phase is open.
    pub(crate) fn make(&mut self, name: &str) -> Made {
        match self.transcript.next() {
            Next::Open {
                phase: Phase::Powers,
                ..
            } => {
                let powers = self.verified_powers().unwrap();
                self.transcript
                    .contribute_powers(name, &powers, b"dice", &mut self.rng, &quiet)
            }
            _ => {
                let delta = self.verified_delta().unwrap();
                self.transcript
                    .contribute_delta(name, &delta, b"dice", &mut self.rng, &quiet)
            }
        }
        .unwrap()
    }

    /// Adds what was made.
    pub(crate) fn take(&mut self, made: Made) -> Step {
        let step = self.transcript.append(&made.record).unwrap();
        let (Step::Contribution { phase, .. } | Step::Closing { phase, .. }) = &step;
        match phase {
            Phase::Powers => self.powers = Some(made.state),
            Phase::Delta => self.delta = Some(made.state),
        }
        self.records.push(made.record);
        step
    }

    pub(crate) fn contribute(&mut self, name: &str) -> Step {
        let made = self.make(name);
        self.take(made)
    }

    pub(crate) fn close_powers(&mut self, beacon: &[u8], skipped: &[&str]) -> Step {
        let powers = self.verified_powers().unwrap();
        let skipped: Vec<String> = skipped.iter().map(|name| (*name).to_owned()).collect();
        let (made, specialised) = self
            .transcript
            .close_powers(beacon, &skipped, &powers, &self.circuit, &quiet)
            .unwrap();
        self.specialised = Some(specialised.to_bytes());
        self.take(made)
    }
}
