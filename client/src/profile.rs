//! How to reach the institution's own node.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ClientError;

/// The environment variable that names the profile.
pub const PROFILE_VARIABLE: &str = "TACIT_PROFILE";

/// The largest profile that is read: a hundred times what a full one needs.
const MAX_PROFILE_BYTES: u64 = 64 * 1024;

/// How to reach a node. Paths are relative to the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `host:port` of the node's listener for operators.
    pub operator_address: String,
    /// Authority of the node's certificate, PEM.
    pub ca_file: PathBuf,
    /// This operator's certificate, PEM.
    pub certificate_file: PathBuf,
    /// Its private key, PEM.
    pub key_file: PathBuf,
    /// Purpose of screenings that name none, a code that the institution governs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Lawful basis of screenings that name none, a code that the institution governs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lawful_basis: Option<String>,
}

impl Profile {
    /// The usual place, where no profile is named.
    pub fn usual_place() -> PathBuf {
        let config = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
        config
            .unwrap_or_default()
            .join("tacit")
            .join("profile.toml")
    }

    /// Reads the profile that was named, or the one in its usual place.
    ///
    /// # Errors
    /// [`ClientError::NoProfile`] where neither exists, else as [`read`](Self::read).
    pub fn find(named: Option<&Path>) -> Result<Self, ClientError> {
        match named {
            Some(path) => Self::read(path),
            None => {
                let path = Self::usual_place();
                if path.exists() {
                    Self::read(&path)
                } else {
                    Err(ClientError::NoProfile { looked_at: path })
                }
            }
        }
    }

    /// Reads a profile and makes its paths absolute.
    ///
    /// # Errors
    /// [`ClientError::File`] or [`ClientError::Invalid`].
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let file = |source| ClientError::File {
            path: path.into(),
            source,
        };
        let invalid = |reason: String| ClientError::Invalid {
            path: path.into(),
            reason,
        };
        if std::fs::metadata(path).map_err(file)?.len() > MAX_PROFILE_BYTES {
            return Err(invalid(format!("larger than {MAX_PROFILE_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(file)?;
        let mut profile: Self =
            toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        let path = std::path::absolute(path).map_err(file)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        for path in [
            &mut profile.ca_file,
            &mut profile.certificate_file,
            &mut profile.key_file,
        ] {
            *path = folder.join(&*path);
        }
        Ok(profile)
    }

    /// Writes a new profile; an existing file is not touched.
    ///
    /// # Errors
    /// [`ClientError::File`], also where the file exists.
    pub fn write_new(&self, path: &Path) -> Result<(), ClientError> {
        use std::io::Write as _;
        let file = |source| ClientError::File {
            path: path.into(),
            source,
        };
        let text = toml::to_string_pretty(self).map_err(|error| ClientError::Invalid {
            path: path.into(),
            reason: error.to_string(),
        })?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(file)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut out = options
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(file)?;
        out.write_all(text.as_bytes()).map_err(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_reads_back_with_paths_from_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/profile.toml");
        let profile = Profile {
            operator_address: "127.0.0.1:7103".into(),
            ca_file: "certs/ca.pem".into(),
            certificate_file: "/etc/tacit/operator.pem".into(),
            key_file: "certs/operator.key".into(),
            purpose: None,
            lawful_basis: Some("consent".into()),
        };
        profile.write_new(&path).unwrap();
        let read = Profile::read(&path).unwrap();
        assert_eq!(read.ca_file, folder.path().join("a/certs/ca.pem"));
        assert_eq!(read.certificate_file, Path::new("/etc/tacit/operator.pem"));
        assert_eq!(read.purpose, None);
        assert_eq!(read.lawful_basis.as_deref(), Some("consent"));
        assert!(
            profile.write_new(&path).is_err(),
            "an existing profile was overwritten"
        );
    }

    #[test]
    fn a_profile_with_an_unknown_field_is_a_usage_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        std::fs::write(&path, "operator_adress = \"127.0.0.1:1\"\n").unwrap();
        let error = Profile::read(&path).unwrap_err();
        assert_eq!(error.exit().code(), 2);
    }
}
