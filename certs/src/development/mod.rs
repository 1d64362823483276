//! A certificate authority for trials, demos and tests.
//!
//! [`create`] makes everything one institution needs, in one folder; [`renew_peer`] makes a fresh certificate for
//! the connections to other members, as an institution does before the old one expires; [`add_operator`] makes one
//! for another operator. Private keys lie in files that only their owner may read, and are not encrypted: in
//! production an institution brings certificates of its own authority, and its keys stay where its rules say.

mod files;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use x509_parser::time::ASN1Time;

use crate::{CertificateError, CertificateFacts, IdentityFiles, SpkiHash};
use files::{read_text, write_new, write_replacing};

/// Certificates begin this long before they are made, so that clocks may differ a little.
const BACKDATED: Duration = Duration::from_secs(300);

/// What the certificates should say.
#[derive(Clone, Debug)]
pub struct Request {
    /// Name of the institution; stands in the certificates and is seen by other members.
    pub institution: String,
    /// DNS names and IP addresses by which other members reach the front end.
    pub hosts: Vec<String>,
    /// How long the certificates are valid.
    pub valid_for: Duration,
    /// When they are made.
    pub now: SystemTime,
}

/// Where everything lies in an institution's folder of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// The layout of `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn pair(&self, name: &str) -> IdentityFiles {
        IdentityFiles {
            certificate: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}.key.pem")),
        }
    }

    /// The authority for connections between members.
    pub fn peer_authority(&self) -> IdentityFiles {
        self.pair("peer-authority")
    }

    /// What this node shows to other members, calling and called.
    pub fn peer(&self) -> IdentityFiles {
        self.pair("peer")
    }

    /// The authority for the institution's own people and systems.
    pub fn operator_authority(&self) -> IdentityFiles {
        self.pair("operator-authority")
    }

    /// What the node shows to operators.
    pub fn operator_listener(&self) -> IdentityFiles {
        self.pair("operator-listener")
    }

    /// What the operator called `name` shows to the node. The first one is called `operator`.
    pub fn operator(&self, name: &str) -> IdentityFiles {
        self.pair(name)
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Where the files are.
    pub layout: Layout,
    /// The key that other members will see: what is registered on the ledger.
    pub peer_spki: SpkiHash,
    /// The first operator's key: what the node's list of operators knows.
    pub operator_spki: SpkiHash,
}

/// Makes both authorities, the certificates of the node, and one of an operator called `operator`.
///
/// Overwrites nothing: the first file that exists already is an error.
pub fn create(folder: &Path, request: &Request) -> Result<Made, CertificateError> {
    files::make_private_folder(folder)?;
    let layout = Layout::new(folder);

    let peers = Authority::create(&layout.peer_authority(), request, "members")?;
    let peer = peers.sign(request, &request.institution, &request.hosts, Usage::Both)?;
    write_new(&layout.peer(), &peer)?;

    let operators = Authority::create(&layout.operator_authority(), request, "operators")?;
    let name = format!("{} node", request.institution);
    let listener = operators.sign(request, &name, &loopback_hosts(), Usage::Server)?;
    write_new(&layout.operator_listener(), &listener)?;
    let operator = operators.sign(request, "operator", &[], Usage::Client)?;
    write_new(&layout.operator("operator"), &operator)?;

    Ok(Made {
        layout,
        peer_spki: peer.spki,
        operator_spki: operator.spki,
    })
}

/// Makes a fresh key and certificate for connections to other members, signed by the authority in `folder`, and
/// puts them in place of the former ones. Answers with the new key.
///
/// The node takes them into use once the ledger has registered the new key.
pub fn renew_peer(folder: &Path, request: &Request) -> Result<SpkiHash, CertificateError> {
    let layout = Layout::new(folder);
    let peers = Authority::open(&layout.peer_authority())?;
    let peer = peers.sign(request, &request.institution, &request.hosts, Usage::Both)?;
    write_replacing(&layout.peer(), &peer)?;
    Ok(peer.spki)
}

/// Makes a certificate for another operator, whose name stands in the node's records once the node's list of
/// operators has its key.
pub fn add_operator(
    folder: &Path,
    name: &str,
    request: &Request,
) -> Result<(IdentityFiles, SpkiHash), CertificateError> {
    let layout = Layout::new(folder);
    let operators = Authority::open(&layout.operator_authority())?;
    let files = layout.operator(name);
    let operator = operators.sign(request, name, &[], Usage::Client)?;
    write_new(&files, &operator)?;
    Ok((files, operator.spki))
}

fn loopback_hosts() -> [String; 3] {
    ["localhost", "127.0.0.1", "::1"].map(str::to_owned)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Usage {
    Server,
    Client,
    Both,
}

/// A certificate with its key, in PEM.
struct Issued {
    chain_pem: String,
    key: KeyPair,
    spki: SpkiHash,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn create(
        files: &IdentityFiles,
        request: &Request,
        role: &str,
    ) -> Result<Self, CertificateError> {
        let mut params = dated(request, Vec::new())?;
        params.distinguished_name.push(
            DnType::CommonName,
            format!("{} {role}", request.institution),
        );
        params
            .distinguished_name
            .push(DnType::OrganizationName, request.institution.as_str());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let issued = Issued {
            chain_pem: certificate.pem(),
            spki: CertificateFacts::read(certificate.der())?.spki,
            key,
        };
        write_new(files, &issued)?;
        Ok(Self {
            issuer: Issuer::new(params, issued.key),
            pem: issued.chain_pem,
        })
    }

    fn open(files: &IdentityFiles) -> Result<Self, CertificateError> {
        let pem = read_text(&files.certificate)?;
        let key = KeyPair::from_pem(&read_text(&files.key)?)?;
        Ok(Self {
            issuer: Issuer::from_ca_cert_pem(&pem, key)?,
            pem: pem.to_string(),
        })
    }

    fn sign(
        &self,
        request: &Request,
        common_name: &str,
        hosts: &[String],
        usage: Usage,
    ) -> Result<Issued, CertificateError> {
        let names = hosts
            .iter()
            .map(|host| subject_name(host))
            .collect::<Result<_, _>>()?;
        let mut params = dated(request, names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params
            .distinguished_name
            .push(DnType::OrganizationName, request.institution.as_str());
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if usage != Usage::Client {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        if usage != Usage::Server {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ClientAuth);
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            chain_pem: format!("{}{}", certificate.pem(), self.pem),
            spki: CertificateFacts::read(certificate.der())?.spki,
            key,
        })
    }
}

fn subject_name(host: &str) -> Result<SanType, CertificateError> {
    Ok(match host.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(host.try_into()?),
    })
}

fn dated(request: &Request, names: Vec<SanType>) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.subject_alt_names = names;
    let now = request
        .now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|error| CertificateError::Clock(error.to_string()))?;
    params.not_before = instant(now.saturating_sub(BACKDATED))?.to_datetime();
    params.not_after = instant(now.saturating_add(request.valid_for))?.to_datetime();
    Ok(params)
}

fn instant(since_1970: Duration) -> Result<ASN1Time, CertificateError> {
    i64::try_from(since_1970.as_secs())
        .ok()
        .and_then(|seconds| ASN1Time::from_timestamp(seconds).ok())
        .ok_or_else(|| CertificateError::Clock(format!("{} s since 1970", since_1970.as_secs())))
}
