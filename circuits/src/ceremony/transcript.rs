//! The records of a ceremony, in their order.

use ark_bls12_381::G1Affine;

use super::error::RecordError;
use super::header::Header;
use super::points::decode_element;
use super::proof::{Statement, beginning};
use super::record::{Body, Record};
use super::secrets::Secrets;
use super::{MAX_BEACON_BYTES, Phase};

/// What the newest record of a phase says of its state.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) state: [u8; 32],
    pub(super) elements: Vec<G1Affine>,
    /// Digest of the specialised state or of the keys, once the phase is closed.
    result: Option<[u8; 32]>,
}

/// A checked record, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member's.
    Contribution {
        /// To which phase.
        phase: Phase,
        /// The member.
        name: String,
    },
    /// The end of a phase.
    Closing {
        /// Of which phase.
        phase: Phase,
        /// The public value.
        beacon: Vec<u8>,
        /// Who did not contribute.
        skipped: Vec<String>,
    },
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Contributions to a phase, or its closing.
    Open {
        /// The phase.
        phase: Phase,
        /// Who did not contribute to it.
        missing: Vec<String>,
    },
    /// Nothing: the keys are made.
    Over,
}

/// The records of a ceremony, each checked when it is added. That a record was made from a state that is what it should
/// be is seen from the states: [`Powers::verify`](super::Powers::verify) and the like.
#[derive(Clone, Debug)]
pub struct Transcript {
    header: Header,
    id: [u8; 32],
    head: [u8; 32],
    /// Records so far.
    position: u32,
    /// Who contributed to the phase that is open.
    contributed: Vec<u16>,
    powers: Option<Claim>,
    delta: Option<Claim>,
}

impl Transcript {
    /// Of a ceremony that nobody contributed to yet.
    #[must_use]
    pub fn new(header: Header) -> Self {
        let id = header.id();
        Self {
            header,
            id,
            head: id,
            position: 0,
            contributed: Vec::new(),
            powers: None,
            delta: None,
        }
    }

    /// What the ceremony is held for.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The ceremony's identity before the first record, then a hash over all records.
    #[must_use]
    pub fn head(&self) -> [u8; 32] {
        self.head
    }

    /// Records so far.
    #[must_use]
    pub fn position(&self) -> u32 {
        self.position
    }

    /// What comes next.
    #[must_use]
    pub fn next(&self) -> Next {
        let Some(phase) = self.phase() else {
            return Next::Over;
        };
        let members = self.header.members().iter().enumerate();
        let missing = members.filter(|(member, _)| !self.has_contributed(*member));
        Next::Open {
            phase,
            missing: missing.map(|(_, name)| name.clone()).collect(),
        }
    }

    /// The digest that the specialised state must have, once phase 1 is closed.
    pub(super) fn specialised(&self) -> Option<[u8; 32]> {
        self.powers.as_ref().and_then(|claim| claim.result)
    }

    /// The digest that the keys must have, once phase 2 is closed: that of [`Keys::digest`](super::Keys::digest).
    #[must_use]
    pub fn keys(&self) -> Option<[u8; 32]> {
        self.delta.as_ref().and_then(|claim| claim.result)
    }

    pub(super) fn powers(&self) -> Option<&Claim> {
        self.powers.as_ref()
    }

    pub(super) fn delta(&self) -> Option<&Claim> {
        self.delta.as_ref()
    }

    /// The phase that is open.
    fn phase(&self) -> Option<Phase> {
        match (self.specialised(), self.keys()) {
            (_, Some(_)) => None,
            (Some(_), None) => Some(Phase::Delta),
            (None, None) => Some(Phase::Powers),
        }
    }

    /// That steps of this phase are next.
    pub(super) fn is_open(&self, found: Phase) -> Result<(), RecordError> {
        match self.phase() {
            None => Err(RecordError::Over),
            Some(expected) if expected != found => Err(RecordError::Phase { expected, found }),
            Some(_) => Ok(()),
        }
    }

    fn has_contributed(&self, member: usize) -> bool {
        self.contributed
            .iter()
            .any(|one| usize::from(*one) == member)
    }

    /// The elements that the next record's multiply.
    pub(super) fn elements(&self, phase: Phase) -> Vec<G1Affine> {
        let claim = match phase {
            Phase::Powers => &self.powers,
            Phase::Delta => &self.delta,
        };
        match claim {
            Some(claim) => claim.elements.clone(),
            None => beginning(phase),
        }
    }

    /// Who a record says it is from, for reports on one that is refused.
    #[must_use]
    pub fn author(&self, record: &[u8]) -> Option<&str> {
        match Record::from_bytes(record).ok()?.body {
            Body::Contribution { member, .. } => self.name(member),
            Body::Closing { .. } => None,
        }
    }

    fn name(&self, member: u16) -> Option<&str> {
        let name = self.header.members().get(usize::from(member));
        name.map(String::as_str)
    }

    /// Checks a record and adds it.
    ///
    /// # Errors
    /// [`RecordError`]; the transcript is unchanged.
    pub fn append(&mut self, bytes: &[u8]) -> Result<Step, RecordError> {
        let record = Record::from_bytes(bytes)?;
        let phase = record.phase;
        self.is_open(phase)?;
        if record.previous != self.head {
            return Err(RecordError::Previous);
        }
        let old = self.elements(phase);
        let new = new_elements(&record, &old)?;
        let (step, result) = match &record.body {
            Body::Contribution { member, proof } => {
                let name = self.admitted(*member)?;
                self.statement(phase, name, &record.state, &old, &new)
                    .verify(proof)?;
                let name = name.to_owned();
                (Step::Contribution { phase, name }, None)
            }
            Body::Closing {
                beacon,
                skipped,
                result,
            } => {
                let names = self.closable(beacon, skipped)?;
                let secrets = self.of_beacon(phase, beacon);
                let factors = secrets.values().iter().zip(phase.secrets());
                for ((factor, name), (old, new)) in factors.zip(old.iter().zip(&new)) {
                    if *old * factor != *new {
                        return Err(RecordError::NotOfBeacon { name });
                    }
                }
                let step = Step::Closing {
                    phase,
                    beacon: beacon.clone(),
                    skipped: names,
                };
                (step, Some(*result))
            }
        };
        self.position += 1;
        self.head = Record::head(bytes);
        match record.body {
            Body::Contribution { member, .. } => self.contributed.push(member),
            Body::Closing { .. } => self.contributed.clear(),
        }
        let claim = Some(Claim {
            state: record.state,
            elements: new,
            result,
        });
        match phase {
            Phase::Powers => self.powers = claim,
            Phase::Delta => self.delta = claim,
        }
        Ok(step)
    }

    /// The name of a member who may contribute now.
    pub(super) fn admitted(&self, member: u16) -> Result<&str, RecordError> {
        let name = self.name(member).ok_or(RecordError::NotExpected)?;
        if self.contributed.contains(&member) {
            return Err(RecordError::Twice);
        }
        Ok(name)
    }

    /// The names of those left out, where the phase can be closed without exactly them.
    pub(super) fn closable(
        &self,
        beacon: &[u8],
        skipped: &[u16],
    ) -> Result<Vec<String>, RecordError> {
        if self.contributed.is_empty() {
            return Err(RecordError::NobodyContributed);
        }
        if !(1..=MAX_BEACON_BYTES).contains(&beacon.len()) {
            return Err(RecordError::Beacon);
        }
        let members = 0..self.header.members().len();
        let missing = members.filter(|member| !self.has_contributed(*member));
        if !missing.eq(skipped.iter().map(|member| usize::from(*member))) {
            return Err(RecordError::Skipped);
        }
        let names = skipped.iter().filter_map(|member| self.name(*member));
        Ok(names.map(str::to_owned).collect())
    }

    pub(super) fn of_beacon(&self, phase: Phase, beacon: &[u8]) -> Secrets {
        Secrets::of_beacon(phase, &self.head, beacon, self.header.beacon_log2_hashes())
    }

    pub(super) fn statement<'a>(
        &'a self,
        phase: Phase,
        name: &'a str,
        state: &'a [u8; 32],
        old: &'a [G1Affine],
        new: &'a [G1Affine],
    ) -> Statement<'a> {
        Statement {
            ceremony: &self.id,
            phase,
            position: self.position,
            name,
            previous: &self.head,
            state,
            old,
            new,
        }
    }
}

fn new_elements(record: &Record, old: &[G1Affine]) -> Result<Vec<G1Affine>, RecordError> {
    let names = record.phase.secrets();
    if record.elements.len() != names.len() {
        return Err(RecordError::Format);
    }
    let elements = record.elements.iter().zip(names).zip(old);
    elements
        .map(|((bytes, name), old)| {
            let element =
                decode_element(bytes).map_err(|fault| RecordError::Element { name, fault })?;
            if element == *old {
                return Err(RecordError::Unchanged { name });
            }
            Ok(element)
        })
        .collect()
}
