//! `tacit audit custodian keys`

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rand_core::OsRng;
use serde_json::json;
use tacit_ledger::kernel::BusinessDate;
use tacit_sealing::custodian::{CustodianKeys, MAX_KEYS_BYTES, write_private};
use tacit_sealing::{ClassName, MAX_KEEP_MONTHS, Month, Period};

use super::super::fetch::write_own;
use crate::error::ClientError;
use crate::output::{Format, print_json};
use crate::trust::read_file;

/// Makes the custodian's keys, one for each class and month, or more of them.
///
/// The public ones go to the institution, which names their file in `retention.custodian_keys_file`. A private one opens
/// the copies of its class and month and no others; the custodian deletes its file when that month is over, as the
/// institution destroys its own key. Months that have a key keep it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tacit audit custodian keys --public custodian.keys --private custodian-private \\\n    \
    --class standard --months 24"
)]
pub struct Keys {
    /// The file of public keys; an existing one is extended.
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
    /// The folder of private keys, each a file of its owner's alone.
    #[arg(long, value_name = "FOLDER")]
    private: PathBuf,
    /// A class of the institution; as often as there are classes.
    #[arg(long = "class", value_name = "CLASS", required = true)]
    classes: Vec<ClassName>,
    /// The first month, as YEAR-MONTH; this month if none is given.
    #[arg(long, value_name = "MONTH")]
    from: Option<Month>,
    /// For how many months.
    #[arg(long, value_name = "NUMBER", default_value_t = 24,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_KEEP_MONTHS)))]
    months: u32,
}

impl Keys {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let mut keys = self.existing()?;
        make_private_folder(&self.private)?;
        let first = self.from.unwrap_or_else(this_month);
        let mut drawn: u32 = 0;
        for class in &self.classes {
            for later in 0..self.months {
                let period = Period {
                    class: class.clone(),
                    month: first.after(later),
                };
                let name = format!("{}-{}.key", period.class, period.month);
                let Some(private) = keys.draw(period, &mut OsRng) else {
                    continue;
                };
                // Before the public one is published: a copy that nobody opens is worse than a key without use.
                write_own(&self.private.join(name), write_private(&private).as_bytes())?;
                drawn += 1;
            }
        }
        self.replace(&keys)?;
        match format {
            Format::Json => print_json(&json!({
                "drawn": drawn,
                "public": self.public,
                "private": self.private,
                "fingerprint": keys.fingerprint(),
            })),
            Format::Text => {
                println!(
                    "{drawn} keys drawn; give {} to the institution, keep {} from everybody",
                    self.public.display(),
                    self.private.display()
                );
                println!("fingerprint {}", keys.fingerprint());
                Ok(())
            }
        }
    }

    fn existing(&self) -> Result<CustodianKeys, ClientError> {
        if !self.public.exists() {
            return Ok(CustodianKeys::default());
        }
        let invalid = |reason: String| ClientError::Invalid {
            path: self.public.clone(),
            reason,
        };
        let bytes = read_file(&self.public, MAX_KEYS_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| invalid("is no text".into()))?;
        CustodianKeys::from_text(&text).map_err(|error| invalid(error.to_string()))
    }

    /// The whole file, or the one that was there.
    fn replace(&self, keys: &CustodianKeys) -> Result<(), ClientError> {
        let unfinished = self.public.with_extension("unfinished");
        let written = fs::write(&unfinished, keys.to_text())
            .and_then(|()| fs::rename(&unfinished, &self.public));
        written.map_err(|source| ClientError::File {
            path: self.public.clone(),
            source,
        })
    }
}

fn make_private_folder(path: &Path) -> Result<(), ClientError> {
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path).map_err(|source| ClientError::File {
        path: path.into(),
        source,
    })
}

fn this_month() -> Month {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    Month::of(BusinessDate::at(now, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_sealing::custodian::read_private;

    #[test]
    fn more_keys_are_added_and_those_that_are_there_stay() {
        let folder = tempfile::tempdir().unwrap();
        let make = |months| Keys {
            public: folder.path().join("custodian.keys"),
            private: folder.path().join("private"),
            classes: vec!["standard".parse().unwrap(), "brief".parse().unwrap()],
            from: Some("2026-12".parse().unwrap()),
            months,
        };
        make(1).run(Format::Json).unwrap();
        let first = make(1).existing().unwrap();
        make(2).run(Format::Json).unwrap();
        let both = make(2).existing().unwrap();
        assert_eq!((first.periods().count(), both.periods().count()), (2, 4));
        for period in both.periods() {
            let name = format!("private/{}-{}.key", period.class, period.month);
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            let public = read_private(&text).unwrap().public();
            assert_eq!(both.of(period), Some(&public));
            assert!(first.of(period).is_none_or(|before| *before == public));
        }
    }
}
