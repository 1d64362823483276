//! Receipts on the ledger: accepted, attacked, relied on.

mod acceptance;
mod attacks;
pub(crate) mod consumer;
mod offline;
mod policies;
mod reliance;
mod roots;

use std::sync::LazyLock;

use tacit_circuits::identifier::IdentifierType;
use tacit_ledger::kernel::{MemberId, ModuleId, Reject};
use tacit_ledger::network::ScreeningId;
use tacit_ledger::network::receipts::{ObjectId, Purpose};

use crate::support::*;
use consumer::{Application, LoanAction};

/// The world after its set was accepted, as the first one.
pub(crate) static ACCEPTED: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = WORLD.chain.clone();
    chain.must(QUERIER, submit(WORLD.set.clone()));
    chain
});

/// The loan that the world's set was made for.
pub(crate) fn application() -> Application {
    Application {
        lender: QUERIER,
        guarantor: FOURTH,
        commitment: commitment(Subject::Clear),
        kind: IdentifierType::Phone,
        purpose: Purpose::new(PURPOSE).expect("a code"),
        policy: POLICY,
        min_policy_version: FIRST_VERSION,
        approved: false,
    }
}

/// Why `lender` may not approve an application, which a third party records, on the strength of the first
/// accepted set.
pub(crate) fn approve(
    chain: &mut Chain,
    module: ModuleId,
    object: ObjectId,
    application: Application,
    lender: MemberId,
) -> Reject {
    chain
        .on_loans(SISTER, module, &LoanAction::Apply(object, application))
        .expect("recorded");
    let action = LoanAction::Approve(object, ScreeningId(1));
    match chain.on_loans(lender, module, &action) {
        Err(reject) => reject,
        Ok(events) => panic!("approved: {events:?}"),
    }
}
