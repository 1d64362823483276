//! The members' ceremony, on one machine: what in a real one happens in as many houses, on as many days.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::story::{StoryError, run_command, words};
use super::{DemoError, Setup};
use crate::config::Config;
use crate::setup::card::CardRole;
use crate::trial::{Layout, Node};

/// Plays the ceremony and puts its proving key into the members' configurations.
pub(super) fn hold(executable: &Path, folder: &Path, layout: &Layout) -> Result<Setup, DemoError> {
    let members: Vec<&Node> = layout
        .nodes
        .iter()
        .filter(|node| node.institution.role == CardRole::Member)
        .collect();
    let directory = folder.join("ceremony");
    let shown = directory.display().to_string();
    let names: Vec<&str> = members.iter().map(|node| node.institution.slug).collect();
    println!(
        "   They make the key of receipts in a ceremony: sound if one of the four was honest and forgot its secrets."
    );
    // A value that nobody can choose: in a real ceremony, the hash of a block that did not exist when it began.
    let beacon = layout.chain_id.to_string();
    let run = |arguments: &[&str]| -> Result<String, StoryError> {
        let mut arguments = words(arguments);
        arguments.extend(words(&["--dir", &shown]));
        println!("   $ tacit {}", arguments.join(" "));
        said(executable, &arguments)
    };
    run(&[
        "ceremony",
        "new",
        "--members",
        &names.join(","),
        "--beacons",
        "the id of the demo's chain, twice",
    ])?;
    for phase in ["1", "2"] {
        for name in &names {
            run(&["ceremony", "contribute", "--as", name])?;
        }
        run(&["ceremony", "finish", "--phase", phase, "--beacon", &beacon])?;
    }
    let verified = run(&[
        "ceremony", "verify", "--beacon", &beacon, "--beacon", &beacon,
    ])?;
    let mut heads = verified
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|step| step["head"].as_str().map(str::to_owned));
    let transcript = heads.next().ok_or_else(|| StoryError::Unexpected {
        command: "tacit ceremony verify".into(),
        answer: verified.clone(),
    })?;
    println!("   transcript {transcript}\n");
    for member in members {
        set_proving_key(member, &directory.join("proving.key"))?;
    }
    Ok(Setup::Ceremony {
        key: directory.join("verifying.key"),
        transcript,
    })
}

/// Each member proves with the key that it has verified.
fn set_proving_key(member: &Node, key: &Path) -> Result<(), DemoError> {
    let path = member.config_file();
    let failed = |source| DemoError::File {
        path: path.clone(),
        source,
    };
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    let invalid = |error: &dyn std::fmt::Display| failed(std::io::Error::other(error.to_string()));
    let mut config: Config = toml::from_str(&text).map_err(|error| invalid(&error))?;
    let key = std::path::absolute(key).map_err(failed)?;
    config.receipts.proving_key_file = Some(key);
    let text = toml::to_string_pretty(&config).map_err(|error| invalid(&error))?;
    std::fs::write(&path, text).map_err(failed)
}

/// Runs a command for its JSON.
fn said(executable: &Path, arguments: &[String]) -> Result<String, StoryError> {
    let arguments = [arguments.to_vec(), words(&["--output", "json"])].concat();
    let output = run_command(Command::new(executable), &arguments, &[0])?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
