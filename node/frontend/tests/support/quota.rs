//! Sessions and keys of quota, made by hand.

use std::collections::BTreeMap;

use ed25519_zebra::SigningKey;
use rand_core::OsRng;
use tacit_circuits::quota::{OWNER, QuotaKey, ValueTable};
use tacit_frontend::ports::{Applied, Ledger};
use tacit_ledger::kernel::StateKey;
use tacit_ledger::network::action::SessionTerms;
use tacit_ledger::network::quota::{Source, prove_opening};
use tacit_ledger::network::{Action, read as state};

use super::network::Network;
use super::values::bounded;

/// Opens a session of one member with another's list without a front end of its own.
pub async fn open_session(
    network: &Network,
    querier: usize,
    provider: usize,
    terms: SessionTerms,
    escrow_minor: u32,
) -> Applied {
    let ledger = &network.nodes[querier].ledger;
    let (me, other) = (ledger.member, network.nodes[provider].ledger.member);
    let account = network.chain.view(|view| state::account(view, me));
    let account = account.expect("a map");
    if account.additions > 0 || account.granted_minor > 0 {
        ledger.submit(Action::RollOver).await.expect("rolled over");
    }
    let read = |view: &BTreeMap<StateKey, Vec<u8>>| {
        let parties = state::quota_parties(view, me, other)?;
        Ok::<_, tacit_ledger::kernel::Missing>((state::account(view, me)?, parties))
    };
    let (account, parties) = network.chain.view(read).expect("a map");
    let key = quota_key(&network.keys[querier]);
    let available = account.available.select([OWNER]);
    let available_minor = ValueTable::new().open_vartime(&key, &available, 1 << 40);
    let source = Source {
        key: &key,
        available: &account.available,
        available_minor: available_minor.expect("its own key opens it"),
    };
    let chain_id = ledger.chain_id();
    let parties = parties.expect("members");
    let opening = prove_opening(
        chain_id,
        me,
        terms,
        &parties,
        &source,
        escrow_minor,
        &mut OsRng,
    );
    let openings = bounded(vec![opening.expect("covered").0]);
    let action = Action::OpenSessions { openings };
    ledger.submit(action).await.expect("opened")
}

/// The quota key that goes with a ledger key.
pub fn quota_key(key: &SigningKey) -> QuotaKey {
    QuotaKey::derive(&(*key).into(), 0)
}
