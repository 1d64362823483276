//! `tacit node …`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use rand_core::OsRng;
use tacit_certs::MemberAddress;

use crate::config::Config;
use crate::keys::NodeKeys;
use crate::operators::Operators;
use crate::peers::MemberPeers;
use crate::setup::card::{Card, CardRole};
use crate::setup::{folder, genesis};
use crate::{run, telemetry};

/// The node of a member institution.
#[derive(Debug, clap::Subcommand)]
pub enum NodeCommand {
    /// Makes the folder of a new node: configuration, keys, trial certificates and the member's card.
    #[command(
        after_help = "Example:\n  tacit node init --dir harbour-bank --name 'Harbour Bank' \\\n      \
        --p2p-address bank.example:7101 --frontend-address bank.example:7102"
    )]
    Init(Init),
    /// Makes the genesis of a network from its founders' cards.
    #[command(
        after_help = "Example:\n  tacit node genesis --name north-region --out genesis.bin a/card.toml b/card.toml c/card.toml d/card.toml"
    )]
    Genesis {
        /// The network's name.
        #[arg(long)]
        name: String,
        /// Where to write it. Copy it into the folder of every founder.
        #[arg(long, value_name = "FILE", default_value = "genesis.bin")]
        out: PathBuf,
        /// Blocks of an epoch: validators that were voted in or out take or leave their place when the next one
        /// begins.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(10..))]
        epoch_blocks: Option<u32>,
        /// The founders' cards; they are numbered from 1 in this order.
        #[arg(required = true, value_name = "CARD")]
        cards: Vec<PathBuf>,
    },
    /// Runs the node until it is interrupted.
    Run {
        /// Its configuration.
        #[arg(long, value_name = "FILE", default_value = folder::CONFIG_FILE)]
        config: PathBuf,
        /// Stop when standard input closes, too: for programs that run nodes.
        #[arg(long)]
        until_stdin_closes: bool,
    },
    /// Checks a configuration and every file that it names, without starting anything.
    CheckConfig {
        /// The configuration.
        #[arg(long, value_name = "FILE", default_value = folder::CONFIG_FILE)]
        config: PathBuf,
    },
}

/// What a new node is to be.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The folder to make.
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// The institution's name.
    #[arg(long)]
    name: String,
    /// Corporate group, where the institution belongs to one; its members do not vouch for each
    /// other's lists.
    #[arg(long)]
    group: Option<String>,
    /// A node that sees and verifies, but neither votes nor calls: a supervisor's.
    #[arg(long)]
    observer: bool,
    /// Where peers reach the node, HOST:PORT.
    #[arg(long, value_name = "ADDRESS")]
    p2p_address: String,
    /// Where other members reach the front end, HOST:PORT.
    #[arg(long, value_name = "ADDRESS")]
    frontend_address: String,
    /// Where operators are listened for.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7103")]
    operator_listen: SocketAddr,
    /// Where probes and metrics are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7104")]
    probes_listen: SocketAddr,
}

impl NodeCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// Why it could not be done.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Init(init) => init.run()?,
            Self::Genesis {
                name,
                out,
                epoch_blocks,
                cards,
            } => make_genesis(name, out, *epoch_blocks, cards)?,
            Self::Run {
                config,
                until_stdin_closes,
            } => {
                let config = Config::load(config)?;
                run::run(&config, *until_stdin_closes)?;
            }
            Self::CheckConfig { config: path } => {
                let config = Config::load(path)?;
                config.check_files()?;
                NodeKeys::load(&config.keys)?;
                telemetry::filter(&config.telemetry)?;
                MemberPeers::open(&config.frontend)?;
                run::check_operator_files(&config.operator)?;
                Operators::read(&config.operator.operators_file)?;
                let genesis = genesis::read(&config.ledger.genesis_file)?;
                println!(
                    "{} is good; the chain is {}",
                    path.display(),
                    genesis.chain_id()
                );
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Init {
    fn run(&self) -> anyhow::Result<()> {
        let role = if self.observer {
            CardRole::Observer
        } else {
            CardRole::Member
        };
        let plan = folder::Plan {
            name: self.name.clone(),
            group: self.group.clone().unwrap_or_else(|| self.name.clone()),
            role,
            validator: role == CardRole::Member,
            frontend_address: self.frontend_address.clone(),
            p2p_address: self.p2p_address.clone(),
            frontend_listen: everywhere(&self.frontend_address)?,
            p2p_listen: everywhere(&self.p2p_address)?,
            operator_listen: self.operator_listen,
            probes_listen: self.probes_listen,
        };
        folder::create(&self.dir, &plan, &mut OsRng)?;
        let dir = self.dir.display();
        println!("made {dir}: configuration, keys, trial certificates, card");
        println!("next: exchange card.toml with the other founders, make the genesis together");
        println!("      (tacit node genesis), put genesis.bin into {dir},");
        println!(
            "      and run: tacit node run --config {dir}/{}",
            folder::CONFIG_FILE
        );
        Ok(())
    }
}

/// Where to listen for what others reach at `address`: on all interfaces, unless it is an IP address
/// of this machine's own loopback.
fn everywhere(address: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(socket) = address.parse::<SocketAddr>()
        && socket.ip().is_loopback()
    {
        return Ok(socket);
    }
    match MemberAddress::parse(address) {
        Some(address) => Ok((Ipv4Addr::UNSPECIFIED, address.port).into()),
        None => bail!("{address} is not HOST:PORT"),
    }
}

fn make_genesis(
    name: &str,
    out: &Path,
    epoch_blocks: Option<u32>,
    cards: &[PathBuf],
) -> anyhow::Result<()> {
    if out.exists() {
        bail!("{} exists; a genesis is never replaced", out.display());
    }
    let cards = cards
        .iter()
        .map(|path| Card::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    let mut made = genesis::make(name, u64::try_from(now.as_millis())?, &cards)?;
    made.epoch_blocks = epoch_blocks.unwrap_or(made.epoch_blocks);
    let chain_id = genesis::write(&made, out)?;
    println!(
        "wrote {}: chain {chain_id}, {} founders",
        out.display(),
        cards.len()
    );
    Ok(())
}
