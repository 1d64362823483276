//! Which roles each call needs.

use crate::operators::Role::{self, Administrator, Approver, Auditor, Compliance, Operator};

/// Path of the service, before the names of its calls.
const SERVICE: &str = "/tacit.operator.v1.Operator/";

/// What is seen without harm by everybody who may ask at all: no record, and nobody's identifier.
const ANYBODY: &[Role] = &Role::ALL;

/// Each call, and the roles any one of which is enough. What does not stand here is refused.
const ROLES: [(&str, &[Role]); 52] = [
    ("Status", ANYBODY),
    ("ListPublish", &[Operator]),
    ("ListShow", ANYBODY),
    ("ListAll", ANYBODY),
    ("ListVerify", ANYBODY),
    ("ListWithdraw", &[Administrator]),
    ("ListRevokeKey", &[Administrator]),
    ("ScreenPlan", &[Operator]),
    ("Screen", &[Operator]),
    ("DisputeOpen", &[Operator]),
    ("DisputeAnswer", &[Operator, Compliance]),
    ("DisputeRule", &[Compliance]),
    ("Disputes", ANYBODY),
    ("DisputeShow", &[Compliance]),
    ("DisputeRecuse", &[Compliance]),
    ("Notices", &[Operator, Compliance, Auditor]),
    ("NoticeAcknowledge", &[Compliance]),
    ("ViewGrant", &[Compliance]),
    ("ViewRevoke", &[Compliance]),
    ("ViewRead", &[Compliance, Auditor]),
    ("Views", ANYBODY),
    ("DisclosureRequest", &[Compliance, Auditor]),
    ("DisclosureAnswer", &[Compliance]),
    ("Disclosures", ANYBODY),
    ("DisclosureShow", &[Compliance, Auditor]),
    ("Coverage", ANYBODY),
    ("Rating", ANYBODY),
    ("ReceiptCreate", &[Operator]),
    ("ReceiptSubmit", &[Operator]),
    ("Receipts", ANYBODY),
    ("PolicyPut", &[Administrator]),
    ("Policies", ANYBODY),
    ("History", &[Compliance, Auditor]),
    ("AuditBundle", &[Compliance, Auditor]),
    ("AuditReads", &[Compliance, Auditor]),
    ("Approvals", &[Approver, Compliance, Auditor]),
    ("ApprovalDecide", &[Approver]),
    ("Retention", &[Compliance, Auditor]),
    ("RetentionHold", &[Compliance]),
    ("RetentionRelease", &[Compliance]),
    ("Quota", ANYBODY),
    ("StateQuota", &[Compliance]),
    ("MoveQuota", &[Administrator]),
    ("ChangeQuotaKey", &[Administrator]),
    ("Members", ANYBODY),
    ("Proposals", ANYBODY),
    ("Propose", &[Administrator]),
    ("Vote", &[Administrator]),
    ("LedgerBlock", ANYBODY),
    ("LedgerTx", ANYBODY),
    ("LedgerProve", ANYBODY),
    ("Alarms", ANYBODY),
];

/// The call that a path names.
pub(super) fn call_of(path: &str) -> Option<&str> {
    path.strip_prefix(SERVICE)
}

/// The roles any one of which a call needs; `None` where there is no such call.
pub(super) fn needed(call: &str) -> Option<&'static [Role]> {
    let found = ROLES.iter().find(|(name, _)| *name == call);
    found.map(|(_, roles)| *roles)
}

/// All calls, for tests of what is made of the table.
#[cfg(test)]
pub(super) fn all() -> &'static [(&'static str, &'static [Role])] {
    &ROLES
}

/// Roles in words.
pub(super) fn words(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    match names.as_slice() {
        [] => "no role".into(),
        [one] => format!("the role {one}"),
        [most @ .., last] => format!("the role {} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The calls of the service, as its definition has them.
    fn calls() -> Vec<&'static str> {
        let proto = include_str!("../../../proto/proto/operator.proto");
        let lines = proto
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc "));
        lines.map(|line| line.split('(').next().unwrap()).collect()
    }

    #[test]
    fn every_call_of_the_service_stands_in_the_table_once_and_nothing_else_does() {
        let listed: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
        let set: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(set.len(), listed.len(), "twice");
        assert_eq!(set, calls().into_iter().collect());
        assert!(ROLES.iter().all(|(_, roles)| !roles.is_empty()));
    }

    #[test]
    fn nobody_screens_and_approves_and_reads_with_one_role() {
        for call in ["Screen", "ListPublish"] {
            assert_eq!(needed(call), Some(&[Operator][..]));
        }
        for call in ["History", "AuditBundle", "AuditReads"] {
            assert!(!needed(call).unwrap().contains(&Operator), "{call}");
        }
        assert_eq!(needed("Surprise"), None);
        assert_eq!(
            call_of("/tacit.operator.v1.Operator/Screen"),
            Some("Screen")
        );
        assert_eq!(call_of("/tacit.peer.v1.Peer/Screen"), None);
    }
}
