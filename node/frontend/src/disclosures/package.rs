//! What an answer to a demand is made of, and what its digest on the ledger stands for.
//!
//! Calls of different retention periods are not opened in one package: each package holds those of one period,
//! is sealed to that period's key and ends with it, no earlier and no later than the records that it shows. The
//! manifest names the packages by their digests and nobody else; it stays, and with it what can still be shown of
//! the rest.

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{OsRng, RngCore};
use tacit_ledger::kernel::hash::{self, Label};
use tacit_ledger::kernel::{BoundedVec, Digest, codec};
use tacit_sealing::Period;

use super::DisclosureError;

/// Packages of one answer: each class and month of the calls brings one.
pub const MAX_PACKAGES: usize = 1_024;

static PACKAGE_LABEL: Label = Label::new("tacit v1 disclosure bundle");
static MANIFEST_LABEL: Label = Label::new("tacit v1 disclosure manifest");

/// Opened calls of one retention period, as a bundle that verifies offline.
pub struct BundlePart {
    /// The period; none where no call is opened.
    pub period: Option<Period>,
    /// The bundle.
    pub bundle: Vec<u8>,
}

impl std::fmt::Debug for BundlePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundlePart")
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}

/// What travels of one part. The nonce hides the rest under its digest.
#[derive(BorshSerialize, BorshDeserialize)]
struct Package {
    nonce: [u8; 32],
    bundle: Vec<u8>,
}

/// What the digest on the ledger stands for.
#[derive(BorshSerialize, BorshDeserialize)]
struct Manifest {
    nonce: [u8; 32],
    packages: BoundedVec<Digest, MAX_PACKAGES>,
}

fn fresh_nonce() -> [u8; 32] {
    let mut nonce = [0; 32];
    OsRng.fill_bytes(&mut nonce);
    nonce
}

/// Packs a bundle. Answers with the digest of the package, and its bytes.
pub(super) fn packed(bundle: Vec<u8>) -> (Digest, Vec<u8>) {
    let nonce = fresh_nonce();
    let package = codec::encode(&Package { nonce, bundle });
    (hash::hash(&PACKAGE_LABEL, &package), package)
}

/// Names packages. Answers with the digest for the ledger, and the manifest's bytes.
pub(super) fn named(packages: Vec<Digest>) -> Result<(Digest, Vec<u8>), DisclosureError> {
    let packages = packages.try_into();
    let manifest = Manifest {
        nonce: fresh_nonce(),
        packages: packages.map_err(|_| DisclosureError::TooLarge)?,
    };
    let bytes = codec::encode(&manifest);
    Ok((hash::hash(&MANIFEST_LABEL, &bytes), bytes))
}

/// The packages that a manifest names, if it is the one that the digest stands for.
pub(super) fn packages_of(digest: Digest, manifest: &[u8]) -> Result<Vec<Digest>, DisclosureError> {
    if hash::hash(&MANIFEST_LABEL, manifest) != digest {
        return Err(DisclosureError::NotTheBundle);
    }
    let manifest: Manifest = codec::decode(manifest).map_err(|_| DisclosureError::NotTheBundle)?;
    Ok(manifest.packages.into_vec())
}

/// The bundle of a package, if it is the one that the digest stands for.
pub(super) fn opened(digest: Digest, package: &[u8]) -> Result<Vec<u8>, DisclosureError> {
    if hash::hash(&PACKAGE_LABEL, package) != digest {
        return Err(DisclosureError::NotTheBundle);
    }
    let package: Package = codec::decode(package).map_err(|_| DisclosureError::NotTheBundle)?;
    Ok(package.bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_package_than_the_digest_stands_for_is_not_opened() {
        let (digest, package) = packed(b"calls".to_vec());
        assert_eq!(opened(digest, &package).expect("it is"), b"calls");
        for at in 0..package.len() {
            let mut other = package.clone();
            other[at] ^= 1;
            assert!(opened(digest, &other).is_err(), "byte {at}");
        }
        let cut = &package[..package.len() - 1];
        assert!(opened(hash::hash(&PACKAGE_LABEL, cut), cut).is_err());
        assert_ne!(packed(b"calls".to_vec()).0, digest, "the nonce hides it");
    }

    #[test]
    fn another_manifest_than_the_digest_stands_for_names_nothing() {
        let packages = vec![Digest([1; 32]), Digest([2; 32])];
        let (digest, manifest) = named(packages.clone()).expect("it fits");
        assert_eq!(packages_of(digest, &manifest).expect("it is"), packages);
        for at in 0..manifest.len() {
            let mut other = manifest.clone();
            other[at] ^= 1;
            assert!(packages_of(digest, &other).is_err(), "byte {at}");
        }
        // A package is no manifest, whatever it holds.
        let (of_package, package) = packed(manifest.clone());
        assert!(packages_of(of_package, &package).is_err());
        let many = vec![Digest([1; 32]); MAX_PACKAGES + 1];
        assert!(matches!(named(many), Err(DisclosureError::TooLarge)));
    }
}
