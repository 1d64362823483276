//! `tacit certs …`

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tacit_certs::development::{self, Request};

use crate::operators::{Operators, Role};

/// Seconds of a day.
const DAY_S: u64 = 24 * 3_600;

/// Certificates of a development authority, for trials. In production an institution brings its own.
#[derive(Debug, clap::Subcommand)]
pub enum CertsCommand {
    /// Makes an authority and all certificates that one institution needs.
    #[command(
        after_help = "Example:\n  tacit certs new --dir certs --institution 'Harbour Bank' --host bank.example"
    )]
    New {
        /// The folder; nothing in it is overwritten.
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
        /// What the certificates say.
        #[command(flatten)]
        subject: Subject,
    },
    /// Makes a fresh certificate for the connections to other members, in place of the former one.
    ///
    /// The other members accept it once the ledger has registered its key: a running node does that
    /// by itself when it sees the new files.
    Renew {
        /// The folder that `tacit certs new` made.
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
        /// What the certificates say.
        #[command(flatten)]
        subject: Subject,
    },
    /// Makes a certificate for another operator of the node.
    AddOperator {
        /// The folder that `tacit certs new` made.
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
        /// The operator's name, as it will stand in the node's records.
        #[arg(long)]
        name: String,
        /// What the operator may ask for: operator, approver, compliance, administrator, auditor.
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// What the certificates say.
        #[command(flatten)]
        subject: Subject,
    },
}

/// What the certificates say.
#[derive(Debug, clap::Args)]
pub struct Subject {
    /// The institution's name.
    #[arg(long)]
    institution: String,
    /// A DNS name or IP address by which other members reach the front end.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// For how many days the certificates are valid.
    #[arg(long, value_name = "DAYS", default_value_t = 398,
          value_parser = clap::value_parser!(u64).range(1..=3_650))]
    days: u64,
}

fn role(name: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.name() == name);
    found.ok_or_else(|| {
        let names = Role::ALL.map(Role::name);
        format!("one of {}", names.join(", "))
    })
}

impl Subject {
    fn request(&self) -> Request {
        Request {
            institution: self.institution.clone(),
            hosts: self.hosts.clone(),
            valid_for: Duration::from_secs(self.days * DAY_S),
            now: SystemTime::now(),
        }
    }
}

impl CertsCommand {
    /// Makes what was asked for.
    ///
    /// # Errors
    /// Why it could not be made.
    pub fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::New { dir, subject } => {
                let made = development::create(dir, &subject.request())
                    .with_context(|| format!("no certificates were made in {}", dir.display()))?;
                println!("certificates are in {}", dir.display());
                println!(
                    "key seen by other members (SPKI SHA-256): {}",
                    made.peer_spki
                );
                println!(
                    "key of the first operator (SPKI SHA-256): {}",
                    made.operator_spki
                );
            }
            Self::Renew { dir, subject } => {
                let spki = development::renew_peer(dir, &subject.request())
                    .with_context(|| format!("nothing was renewed in {}", dir.display()))?;
                println!("key seen by other members (SPKI SHA-256): {spki}");
            }
            Self::AddOperator {
                dir,
                name,
                roles,
                subject,
            } => {
                let (files, spki) = development::add_operator(dir, name, &subject.request())
                    .with_context(|| format!("no certificate was made in {}", dir.display()))?;
                println!("certificate: {}", files.certificate.display());
                println!("key:         {}", files.key.display());
                println!("The node lets it in once its operators.toml holds:\n");
                print!("{}", Operators::entry(name, &spki, roles));
            }
        }
        Ok(())
    }
}
