//! The validators of each epoch, for whoever verifies votes.

use commonware_consensus::types::Epoch;
use commonware_cryptography::{
    certificate::{self, Scoped},
    ed25519,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tacit_finality::{
    ChainId, Committee, FinalityError, Finalization, FinalizedHeader, Scheme, namespace,
};

/// The committees that are known. Clones share them.
#[derive(Clone)]
pub(crate) struct Committees(Arc<Inner>);

struct Inner {
    chain_id: ChainId,
    signer: ed25519::PrivateKey,
    known: Mutex<Known>,
}

struct Known {
    committees: tacit_finality::Committees,
    schemes: BTreeMap<u64, Arc<Scheme>>,
}

impl Committees {
    /// Starts from the genesis committee. `signer` votes in the epochs whose committee it belongs to.
    pub(crate) fn new(chain_id: ChainId, genesis: Committee, signer: ed25519::PrivateKey) -> Self {
        let schemes = BTreeMap::from([(0, Arc::new(scheme(&chain_id, &genesis, signer.clone())))]);
        let committees = tacit_finality::Committees::new(chain_id, genesis);
        let known = Mutex::new(Known {
            committees,
            schemes,
        });
        Self(Arc::new(Inner {
            chain_id,
            signer,
            known,
        }))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The validators of `epoch`, if they are known.
    pub(crate) fn committee(&self, epoch: Epoch) -> Option<Committee> {
        self.known().committees.committee(epoch.get()).cloned()
    }

    /// The newest epoch whose validators are known.
    pub(crate) fn newest(&self) -> Epoch {
        Epoch::new(self.known().committees.newest())
    }

    /// Verifies a certificate of an epoch whose validators are known.
    pub(crate) fn verify(&self, finalization: &Finalization) -> Result<(), FinalityError> {
        self.known().committees.verify(finalization)
    }

    /// Verifies a hand-over and learns the validators of the epoch after it.
    pub(crate) fn follow(&self, handover: &FinalizedHeader) -> Result<(), FinalityError> {
        let next = handover.header.epoch().next();
        let mut known = self.known();
        known.committees.follow(handover)?;
        if let Some(committee) = known.committees.committee(next.get()).cloned() {
            let scheme = scheme(&self.0.chain_id, &committee, self.0.signer.clone());
            known.schemes.insert(next.get(), Arc::new(scheme));
        }
        Ok(())
    }
}

/// Signs if `signer` is one of the validators, and only verifies otherwise.
fn scheme(chain_id: &ChainId, committee: &Committee, signer: ed25519::PrivateKey) -> Scheme {
    let namespace = namespace(chain_id);
    let keys = committee.keys().clone();
    Scheme::signer(&namespace, keys.clone(), signer)
        .unwrap_or_else(|| Scheme::verifier(&namespace, keys))
}

impl certificate::Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        self.known()
            .schemes
            .get(&epoch.get())
            .cloned()
            .map(Scoped::scheme)
    }
}
