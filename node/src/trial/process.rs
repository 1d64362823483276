//! Nodes as processes.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::layout::Node;

/// How often a stopping process is looked at.
const STOP_POLL: Duration = Duration::from_millis(20);

/// Why a node's process does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It cannot be started.
    #[error("cannot start the node of {slug}: {source}")]
    Start {
        /// The institution.
        slug: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// It ended by itself.
    #[error("the node of {slug} ended with {status}; see {log}")]
    Ended {
        /// The institution.
        slug: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
    },
    /// It did not end when told to.
    #[error("the node of {slug} did not stop within {within_ms} ms")]
    DidNotStop {
        /// The institution.
        slug: &'static str,
        /// How long it was given.
        within_ms: u128,
    },
    /// The system does not answer about it.
    #[error("cannot watch the node of {slug}: {source}")]
    Watch {
        /// The institution.
        slug: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A running node. It stops when its standard input closes, so it never outlives whoever holds this.
#[derive(Debug)]
pub struct NodeProcess {
    slug: &'static str,
    log: PathBuf,
    child: Child,
}

impl NodeProcess {
    /// Starts a node with `executable`, appending to its log.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn start(executable: &Path, node: &Node) -> Result<Self, ProcessError> {
        Self::start_with(executable, node, &[])
    }

    /// [`start`](Self::start) with variables added to its environment.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn start_with(
        executable: &Path,
        node: &Node,
        environment: &[(&str, &str)],
    ) -> Result<Self, ProcessError> {
        let slug = node.institution.slug;
        let failed = |source| ProcessError::Start { slug, source };
        let log = node.log_file();
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(failed)?;
        let child = Command::new(executable)
            .args(["node", "run", "--until-stdin-closes", "--config"])
            .arg(node.config_file())
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            .spawn()
            .map_err(failed)?;
        Ok(Self { slug, log, child })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails if it has ended by itself.
    ///
    /// # Errors
    /// [`ProcessError::Ended`], or [`ProcessError::Watch`].
    pub fn check_running(&mut self) -> Result<(), ProcessError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(ProcessError::Ended {
                slug: self.slug,
                status,
                log: self.log.clone(),
            }),
            Err(source) => Err(ProcessError::Watch {
                slug: self.slug,
                source,
            }),
        }
    }

    /// Tells it to stop and waits for it.
    ///
    /// # Errors
    /// [`ProcessError::DidNotStop`]; it is killed then.
    pub fn stop(mut self, within: Duration) -> Result<(), ProcessError> {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + within;
        loop {
            match self.child.try_wait() {
                Ok(Some(_)) => return Ok(()),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(STOP_POLL),
                Ok(None) => {
                    let slug = self.slug;
                    self.kill();
                    return Err(ProcessError::DidNotStop {
                        slug,
                        within_ms: within.as_millis(),
                    });
                }
                Err(source) => {
                    return Err(ProcessError::Watch {
                        slug: self.slug,
                        source,
                    });
                }
            }
        }
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // Both fail only when the process has ended, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
