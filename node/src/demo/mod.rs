//! A consortium on one machine that plays a story and then stays up.
//!
//! Four institutions and a supervisor come up as real processes; each institution publishes a
//! sample blacklist; the first screens a file of applicants against the others. Everything in the
//! story is done by the commands that a person would type, and each is shown before it is run.

mod ceremony;
mod receipts;
mod samples;
mod story;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::setup::card::CardRole;
use crate::trial::{Institution, Layout, NodeProcess, ProcessError, TrialError};

pub use story::StoryError;

/// The institutions of the demo, and the supervisor, who watches without holding data.
const INSTITUTIONS: [Institution; 5] = [
    Institution {
        slug: "harbour-bank",
        name: "Harbour Bank 港湾银行",
        role: CardRole::Member,
    },
    Institution {
        slug: "jade-insurance",
        name: "Jade Insurance 翡翠保险",
        role: CardRole::Member,
    },
    Institution {
        slug: "swift-pay",
        name: "Swift Pay 迅捷支付",
        role: CardRole::Member,
    },
    Institution {
        slug: "lotus-finance",
        name: "Lotus Finance 莲花金融",
        role: CardRole::Member,
    },
    Institution {
        slug: "supervisor",
        name: "Supervisor 监管机构",
        role: CardRole::Observer,
    },
];

/// How long all nodes may take to come up.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a node may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// How often the running nodes are looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// The name of the file that marks a folder as a demo's, so that only such a folder is replaced.
const MARKER: &str = "made-by-tacit-demo";

/// How the demo is to be played.
#[derive(Clone, Debug)]
pub struct Options {
    /// Play the story, stop everything, and return.
    pub once: bool,
    /// The folder; it is made anew.
    pub folder: PathBuf,
    /// Persons on each sample list; each has a phone and a card.
    pub persons: usize,
    /// Applicants in the sample file.
    pub applicants: usize,
    /// The members make the key of receipts in a ceremony, rather than take that of the development set-up.
    pub ceremony: bool,
}

/// Where the key under which receipts are verified comes from.
#[derive(Clone, Debug)]
enum Setup {
    /// From a public seed.
    Development,
    /// From a ceremony of the members.
    Ceremony {
        /// The verifying key.
        key: PathBuf,
        /// Digest of the transcript, in hexadecimal.
        transcript: String,
    },
}

/// Why the demo could not be played.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder exists, and no demo made it.
    #[error("{0} exists and was not made by a demo; choose another folder with --dir")]
    NotADemo(PathBuf),
    /// The folder belongs to a demo that runs.
    #[error("a demo runs in {0}; stop it, or choose another folder with --dir")]
    Running(PathBuf),
    /// A file cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The network cannot be laid out.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// A node does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The nodes did not come up in time.
    #[error("the nodes were not ready within {0} s; see node.log in the folders of {1}")]
    NotReady(u64, String),
    /// A step of the story failed.
    #[error(transparent)]
    Story(#[from] StoryError),
}

/// Plays the demo with `executable`, which is this program. `stop` says when a demo that stays up
/// is to end.
///
/// # Errors
/// [`DemoError`]; all nodes are stopped then.
pub fn play(
    executable: &Path,
    options: &Options,
    stop: &std::sync::mpsc::Receiver<()>,
) -> Result<(), DemoError> {
    let began = Instant::now();
    let _lock = claim(&options.folder)?;
    println!(
        "Tacit demo: a consortium on this machine, in {}\n",
        options.folder.display()
    );

    println!("1. Four institutions and a supervisor come up: own keys, certificates, processes.");
    let layout = Layout::create(&options.folder, &INSTITUTIONS)?;
    let setup = if options.ceremony {
        ceremony::hold(executable, &options.folder, &layout)?
    } else {
        Setup::Development
    };
    let mut nodes = layout
        .nodes
        .iter()
        .map(|node| NodeProcess::start(executable, node))
        .collect::<Result<Vec<_>, _>>()?;
    wait_until_ready(&layout, &mut nodes)?;
    for (node, process) in layout.nodes.iter().zip(&nodes) {
        println!(
            "   {:<15} pid {:<7} members {}  operators {}",
            node.institution.slug,
            process.id(),
            node.card.frontend_address,
            node.operator
        );
    }
    println!("   chain {}\n", layout.chain_id);

    let story = story::Story::new(executable, options, &layout)?;
    story.publish()?;
    story.screen(began)?;
    story.rely(&setup)?;
    story.examine()?;
    story.supervise()?;
    if !options.once {
        story.what_next();
        watch(&mut nodes, stop)?;
        println!("\nStopping.");
    }
    for node in nodes {
        node.stop(STOP_TIMEOUT)?;
    }
    Ok(())
}

/// Waits until every node serves its operators and follows the ledger.
fn wait_until_ready(layout: &Layout, nodes: &mut [NodeProcess]) -> Result<(), DemoError> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        for node in nodes.iter_mut() {
            node.check_running()?;
        }
        let waiting: Vec<&str> = layout
            .nodes
            .iter()
            .filter(|node| !node.is_ready())
            .map(|node| node.institution.slug)
            .collect();
        if waiting.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(DemoError::NotReady(
                START_TIMEOUT.as_secs(),
                waiting.join(", "),
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Stays until told to stop, or until a node ends by itself.
fn watch(
    nodes: &mut [NodeProcess],
    stop: &std::sync::mpsc::Receiver<()>,
) -> Result<(), ProcessError> {
    use std::sync::mpsc::RecvTimeoutError;
    while matches!(
        stop.recv_timeout(WATCH_INTERVAL),
        Err(RecvTimeoutError::Timeout)
    ) {
        for node in nodes.iter_mut() {
            node.check_running()?;
        }
    }
    Ok(())
}

/// Makes the folder anew, and holds it for as long as the returned file lives.
fn claim(folder: &Path) -> Result<std::fs::File, DemoError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| DemoError::File { path, source }
    };
    let marker = folder.join(MARKER);
    if folder.exists() {
        let empty = std::fs::read_dir(folder)
            .map_err(failed(folder))?
            .next()
            .is_none();
        if !marker.exists() && !empty {
            return Err(DemoError::NotADemo(folder.into()));
        }
        if let Ok(held) = std::fs::File::open(&marker) {
            // A demo that runs holds the lock; the lock of one that was killed is gone with it.
            held.try_lock()
                .map_err(|_| DemoError::Running(folder.into()))?;
        }
        std::fs::remove_dir_all(folder).map_err(failed(folder))?;
    }
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let file = std::fs::File::create(&marker).map_err(failed(&marker))?;
    file.try_lock()
        .map_err(|_| DemoError::Running(folder.into()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_elses_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        assert!(matches!(claim(folder.path()), Err(DemoError::NotADemo(_))));
        assert!(folder.path().join("thesis.txt").exists());
    }

    #[test]
    fn a_folder_of_a_running_demo_is_refused_and_that_of_an_ended_one_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("demo");
        let running = claim(&path).unwrap();
        std::fs::write(path.join("old.txt"), "").unwrap();
        assert!(matches!(claim(&path), Err(DemoError::Running(_))));
        drop(running);
        claim(&path).unwrap();
        assert!(!path.join("old.txt").exists());
    }
}
