//! A business ledger of loans that relies on receipts: about what a real one would have to do.

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::SubjectCommitment;
use tacit_ledger::kernel::context::{Context, Stop, require};
use tacit_ledger::kernel::envelope::Unsigned;
use tacit_ledger::kernel::{
    Bytes, Envelope, Genesis, GenesisError, MemberId, Missing, Module, ModuleId, Party, Reject,
    RejectInfo, StateKey, Table, codec, keys as kernel_keys,
};
use tacit_ledger::network::receipts::{ObjectId, Purpose};
use tacit_ledger::network::screen::{self, Expected};
use tacit_ledger::network::{Event, PolicyId, PolicyVersion, ScreeningId, keys as network_keys};

use crate::support::{Chain, FAR, SESSION, close, signer};

pub(crate) const LOANS: ModuleId = ModuleId(2);
/// Another one with the same rules.
pub(crate) const OTHER_LOANS: ModuleId = ModuleId(3);

const fn application(module: ModuleId) -> Table {
    Table {
        module,
        number: 0,
        name: "application",
    }
}

pub(crate) const APPLICATION_EXISTS: Reject = Reject::numbered(1_000);
pub(crate) const APPLICATION_UNKNOWN: Reject = Reject::numbered(1_001);
pub(crate) const NOT_THE_LENDER: Reject = Reject::numbered(1_002);

const fn info(reject: Reject, name: &'static str, text: &'static str) -> RejectInfo {
    RejectInfo {
        reject,
        name,
        transient: false,
        text,
    }
}

const REJECTS: &[RejectInfo] = &[
    info(APPLICATION_EXISTS, "APPLICATION_EXISTS", "It exists."),
    info(APPLICATION_UNKNOWN, "APPLICATION_UNKNOWN", "There is none."),
    info(NOT_THE_LENDER, "NOT_THE_LENDER", "Only the lender may."),
];

/// Somebody asks for a loan. Recorded by whoever checked the applicant's identifier against the
/// commitment, and is not the lender.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Application {
    pub(crate) lender: MemberId,
    pub(crate) guarantor: MemberId,
    pub(crate) commitment: SubjectCommitment,
    pub(crate) kind: IdentifierType,
    pub(crate) purpose: Purpose,
    pub(crate) policy: PolicyId,
    pub(crate) min_policy_version: PolicyVersion,
    pub(crate) approved: bool,
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum LoanAction {
    Apply(ObjectId, Application),
    /// Approves an application on the strength of an accepted set of receipts.
    Approve(ObjectId, ScreeningId),
}

pub(crate) fn application_key(module: ModuleId, object: &ObjectId) -> StateKey {
    application(module).key().digest(&object.0)
}

pub(crate) struct Loans(pub(crate) ModuleId);

impl Module for Loans {
    fn id(&self) -> ModuleId {
        self.0
    }

    fn name(&self) -> &'static str {
        "loans"
    }

    fn tables(&self) -> &'static [Table] {
        match self.0 {
            LOANS => const { &[application(LOANS)] },
            _ => const { &[application(OTHER_LOANS)] },
        }
    }

    fn rejects(&self) -> &'static [RejectInfo] {
        REJECTS
    }

    fn genesis(&self, _: &Genesis, _: &mut Context<'_>) -> Result<(), GenesisError> {
        Ok(())
    }

    fn check_stateless(&self, envelope: &Envelope) -> Result<(), Reject> {
        read(envelope).map(|_| ())
    }

    fn prefetch(&self, envelope: &Envelope) -> Vec<StateKey> {
        match read(envelope) {
            Ok(LoanAction::Apply(object, _)) => vec![application_key(self.0, &object)],
            Ok(LoanAction::Approve(object, id)) => vec![
                application_key(self.0, &object),
                network_keys::screening(id),
                network_keys::receipt_key(),
                kernel_keys::party(envelope.sender),
            ],
            Err(_) => Vec::new(),
        }
    }

    fn execute(
        &self,
        context: &mut Context<'_>,
        sender: &Party,
        envelope: &Envelope,
    ) -> Result<(), Stop> {
        match read(envelope)? {
            LoanAction::Apply(object, application) => {
                let key = application_key(self.0, &object);
                let before: Option<Application> = context.read(&key)?;
                require(before.is_none(), APPLICATION_EXISTS)?;
                context.put(key, &application);
                Ok(())
            }
            LoanAction::Approve(object, id) => approve(context, sender, self.0, object, id),
        }
    }

    fn due(&self, _: &mut Context<'_>, _: &[u8]) -> Result<(), Missing> {
        Ok(())
    }
}

fn read(envelope: &Envelope) -> Result<LoanAction, Reject> {
    codec::decode(&envelope.action).map_err(|_| Reject::MALFORMED)
}

fn approve(
    context: &mut Context<'_>,
    sender: &Party,
    module: ModuleId,
    object: ObjectId,
    id: ScreeningId,
) -> Result<(), Stop> {
    let key = application_key(module, &object);
    let mut application: Application = context.read(&key)?.ok_or(APPLICATION_UNKNOWN)?;
    require(application.lender == sender.id, NOT_THE_LENDER)?;
    let expected = Expected {
        object,
        submitter: application.lender,
        verifier: application.guarantor,
        commitment: application.commitment,
        kind: application.kind,
        purpose: application.purpose.clone(),
        policy: application.policy,
        min_policy_version: application.min_policy_version,
    };
    // Written before the set is consumed: a refusal there takes this back too.
    application.approved = true;
    context.put(key, &application);
    screen::consume(context, id, &expected)?;
    Ok(())
}

impl Chain {
    /// A transaction for a ledger of loans.
    pub(crate) fn loan_envelope(
        &self,
        sender: MemberId,
        module: ModuleId,
        action: &LoanAction,
    ) -> Envelope {
        let next = self.envelope(sender, &close(SESSION));
        let unsigned = Unsigned {
            chain_id: next.chain_id,
            sender,
            sequence: next.sequence,
            expiry_height: FAR,
            module,
            action: Bytes::try_from(codec::encode(action)).expect("it fits"),
        };
        unsigned.sign(&signer(sender))
    }

    /// Lets `sender` act on a ledger of loans in a block of its own.
    pub(crate) fn on_loans(
        &mut self,
        sender: MemberId,
        module: ModuleId,
        action: &LoanAction,
    ) -> Result<Vec<Event>, Reject> {
        let envelope = self.loan_envelope(sender, module, action);
        self.submit(&envelope)
    }
}
