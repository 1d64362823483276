//! New records: a member's, and the beacon's.

use ark_bls12_381::G1Affine;
use rand_core::{CryptoRng, RngCore};

use super::circuit::Circuit;
use super::delta::Delta;
use super::error::RecordError;
use super::keys::Keys;
use super::points::encode_element;
use super::powers::Powers;
use super::record::{Body, Record};
use super::secrets::Secrets;
use super::specialise::Specialised;
use super::transcript::Transcript;
use super::{Phase, state};

/// Hears how much of the work is done, and how much there is, from all cores.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// A new record, and the bytes of the state that it names.
#[derive(Clone, Debug)]
pub struct Made {
    /// The record, for [`Transcript::append`].
    pub record: Vec<u8>,
    /// The new state of the phase.
    pub state: Vec<u8>,
}

impl Transcript {
    /// A member's contribution to phase 1. `powers` is what [`Powers::verify`] gave.
    ///
    /// The secrets come from `rng` and `entropy`, and are wiped before this returns.
    ///
    /// # Errors
    /// [`RecordError`], where this member cannot contribute now.
    pub fn contribute_powers<R: RngCore + CryptoRng>(
        &self,
        name: &str,
        powers: &Powers,
        entropy: &[u8],
        rng: &mut R,
        progress: Progress<'_>,
    ) -> Result<Made, RecordError> {
        let phase = Phase::Powers;
        let member = self.member(phase, name)?;
        let secrets = Secrets::draw(phase, entropy, rng);
        let work = Powers::work(self.header().log2_size());
        let new = powers.update(&secrets, &counted(work, progress));
        let elements = new.elements();
        Ok(self.contributed(phase, member, &elements, new.to_bytes(), &secrets, rng))
    }

    /// A member's contribution to phase 2. `delta` is what [`Delta::verify`] gave.
    ///
    /// # Errors
    /// As those of [`contribute_powers`](Self::contribute_powers).
    pub fn contribute_delta<R: RngCore + CryptoRng>(
        &self,
        name: &str,
        delta: &Delta,
        entropy: &[u8],
        rng: &mut R,
        progress: Progress<'_>,
    ) -> Result<Made, RecordError> {
        let phase = Phase::Delta;
        let member = self.member(phase, name)?;
        let secrets = Secrets::draw(phase, entropy, rng);
        let new = delta.update(&secrets, &counted(delta.work(), progress));
        let elements = [new.delta_g1];
        Ok(self.contributed(phase, member, &elements, new.to_bytes(), &secrets, rng))
    }

    /// Ends phase 1 without `skipped`, and specialises it to the circuit.
    ///
    /// # Errors
    /// [`RecordError`], where the phase cannot be ended so.
    pub fn close_powers(
        &self,
        beacon: &[u8],
        skipped: &[String],
        powers: &Powers,
        circuit: &Circuit,
        progress: Progress<'_>,
    ) -> Result<(Made, Specialised), RecordError> {
        let phase = Phase::Powers;
        let skipped = self.skipped(phase, beacon, skipped)?;
        let work = Powers::work(self.header().log2_size()) + Specialised::work(circuit);
        let done = counted(work, progress);
        let new = powers.update(&self.of_beacon(phase, beacon), &done);
        let specialised = Specialised::new(&new, circuit, &done);
        let result = state::digest(&specialised.to_bytes());
        let elements = new.elements();
        let body = closing(beacon, skipped, result);
        Ok((
            self.made(phase, &elements, new.to_bytes(), body),
            specialised,
        ))
    }

    /// Ends phase 2 without `skipped`, and makes the keys.
    ///
    /// # Errors
    /// As those of [`close_powers`](Self::close_powers).
    pub fn close_delta(
        &self,
        beacon: &[u8],
        skipped: &[String],
        powers: &Powers,
        specialised: Specialised,
        delta: &Delta,
        progress: Progress<'_>,
    ) -> Result<(Made, Keys), RecordError> {
        let phase = Phase::Delta;
        let skipped = self.skipped(phase, beacon, skipped)?;
        let secrets = self.of_beacon(phase, beacon);
        let new = delta.update(&secrets, &counted(delta.work(), progress));
        let (elements, bytes) = ([new.delta_g1], new.to_bytes());
        let keys = Keys::new(powers, specialised, new);
        let body = closing(beacon, skipped, keys.digest());
        Ok((self.made(phase, &elements, bytes, body), keys))
    }

    fn member(&self, phase: Phase, name: &str) -> Result<u16, RecordError> {
        self.is_open(phase)?;
        let member = self.header().member(name).ok_or(RecordError::NotExpected)?;
        self.admitted(member)?;
        Ok(member)
    }

    fn skipped(
        &self,
        phase: Phase,
        beacon: &[u8],
        names: &[String],
    ) -> Result<Vec<u16>, RecordError> {
        self.is_open(phase)?;
        let numbers = names.iter().map(|name| self.header().member(name));
        let numbers: Option<Vec<u16>> = numbers.collect();
        let mut numbers = numbers.ok_or(RecordError::NotExpected)?;
        numbers.sort_unstable();
        self.closable(beacon, &numbers)?;
        Ok(numbers)
    }

    fn contributed<R: RngCore + CryptoRng>(
        &self,
        phase: Phase,
        member: u16,
        elements: &[G1Affine],
        bytes: Vec<u8>,
        secrets: &Secrets,
        rng: &mut R,
    ) -> Made {
        let digest = state::digest(&bytes);
        let old = self.elements(phase);
        let name = &self.header().members()[usize::from(member)];
        let proof = self
            .statement(phase, name, &digest, &old, elements)
            .prove(secrets.values(), rng);
        self.made(phase, elements, bytes, Body::Contribution { member, proof })
    }

    fn made(&self, phase: Phase, elements: &[G1Affine], bytes: Vec<u8>, body: Body) -> Made {
        let record = Record {
            phase,
            previous: self.head(),
            state: state::digest(&bytes),
            elements: elements.iter().map(encode_element).collect(),
            body,
        };
        Made {
            record: record.to_bytes(),
            state: bytes,
        }
    }
}

fn closing(beacon: &[u8], skipped: Vec<u16>, result: [u8; 32]) -> Body {
    Body::Closing {
        beacon: beacon.to_vec(),
        skipped,
        result,
    }
}

/// Adds up what is done.
fn counted(work: usize, progress: Progress<'_>) -> impl Fn(usize) + Sync {
    let done = std::sync::atomic::AtomicUsize::new(0);
    move |more| {
        let before = done.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
        progress(before + more, work);
    }
}
