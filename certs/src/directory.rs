//! Who is registered with which key, as the ledger says.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tacit_circuits::scope::MemberId;

use crate::SpkiHash;

/// What the ledger says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Registered, in force.
    Current(MemberId),
    /// Was registered; was replaced since, or its member left the network.
    Withdrawn(MemberId),
    /// Never registered.
    Unknown,
}

/// Host and port where a member's front end listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberAddress {
    /// A DNS name or an IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl MemberAddress {
    /// Reads `host:port`; an IPv6 address stands in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let host = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(inner) => inner,
            None if host.contains(':') => return None,
            None => host,
        };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return None;
        }
        Some(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// What this crate needs to know of the ledger.
pub trait Directory: Send + Sync + 'static {
    /// How the key stands now.
    fn standing(&self, spki: &SpkiHash) -> Standing;
    /// Where the member listens; `None` for one that is unknown, has left, or registered no address.
    fn address(&self, member: MemberId) -> Option<MemberAddress>;
}

/// One member as the ledger registers it.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The member.
    pub member: MemberId,
    /// Keys in force: one, or two while a certificate is being rotated. None for a member that left.
    pub current: Vec<SpkiHash>,
    /// Keys that were in force once.
    pub withdrawn: Vec<SpkiHash>,
    /// Where it listens.
    pub address: Option<MemberAddress>,
}

#[derive(Debug, Default)]
struct Registered {
    keys: HashMap<SpkiHash, Standing>,
    addresses: BTreeMap<MemberId, MemberAddress>,
}

/// A [`Directory`] in memory: readers never wait, and the whole is replaced when the ledger's members change.
#[derive(Debug, Default)]
pub struct RegisteredKeys {
    registered: ArcSwap<Registered>,
}

impl RegisteredKeys {
    /// Knows nobody until [`replace`](Self::replace) is called.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Puts `registrations` in place of all that was known.
    ///
    /// A key that was in force before and is not named now counts as withdrawn, so that its holder is told so
    /// rather than that it is unknown. Where one key is named both current and withdrawn, current holds.
    pub fn replace(&self, registrations: impl IntoIterator<Item = Registration>) {
        let mut next = Registered::default();
        for (spki, standing) in &self.registered.load().keys {
            if let Standing::Current(member) | Standing::Withdrawn(member) = standing {
                next.keys.insert(*spki, Standing::Withdrawn(*member));
            }
        }
        for registration in registrations {
            let Registration {
                member,
                current,
                withdrawn,
                address,
            } = registration;
            for spki in withdrawn {
                next.keys.insert(spki, Standing::Withdrawn(member));
            }
            for spki in current {
                next.keys.insert(spki, Standing::Current(member));
            }
            if let Some(address) = address {
                next.addresses.insert(member, address);
            }
        }
        self.registered.store(Arc::new(next));
    }
}

impl Directory for RegisteredKeys {
    fn standing(&self, spki: &SpkiHash) -> Standing {
        self.registered
            .load()
            .keys
            .get(spki)
            .copied()
            .unwrap_or(Standing::Unknown)
    }

    fn address(&self, member: MemberId) -> Option<MemberAddress> {
        self.registered.load().addresses.get(&member).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(member: u32, key: u8) -> Registration {
        Registration {
            member: MemberId(member),
            current: vec![SpkiHash([key; 32])],
            withdrawn: Vec::new(),
            address: None,
        }
    }

    #[test]
    fn a_replaced_key_is_withdrawn_and_not_unknown() {
        let directory = RegisteredKeys::new();
        directory.replace([registration(1, 1), registration(2, 2)]);
        directory.replace([registration(1, 3), registration(2, 2)]);
        assert_eq!(
            directory.standing(&SpkiHash([1; 32])),
            Standing::Withdrawn(MemberId(1))
        );
        assert_eq!(
            directory.standing(&SpkiHash([2; 32])),
            Standing::Current(MemberId(2))
        );
        assert_eq!(
            directory.standing(&SpkiHash([3; 32])),
            Standing::Current(MemberId(1))
        );
        assert_eq!(directory.standing(&SpkiHash([4; 32])), Standing::Unknown);
    }

    #[test]
    fn addresses_are_host_and_port_and_nothing_else() {
        let read = |text| MemberAddress::parse(text).map(|address| (address.host, address.port));
        assert_eq!(
            read("bank.example:7443"),
            Some(("bank.example".to_owned(), 7443))
        );
        assert_eq!(read("[::1]:7443"), Some(("::1".to_owned(), 7443)));
        for bad in [
            "bank.example",
            ":7443",
            "::1:7443",
            "a/b:1",
            "bank:0",
            "bank:70000",
            "u@h:1",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
