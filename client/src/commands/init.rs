//! `tacit init`

use std::path::PathBuf;

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output;
use crate::profile::Profile;

/// Makes a profile. Nothing is overwritten.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tacit init --address 127.0.0.1:7103 --ca certs/operator-authority.pem \\\n      \
    --certificate certs/operator.pem --key certs/operator.key.pem"
)]
pub struct InitCommand {
    /// The node's listener for operators, HOST:PORT.
    #[arg(long, value_name = "ADDRESS")]
    address: String,
    /// Authority of the node's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// This operator's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Purpose of screenings that name none, where it is always the same.
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// Lawful basis of screenings that name none, where it is always the same.
    #[arg(long, value_name = "CODE")]
    lawful_basis: Option<String>,
}

impl InitCommand {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).map_err(|source| ClientError::File {
                path: path.clone(),
                source,
            })
        };
        let profile = Profile {
            operator_address: self.address.clone(),
            ca_file: absolute(&self.ca)?,
            certificate_file: absolute(&self.certificate)?,
            key_file: absolute(&self.key)?,
            purpose: self.purpose.clone(),
            lawful_basis: self.lawful_basis.clone(),
        };
        let path = context
            .globals
            .profile
            .clone()
            .unwrap_or_else(Profile::usual_place);
        profile.write_new(&path)?;
        match context.format() {
            output::Format::Text => println!("wrote {}; try: tacit status", path.display()),
            output::Format::Json => {
                output::print_json(&serde_json::json!({ "profile": path }))?;
            }
        }
        Ok(Exit::Clear)
    }
}
