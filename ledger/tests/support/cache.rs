//! What takes long to make and comes out the same: keys and proofs.
//!
//! A runner that gives each test a process of its own would make them anew for each. They are kept under
//! the name of this very program, so that another build of it, with another circuit perhaps, makes its
//! own. Nothing is believed because it was kept: the ledger under test verifies what comes from here.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let program = std::env::current_exe().expect("a program");
    let program = fs::read(program).expect("it can be read");
    let build = blake3::hash(&program).to_hex();
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receipts");
    let own = all.join(&build[..16]);
    // Of earlier builds nothing is needed; another process may be clearing them too.
    for other in fs::read_dir(&all).into_iter().flatten().flatten() {
        if other.path() != own {
            let _another_was_first = fs::remove_dir_all(other.path());
        }
    }
    fs::create_dir_all(&own).expect("it can be made");
    own
});

/// What was kept under this name, or what `make` gives, which is kept.
pub(crate) fn kept(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = DIRECTORY.join(name);
    if let Ok(bytes) = fs::read(&path) {
        return bytes;
    }
    let bytes = make();
    // Renamed when it is whole: others never read a part.
    let part = DIRECTORY.join(format!("{name}.{}", std::process::id()));
    fs::write(&part, &bytes).expect("it can be written");
    fs::rename(&part, &path).expect("it can be renamed");
    bytes
}
