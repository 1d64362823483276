//! Which files a screening reads and writes, and that none of them takes another's place.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use crate::error::ClientError;
use crate::rows;

/// What ends an output file's name while it is not complete.
const UNFINISHED: &str = "unfinished";

/// The files of a screening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// Rows come from here.
    pub(super) from: PathBuf,
    /// The complete output.
    pub(super) out: PathBuf,
    /// The output while it is not complete.
    pub(super) unfinished: PathBuf,
    /// Rows that are not asked.
    pub(super) rejects: PathBuf,
}

impl Files {
    pub(super) fn new(from: &Path, out: &Path, rejects: Option<&Path>) -> Self {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(UNFINISHED);
        Self {
            from: from.into(),
            out: out.into(),
            unfinished: out.with_file_name(name),
            rejects: rejects.map_or_else(|| rows::rejects_beside(from), Path::to_path_buf),
        }
    }

    /// Whether a run may begin: before anything is asked and paid, everything must be readable and writable, and
    /// nothing that was paid for may be lost.
    ///
    /// # Errors
    /// [`ClientError::Usage`] or [`ClientError::File`] for the first file that stands in the way.
    pub(super) fn check(&self, resume: bool, overwrite: bool) -> Result<(), ClientError> {
        let from = std::fs::metadata(&self.from).map_err(|source| ClientError::File {
            path: self.from.clone(),
            source,
        })?;
        if !from.is_file() {
            return Err(ClientError::Usage(format!(
                "{} is no regular file; it is read twice, first for the price: save it as a file",
                self.from.display()
            )));
        }
        let named = [
            ("--from", &self.from),
            ("--out", &self.out),
            ("the unfinished output", &self.unfinished),
            ("the rejects", &self.rejects),
        ];
        for (place, (one, path)) in named.iter().enumerate() {
            for (other, another) in &named[place + 1..] {
                if rows::is_same_file(path, another) {
                    return Err(ClientError::Usage(format!(
                        "{one} and {other} are the same file, {}: name another one",
                        path.display()
                    )));
                }
            }
        }
        if self.out.is_dir() {
            return Err(ClientError::Usage(format!(
                "{} is a folder: name a file",
                self.out.display()
            )));
        }
        if self.out.exists() && !overwrite {
            return Err(ClientError::Usage(format!(
                "{} exists: name another file with --out, or add --overwrite",
                self.out.display()
            )));
        }
        if self.unfinished.exists() && !resume && !overwrite {
            return Err(ClientError::Usage(format!(
                "{} holds the answers of an unfinished run: go on with --resume, or begin anew with --overwrite",
                self.unfinished.display()
            )));
        }
        check_writable(&self.unfinished)?;
        check_writable(&self.rejects)
    }
}

/// Whether a file can be written. It is neither changed nor left behind.
fn check_writable(path: &Path) -> Result<(), ClientError> {
    let existed = path.exists();
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let closed = opened.and_then(|_| {
        if existed {
            Ok(())
        } else {
            std::fs::remove_file(path)
        }
    });
    closed.map_err(|source| ClientError::File {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("in.csv"), "phone\n1\n").unwrap();
            Self(folder)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn files(&self, out: &str, rejects: Option<&str>) -> Files {
            let rejects = rejects.map(|name| self.path(name));
            Files::new(&self.path("in.csv"), &self.path(out), rejects.as_deref())
        }

        fn refused(&self, out: &str, rejects: Option<&str>) -> String {
            let error = self.files(out, rejects).check(false, false).unwrap_err();
            error.to_string()
        }
    }

    #[test]
    fn a_run_that_may_begin_leaves_nothing_behind() {
        let folder = Folder::new();
        folder.files("out.csv", None).check(false, false).unwrap();
        let names: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn the_file_that_is_read_is_never_written() {
        let folder = Folder::new();
        assert!(folder.refused("in.csv", None).contains("same file"));
        let dotted = folder.0.path().join(".").join("in.csv");
        let files = Files::new(&folder.path("in.csv"), &dotted, None);
        assert!(files.check(false, true).is_err(), "through another path");
        for rejects in ["in.csv", "out.csv", "out.csv.unfinished"] {
            let words = folder.refused("out.csv", Some(rejects));
            assert!(words.contains("same file"), "{rejects}: {words}");
        }
        std::fs::rename(folder.path("in.csv"), folder.path("out.csv.unfinished")).unwrap();
        let from = folder.path("out.csv.unfinished");
        let files = Files::new(&from, &folder.path("out.csv"), None);
        assert!(files.check(true, true).is_err(), "as an unfinished output");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_file_that_is_read_is_never_written() {
        let folder = Folder::new();
        let link = folder.path("link.csv");
        std::os::unix::fs::symlink(folder.path("in.csv"), &link).unwrap();
        assert!(folder.refused("link.csv", None).contains("same file"));
    }

    #[test]
    fn answers_that_were_paid_for_are_not_overwritten_unasked() {
        let folder = Folder::new();
        std::fs::write(folder.path("out.csv"), "old").unwrap();
        assert!(folder.refused("out.csv", None).contains("--overwrite"));
        folder.files("out.csv", None).check(false, true).unwrap();
        std::fs::remove_file(folder.path("out.csv")).unwrap();

        std::fs::write(folder.path("out.csv.unfinished"), "old").unwrap();
        assert!(folder.refused("out.csv", None).contains("--resume"));
        let files = folder.files("out.csv", None);
        files.check(true, false).unwrap();
        files.check(false, true).unwrap();
        let kept = std::fs::read_to_string(folder.path("out.csv.unfinished")).unwrap();
        assert_eq!(kept, "old", "the check itself changes nothing");
    }

    #[test]
    fn what_cannot_be_written_or_read_is_refused_before_anything_is_asked() {
        let folder = Folder::new();
        let nowhere = folder.refused("nowhere/out.csv", None);
        assert!(nowhere.contains("out.csv.unfinished"), "{nowhere}");
        let rejects = folder.refused("out.csv", Some("nowhere/rejects.csv"));
        assert!(rejects.contains("rejects.csv"), "{rejects}");
        std::fs::create_dir(folder.path("out")).unwrap();
        assert!(folder.refused("out", None).contains("is a folder"));
        let files = Files::new(folder.0.path(), &folder.path("out.csv"), None);
        let error = files.check(false, false).unwrap_err().to_string();
        assert!(error.contains("no regular file"), "{error}");
    }
}
