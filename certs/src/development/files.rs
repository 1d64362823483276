//! Writes certificates and keys: keys readable by their owner only, nothing overwritten by accident, nothing half
//! written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use zeroize::Zeroizing;

use super::Issued;
use crate::{CertificateError, IdentityFiles, identity::read};

/// Makes the folder, with its parents, readable by its owner only.
pub(super) fn make_private_folder(folder: &Path) -> Result<(), CertificateError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|source| failed(folder, source))
}

/// Writes a certificate and its key where neither is yet.
pub(super) fn write_new(files: &IdentityFiles, issued: &Issued) -> Result<(), CertificateError> {
    let key = Zeroizing::new(issued.key.serialize_pem());
    for (path, text, secret) in [
        (&files.key, key.as_str(), true),
        (&files.certificate, issued.chain_pem.as_str(), false),
    ] {
        let mut file =
            options(secret)
                .create_new(true)
                .open(path)
                .map_err(|source| match source.kind() {
                    io::ErrorKind::AlreadyExists => CertificateError::Exists { path: path.clone() },
                    _ => failed(path, source),
                })?;
        finish(&mut file, path, text)?;
    }
    Ok(())
}

/// Puts a certificate and its key in place of others. Each file is replaced whole; between the two replacements a
/// reader finds a pair that does not match, and keeps the former one.
pub(super) fn write_replacing(
    files: &IdentityFiles,
    issued: &Issued,
) -> Result<(), CertificateError> {
    let key = Zeroizing::new(issued.key.serialize_pem());
    for (path, text, secret) in [
        (&files.key, key.as_str(), true),
        (&files.certificate, issued.chain_pem.as_str(), false),
    ] {
        let beside = path.with_extension("new");
        let mut file = options(secret)
            .create(true)
            .truncate(true)
            .open(&beside)
            .map_err(|source| failed(&beside, source))?;
        finish(&mut file, &beside, text)?;
        fs::rename(&beside, path).map_err(|source| failed(path, source))?;
    }
    Ok(())
}

/// Reads a PEM file as text.
pub(super) fn read_text(path: &Path) -> Result<Zeroizing<String>, CertificateError> {
    String::from_utf8(read(path)?)
        .map(Zeroizing::new)
        .map_err(|_| CertificateError::NotPem {
            path: path.to_owned(),
            expected: "text",
        })
}

fn options(secret: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = secret;
    options
}

fn finish(file: &mut File, path: &Path, text: &str) -> Result<(), CertificateError> {
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: io::Error) -> CertificateError {
    CertificateError::File {
        action: "write",
        path: path.to_owned(),
        source,
    }
}
