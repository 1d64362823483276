//! The other members: who they are by the ledger, how they are reached, and who calls.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tacit_certs::{
    CertificateError, ChannelLimits, Directory as _, IdentityFiles, MemberAddress, PeerChannels,
    PeerError, PeerVerifier, RegisteredKeys, Registration, ReloadingIdentity, SpkiHash, Standing,
    read_authorities,
};
use tacit_circuits::scope::MemberId;
use tacit_frontend::ports::{FinalizedBlock, Ledger, LedgerError, Peers, PeersError, read};
use tacit_ledger::network::{self, Action, Event, read as state};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tonic::transport::Channel;

use crate::config;

/// How often the certificate's files are looked at.
pub(crate) const CERTIFICATE_POLL: Duration = Duration::from_secs(1);

/// Connections to the other members, as the ledger registers them now.
pub struct MemberPeers {
    /// Who is registered with which key.
    pub directory: Arc<RegisteredKeys>,
    /// The certificate that this node shows.
    pub identity: Arc<ReloadingIdentity>,
    /// Says whose certificate a caller shows.
    pub verifier: Arc<PeerVerifier>,
    channels: PeerChannels,
}

impl MemberPeers {
    /// Reads the certificates that the configuration names.
    ///
    /// # Errors
    /// [`CertificateError`], where one is not usable.
    pub fn open(config: &config::Frontend) -> Result<Self, CertificateError> {
        let directory = RegisteredKeys::new();
        let identity = ReloadingIdentity::open(IdentityFiles {
            certificate: config.certificate_file.clone(),
            key: config.key_file.clone(),
        })?;
        let authorities = config
            .members_ca_file
            .as_deref()
            .map(read_authorities)
            .transpose()?;
        let verifier = Arc::new(PeerVerifier::new(directory.clone(), authorities)?);
        let channels = PeerChannels::new(
            identity.clone(),
            directory.clone(),
            verifier.clone(),
            ChannelLimits::default(),
        );
        Ok(Self {
            directory,
            identity,
            verifier,
            channels,
        })
    }

    /// Brings the directory in step with the ledger.
    ///
    /// # Errors
    /// [`LedgerError`], where the ledger cannot be read.
    pub async fn learn(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let members = read(ledger, state::members).await?;
        self.directory.replace(members.into_iter().map(|member| {
            let key = SpkiHash(member.profile.tls_spki_hash.0);
            let (current, withdrawn) = if member.is_active() {
                (vec![key], vec![])
            } else {
                (vec![], vec![key])
            };
            let address = member
                .is_active()
                .then_some(&member.profile.front_end_address);
            Registration {
                member: member.id,
                current,
                withdrawn,
                address: address.and_then(|address| MemberAddress::parse(address.as_str())),
            }
        }));
        Ok(())
    }

    /// Keeps the directory in step with the ledger until the node stops.
    pub async fn follow(
        &self,
        ledger: &dyn Ledger,
        mut blocks: broadcast::Receiver<Arc<FinalizedBlock>>,
    ) {
        let mut changed = false;
        loop {
            changed |= match blocks.recv().await {
                Ok(block) => block
                    .events
                    .iter()
                    .any(|event| changes_directory(&event.event)),
                // Some of what was missed may have changed it.
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return,
            };
            if changed {
                match self.learn(ledger).await {
                    Ok(()) => changed = false,
                    // Tried again with the next block: a withdrawn key must not stay accepted.
                    Err(error) => {
                        tracing::warn!(%error, "peers.follow: the members cannot be read");
                    }
                }
            }
        }
    }

    /// Takes a renewed certificate into use: registers its key on the ledger when the files change, and
    /// shows it once the ledger has it.
    pub async fn renew(&self, ledger: Arc<dyn Ledger>) {
        let (directory, me) = (self.directory.clone(), ledger.member_id());
        let registered = {
            let directory = directory.clone();
            move |key: &SpkiHash| directory.standing(key) == Standing::Current(me)
        };
        let watch = {
            let registered = registered.clone();
            self.identity
                .clone()
                .watch(CERTIFICATE_POLL, move |facts| registered(&facts.spki))
        };
        let register = async {
            let mut refused = None;
            loop {
                tokio::time::sleep(CERTIFICATE_POLL).await;
                let waiting = self.waiting_key(&registered);
                let Some(key) = waiting.filter(|key| refused != Some(*key)) else {
                    continue;
                };
                let action = Action::RotateCertificate {
                    tls_spki_hash: network::SpkiHash(key.0),
                };
                match ledger.submit(action).await {
                    Ok(applied) => {
                        tracing::info!(
                            height = applied.height,
                            "peers.renew: the renewed certificate's key is registered"
                        );
                        // At once, since the others refuse the former one from this block on. Files that
                        // were replaced once more meanwhile are looked at again.
                        let _ = self.identity.reload(|facts| facts.spki == key);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "peers.renew: the renewed key is not registered");
                        // What the rules refuse they refuse again, such as a key that was used before.
                        if let LedgerError::Rejected(reject) = error
                            && !reject.transient()
                        {
                            refused = Some(key);
                        }
                    }
                }
            }
        };
        tokio::join!(watch, register);
    }

    /// The key of a certificate that lies in the files and that the ledger does not know yet.
    fn waiting_key(&self, registered: &impl Fn(&SpkiHash) -> bool) -> Option<SpkiHash> {
        let mut waiting = None;
        // Files that were replaced while the node was stopped are in use since its start.
        let shown = self.identity.facts().spki;
        if !registered(&shown) {
            waiting = Some(shown);
        }
        // Files that are half replaced are looked at again.
        let _ = self.identity.reload(|facts| {
            let known = registered(&facts.spki);
            if !known {
                waiting = Some(facts.spki);
            }
            known
        });
        waiting
    }
}

fn changes_directory(event: &Event) -> bool {
    matches!(
        event,
        Event::PartyJoined { .. }
            | Event::PartyLeft { .. }
            | Event::ProfileChanged { .. }
            | Event::CertificateRotated { .. }
    )
}

#[async_trait]
impl Peers for MemberPeers {
    async fn channel(&self, member: MemberId) -> Result<Channel, PeersError> {
        self.channels
            .channel(member)
            .await
            .map_err(|error| match error {
                PeerError::NoAddress { member } => PeersError::Unknown(member),
                other => PeersError::Unreachable {
                    member,
                    reason: other.to_string(),
                },
            })
    }
}
