//! The list of operators as its file is now.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tacit_certs::SpkiHash;

use super::file::{Listed, Operators, OperatorsError, Rules};

/// A list that follows its file.
#[derive(Debug)]
pub struct LiveOperators {
    path: PathBuf,
    now: RwLock<Arc<Operators>>,
}

impl LiveOperators {
    /// Reads the file.
    ///
    /// # Errors
    /// [`OperatorsError`].
    pub fn open(path: &Path) -> Result<Arc<Self>, OperatorsError> {
        let operators = Operators::read(path)?;
        Ok(Arc::new(Self {
            path: path.into(),
            now: RwLock::new(Arc::new(operators)),
        }))
    }

    /// Who shows this key, now.
    pub fn by_key(&self, key: &SpkiHash) -> Option<Listed> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.by_key(key).cloned()
    }

    /// What holds for all of them, now.
    pub fn rules(&self) -> Rules {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.rules()
    }

    /// Looks at the file again. What cannot be read leaves the former list in force.
    ///
    /// # Errors
    /// [`OperatorsError`].
    pub fn reload(&self) -> Result<bool, OperatorsError> {
        let read = Operators::read(&self.path)?;
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **now != read;
        if changed {
            *now = Arc::new(read);
        }
        Ok(changed)
    }

    /// Follows the file. Never ends.
    pub async fn watch(self: Arc<Self>, every: Duration) {
        let mut told = None;
        loop {
            tokio::time::sleep(every).await;
            match self.reload() {
                Ok(changed) => {
                    told = None;
                    if changed {
                        tracing::info!("operators.reload: the list of operators has changed");
                    }
                }
                // Said once: a file that is half written is whole the next time.
                Err(error) => {
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        tracing::error!(
                            error,
                            "operators.reload: the former list of operators stays in force; repair the file"
                        );
                        told = Some(error);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::Role;
    use super::*;

    #[test]
    fn a_certificate_that_is_taken_out_is_unknown_and_a_broken_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operators.toml");
        let (alice, bob) = (SpkiHash([1; 32]), SpkiHash([2; 32]));
        let first = Operators::first("alice", &alice);
        let both = first.clone() + &Operators::entry("bob", &bob, &[Role::Auditor]);
        assert!(LiveOperators::open(&path).is_err());
        std::fs::write(&path, &both).unwrap();
        let live = LiveOperators::open(&path).unwrap();
        assert_eq!(live.by_key(&bob).unwrap().name, "bob");
        assert!(!live.reload().unwrap());

        std::fs::write(&path, "[[operator]").unwrap();
        live.reload().unwrap_err();
        assert_eq!(live.by_key(&bob).unwrap().name, "bob");

        std::fs::write(&path, &first).unwrap();
        assert!(live.reload().unwrap());
        assert_eq!(live.by_key(&bob), None);
        assert!(live.by_key(&alice).is_some());
    }
}
