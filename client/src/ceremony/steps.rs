//! What members do in a ceremony's folder.

use std::path::Path;

use rand_core::{CryptoRng, RngCore};
use tacit_circuits::ceremony::{Circuit, Header, Keys, Made, Next, Phase, Progress, RecordError};

use super::CeremonyError;
use super::checked::{Author, Bad, Checked, CheckedStep};
use super::folder::Folder;

const PROVING_KEY: &str = "proving.key";
const VERIFYING_KEY: &str = "verifying.key";

/// Who wants to know what happens.
pub struct Watch<'a> {
    /// Hears of every record that holds, in its order.
    pub step: &'a dyn Fn(&CheckedStep),
    /// Hears of a step that is set aside.
    pub set_aside: &'a dyn Fn(&Bad),
    /// Hears what is done now, in a few words.
    pub stage: &'a dyn Fn(&'static str),
    /// Hears how much of a long step is done.
    pub progress: Progress<'a>,
}

/// The keys as files, and the name under which the network votes on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    /// `proving.key`
    pub proving: Vec<u8>,
    /// `verifying.key`
    pub verifying: Vec<u8>,
    /// The name of the verifying key.
    pub id: [u8; 32],
}

/// How a circuit's keys are written down.
pub type EncodeKeys = fn(&Keys) -> Result<KeyFiles, String>;

/// A ceremony in its folder.
#[derive(Debug)]
pub struct Ceremony<'a> {
    folder: Folder,
    circuit: &'a Circuit,
    encode: EncodeKeys,
}

impl<'a> Ceremony<'a> {
    /// The ceremony in a folder, for a circuit.
    pub fn new(folder: &Path, circuit: &'a Circuit, encode: EncodeKeys) -> Self {
        Self {
            folder: Folder::new(folder, circuit),
            circuit,
            encode,
        }
    }

    /// Begins it.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn begin(&self, header: &Header) -> Result<(), CeremonyError> {
        self.folder.create()?;
        let _lock = self.folder.lock()?;
        self.folder.write_header(&header.to_bytes())
    }

    /// Adds a member's contribution to the phase that is open, and gives the new step. A step that does not hold is set
    /// aside before, with all that follows it.
    ///
    /// # Errors
    /// [`CeremonyError`]; the folder then holds what it held, less what was set aside.
    pub fn contribute<R: RngCore + CryptoRng>(
        &self,
        name: &str,
        entropy: &[u8],
        rng: &mut R,
        watch: &Watch<'_>,
    ) -> Result<CheckedStep, CeremonyError> {
        let _lock = self.folder.lock()?;
        let mut checked = self.load_good(rng, watch)?;
        let transcript = &checked.transcript;
        (watch.stage)("contributing");
        let made = match &checked.phase_2 {
            None => {
                transcript.contribute_powers(name, &checked.powers, entropy, rng, watch.progress)
            }
            Some((_, delta)) => {
                transcript.contribute_delta(name, delta, entropy, rng, watch.progress)
            }
        };
        self.add(&mut checked, made.map_err(not_now)?)
    }

    /// Ends the phase that is open, without those who are named. Gives the new step, and the keys where phase 2 ended.
    ///
    /// # Errors
    /// As those of [`contribute`](Self::contribute).
    pub fn finish<R: RngCore + CryptoRng>(
        &self,
        phase: Phase,
        beacon: &[u8],
        skipped: &[String],
        rng: &mut R,
        watch: &Watch<'_>,
    ) -> Result<(CheckedStep, Option<KeyFiles>), CeremonyError> {
        let _lock = self.folder.lock()?;
        let mut checked = self.load_good(rng, watch)?;
        let Next::Open {
            phase: open,
            missing,
        } = checked.transcript.next()
        else {
            return Err(not_now(RecordError::Over));
        };
        if open != phase {
            return Err(CeremonyError::NotNow(format!(
                "{open} is open, not {phase}"
            )));
        }
        let waits = missing.iter().filter(|name| !skipped.contains(name));
        let waits: Vec<&str> = waits.map(String::as_str).collect();
        if !waits.is_empty() {
            let waits = waits.join(", ");
            let reason = format!("{phase} waits for {waits}; leave members out with --skip");
            return Err(CeremonyError::NotNow(reason));
        }
        (watch.stage)("applying the beacon");
        let transcript = &checked.transcript;
        match checked.phase_2.take() {
            None => {
                let powers = &checked.powers;
                let (made, queries) = transcript
                    .close_powers(beacon, skipped, powers, self.circuit, watch.progress)
                    .map_err(not_now)?;
                self.folder.write_queries(&queries.to_bytes())?;
                Ok((self.add(&mut checked, made)?, None))
            }
            Some((queries, delta)) => {
                let powers = &checked.powers;
                let (made, keys) = transcript
                    .close_delta(beacon, skipped, powers, queries, &delta, watch.progress)
                    .map_err(not_now)?;
                let files = (self.encode)(&keys).map_err(CeremonyError::Keys)?;
                // The step that names them comes last: until it is there, this can be done again.
                self.folder.write_key(PROVING_KEY, &files.proving)?;
                self.folder.write_key(VERIFYING_KEY, &files.verifying)?;
                Ok((self.add(&mut checked, made)?, Some(files)))
            }
        }
    }

    /// Checks everything and changes nothing. Gives what there is, and the keys where all is over.
    ///
    /// # Errors
    /// [`CeremonyError::Bad`] names the first step that does not hold, and whose it is.
    pub fn verify<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        watch: &Watch<'_>,
    ) -> Result<(Checked, Option<KeyFiles>), CeremonyError> {
        let mut checked = Checked::load(&self.folder, self.circuit, rng, watch)?;
        let Some(expected) = checked.transcript.keys() else {
            return Ok((checked, None));
        };
        (watch.stage)("checking keys");
        let Some((queries, delta)) = checked.phase_2.take() else {
            return Ok((checked, None));
        };
        let last = checked.transcript.position();
        let bad = |reason: &str| Bad {
            step: last,
            author: Author::Closer(Phase::Delta),
            reason: reason.into(),
        };
        let keys = Keys::new(&checked.powers, queries, delta);
        if keys.digest() != expected {
            return Err(bad("its keys are not those that the states give").into());
        }
        let files = (self.encode)(&keys).map_err(CeremonyError::Keys)?;
        for (name, bytes) in [
            (PROVING_KEY, &files.proving),
            (VERIFYING_KEY, &files.verifying),
        ] {
            // Whoever was handed only the transcript makes the keys from it.
            if self.folder.key(name)?.is_some_and(|found| found != *bytes) {
                return Err(bad(&format!("{name} is not what the ceremony made")).into());
            }
        }
        Ok((checked, Some(files)))
    }

    /// What holds; what does not is set aside with all that follows it.
    fn load_good<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        watch: &Watch<'_>,
    ) -> Result<Checked, CeremonyError> {
        loop {
            match Checked::load(&self.folder, self.circuit, rng, watch) {
                Err(CeremonyError::Bad(bad)) => {
                    self.folder.set_aside(bad.step)?;
                    (watch.set_aside)(&bad);
                }
                loaded => return loaded,
            }
        }
    }

    /// Writes a new step: its record last, so that a step is there with its state or not at all.
    fn add(&self, checked: &mut Checked, made: Made) -> Result<CheckedStep, CeremonyError> {
        let what = checked.transcript.append(&made.record);
        let what = what.map_err(CeremonyError::Faulty)?;
        let step = checked.transcript.position();
        self.folder.write_state(step, &made.state)?;
        self.folder.write_record(step, &made.record)?;
        for old in 1..step.saturating_sub(1) {
            if Some(old) != checked.end_of_phase_1() {
                self.folder.remove_state(old)?;
            }
        }
        Ok(CheckedStep {
            step,
            what,
            head: checked.transcript.head(),
        })
    }
}

fn not_now(error: RecordError) -> CeremonyError {
    CeremonyError::NotNow(error.to_string())
}
