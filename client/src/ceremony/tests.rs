//! Ceremonies in folders, with a circuit that takes milliseconds.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, SynthesisError, Variable, lc,
};
use rand_core::OsRng;
use tacit_circuits::ceremony::{Circuit, Header, Keys, MIN_BEACON_LOG2_HASHES, Phase};
use tacit_circuits::curve::Field;
use tempfile::TempDir;

use super::folder::Folder;
use super::{Author, Bad, Ceremony, CeremonyError, CheckedStep, KeyFiles, Watch};

/// y = x^32.
struct Power;

impl ConstraintSynthesizer<Field> for Power {
    fn generate_constraints(self, cs: ConstraintSystemRef<Field>) -> Result<(), SynthesisError> {
        let unknown = || Err(SynthesisError::AssignmentMissing);
        let end = cs.new_input_variable(unknown)?;
        let mut power: Variable = cs.new_witness_variable(unknown)?;
        for step in 0..5 {
            let square = if step == 4 {
                end
            } else {
                cs.new_witness_variable(unknown)?
            };
            cs.enforce_r1cs_constraint(|| lc!() + power, || lc!() + power, || lc!() + square)?;
            power = square;
        }
        Ok(())
    }
}

fn encode(keys: &Keys) -> Result<KeyFiles, String> {
    let id = keys.digest();
    Ok(KeyFiles {
        proving: id.to_vec(),
        verifying: id[..16].to_vec(),
        id,
    })
}

struct Trial {
    folder: TempDir,
    circuit: Circuit,
    set_aside: RefCell<Vec<Bad>>,
    steps: RefCell<Vec<u32>>,
}

impl Trial {
    fn new() -> Self {
        let trial = Self {
            folder: tempfile::tempdir().unwrap(),
            circuit: Circuit::new(Power).unwrap(),
            set_aside: RefCell::default(),
            steps: RefCell::default(),
        };
        let members = ["anna", "bela", "dora"].map(str::to_owned).to_vec();
        let hashes = MIN_BEACON_LOG2_HASHES;
        let header =
            Header::new(&trial.circuit, members, "blocks".into(), hashes, &mut OsRng).unwrap();
        trial.ceremony().begin(&header).unwrap();
        trial
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    fn ceremony(&self) -> Ceremony<'_> {
        Ceremony::new(self.folder.path(), &self.circuit, encode)
    }

    fn watched<T>(&self, work: impl FnOnce(&Watch<'_>) -> T) -> T {
        self.steps.borrow_mut().clear();
        work(&Watch {
            step: &|step| self.steps.borrow_mut().push(step.step),
            set_aside: &|bad| self.set_aside.borrow_mut().push(bad.clone()),
            stage: &|_| {},
            progress: &|_, _| {},
        })
    }

    fn contribute(&self, name: &str) -> Result<CheckedStep, CeremonyError> {
        self.watched(|watch| self.ceremony().contribute(name, b"dice", &mut OsRng, watch))
    }

    fn finish(&self, phase: Phase, skip: &[&str]) -> Result<Option<KeyFiles>, CeremonyError> {
        let skip: Vec<String> = skip.iter().map(|name| (*name).to_owned()).collect();
        let finished = self.watched(|watch| {
            self.ceremony()
                .finish(phase, b"block", &skip, &mut OsRng, watch)
        });
        finished.map(|(_, keys)| keys)
    }

    fn verify(&self) -> Result<Option<KeyFiles>, CeremonyError> {
        self.watched(|watch| self.ceremony().verify(&mut OsRng, watch))
            .map(|(_, keys)| keys)
    }

    fn corrupt(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(name)).unwrap();
        change(&mut bytes);
        fs::write(self.path(name), bytes).unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "lock")
        .collect();
    names.sort();
    names
}

fn bad(result: Result<impl Sized, CeremonyError>) -> Bad {
    match result.map(|_| ()) {
        Err(CeremonyError::Bad(bad)) => bad,
        other => panic!("{other:?}"),
    }
}

fn member(name: &str) -> Author {
    Author::Member(name.into())
}

#[test]
fn a_folder_goes_round_and_ends_with_keys() {
    let trial = Trial::new();
    for name in ["dora", "anna", "bela"] {
        trial.contribute(name).unwrap();
        trial.verify().unwrap();
    }
    assert!(trial.finish(Phase::Powers, &[]).unwrap().is_none());
    for name in ["anna", "dora"] {
        trial.contribute(name).unwrap();
    }
    let keys = trial.finish(Phase::Delta, &["bela"]).unwrap().unwrap();
    assert_eq!(trial.verify().unwrap(), Some(keys));
    assert_eq!(*trial.steps.borrow(), [1, 2, 3, 4, 5, 6, 7]);
    let states: Vec<_> = trial
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".state"))
        .collect();
    // The end of phase 1, and the last two steps.
    assert_eq!(
        states,
        ["004.state", "006.state", "007.state", "queries.state"]
    );

    let over = trial.contribute("bela").unwrap_err();
    assert!(matches!(over, CeremonyError::NotNow(_)), "{over}");
    trial.corrupt("verifying.key", |bytes| bytes[0] ^= 1);
    assert_eq!(bad(trial.verify()).author, Author::Closer(Phase::Delta));
}

#[test]
fn a_bad_contribution_is_named_set_aside_and_built_over() {
    let trial = Trial::new();
    trial.contribute("anna").unwrap();
    trial.contribute("bela").unwrap();
    trial.corrupt("002.state", |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    let found = bad(trial.verify());
    assert_eq!((found.step, found.author), (2, member("bela")));
    assert!(
        trial.set_aside.borrow().is_empty(),
        "verify changes nothing"
    );

    let step = trial.contribute("dora").unwrap();
    assert_eq!(step.step, 2);
    assert_eq!(trial.set_aside.borrow()[0].author, member("bela"));
    let names = trial.names();
    assert!(names.contains(&"002.record.refused".into()), "{names:?}");
    assert!(names.contains(&"002.state.refused".into()), "{names:?}");
    // Bela may try again.
    trial.contribute("bela").unwrap();
    trial.verify().unwrap();
}

#[test]
fn a_record_that_is_cut_off_is_set_aside_with_what_follows() {
    let trial = Trial::new();
    for name in ["anna", "bela"] {
        trial.contribute(name).unwrap();
    }
    trial.corrupt("002.record", |bytes| bytes.truncate(100));
    let found = bad(trial.verify());
    assert_eq!((found.step, found.author), (2, Author::Unknown));
    trial.contribute("bela").unwrap();
    trial.verify().unwrap();

    // A record in the wrong place is its maker's, and what follows goes with it.
    trial.contribute("dora").unwrap();
    fs::copy(trial.path("003.record"), trial.path("002.record")).unwrap();
    let found = bad(trial.verify());
    assert_eq!((found.step, found.author), (2, member("dora")));
    // The state after step 1 is no longer here.
    let gone = trial.contribute("dora").unwrap_err();
    assert!(matches!(gone, CeremonyError::File { .. }), "{gone}");
    assert!(gone.to_string().contains("get the folder again"), "{gone}");
}

#[test]
fn an_interruption_at_any_file_leaves_the_ceremony_as_it_was() {
    let trial = Trial::new();
    trial.contribute("anna").unwrap();
    // The state was moved into place, the record half written.
    let state = fs::read(trial.path("001.state")).unwrap();
    fs::write(trial.path("002.state"), &state[..50]).unwrap();
    fs::write(trial.path("002.record.partial"), b"tacit cerrecrd").unwrap();
    trial.verify().unwrap();
    assert_eq!(trial.contribute("bela").unwrap().step, 2);
    trial.verify().unwrap();
    assert!(!trial.names().contains(&"002.record.partial".into()));
}

#[test]
fn who_works_in_the_folder_keeps_others_out() {
    let trial = Trial::new();
    let folder = Folder::new(trial.folder.path(), &trial.circuit);
    let lock = folder.lock().unwrap();
    let refused = trial.contribute("anna").unwrap_err();
    assert!(matches!(refused, CeremonyError::Locked { .. }), "{refused}");
    drop(lock);
    trial.contribute("anna").unwrap();
}

#[test]
fn steps_out_of_turn_say_what_is_waited_for() {
    let trial = Trial::new();
    let words = |result: Result<Option<KeyFiles>, CeremonyError>| result.unwrap_err().to_string();
    trial.contribute("anna").unwrap();
    assert!(words(trial.finish(Phase::Powers, &["bela"])).contains("waits for dora"));
    assert!(words(trial.finish(Phase::Delta, &[])).contains("phase 1 is open"));
    let stranger = trial.contribute("mallory").unwrap_err();
    assert!(
        stranger.to_string().contains("nobody of that name"),
        "{stranger}"
    );
    let twice = trial.contribute("anna").unwrap_err();
    assert!(twice.to_string().contains("before"), "{twice}");
    assert_eq!(trial.names(), ["001.record", "001.state", "ceremony"]);
}

#[test]
fn neither_a_folder_in_use_nor_another_circuit_is_taken() {
    let trial = Trial::new();
    let header = Header::from_bytes(&fs::read(trial.path("ceremony")).unwrap()).unwrap();
    let again = trial.ceremony().begin(&header).unwrap_err();
    assert!(matches!(again, CeremonyError::NotEmpty { .. }), "{again}");

    struct Other;
    impl ConstraintSynthesizer<Field> for Other {
        fn generate_constraints(
            self,
            cs: ConstraintSystemRef<Field>,
        ) -> Result<(), SynthesisError> {
            Power.generate_constraints(cs.clone())?;
            cs.enforce_r1cs_constraint(|| lc!(), || lc!(), || lc!())
        }
    }
    let circuit = Circuit::new(Other).unwrap();
    let other = Ceremony::new(trial.folder.path(), &circuit, encode);
    let refused = trial.watched(|watch| other.verify(&mut OsRng, watch).map(|_| ()));
    assert!(
        matches!(refused, Err(CeremonyError::OtherCircuit)),
        "{refused:?}"
    );
}
