//! The prepared verifying key.

use std::sync::{Arc, Mutex, PoisonError};

use tacit_circuits::receipt::{KeyId, Verifier, VerifyingKey};

use crate::network::record::ReceiptKey;

/// The key that was used last. Its name is the hash of its bytes, so what is found under a name is the
/// same on every machine, for every chain and after every vote; a network has one key at a time.
static LAST: Mutex<Option<(KeyId, Arc<Verifier>)>> = Mutex::new(None);

/// The verifier of a voted key.
///
/// # Panics
/// If the record holds no verifying key: it was checked before it was voted on, so the store is damaged.
pub(crate) fn of(key: &ReceiptKey) -> Arc<Verifier> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some((id, verifier)) if *id == key.id => Arc::clone(verifier),
        _ => {
            let decoded = VerifyingKey::from_bytes(&key.verifying_key)
                .expect("the voted key decodes, or the store is damaged");
            let verifier = Arc::new(Verifier::new(&decoded));
            *last = Some((key.id, Arc::clone(&verifier)));
            verifier
        }
    }
}
