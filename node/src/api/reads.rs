//! Each privileged read is recorded before it begins; and the account of them is shown.

use std::sync::Arc;

use tacit_proto::operator as proto;

use super::error::ApiError;
use super::lists::{Answers, gone};
use super::{Caller, Operator};
use crate::reads::{Reader, Reads, ReadsError, Verified};

/// Calls of a bundle that are named in the account; of more it says how many.
const MAX_NAMED_CALLS: usize = 20;

/// A read that has begun.
pub(super) struct Reading {
    reads: Arc<Reads>,
    reader: Reader,
    action: &'static str,
    begun: u64,
}

impl Reading {
    /// Records how it ended, and hands that on.
    pub(super) async fn ended<T>(
        self,
        result: Result<T, ApiError>,
        done: impl FnOnce(&T) -> String,
    ) -> Result<T, ApiError> {
        let outcome = match &result {
            Ok(answer) => done(answer),
            Err(error) => format!("failed: {}", error.code()),
        };
        let recorded = self
            .reads
            .end(&self.reader, self.action, self.begun, &outcome);
        if let Err(error) = recorded.await {
            // That it began stands there; what is missing is how it ended.
            tracing::error!(%error, begun = self.begun, "reads.record: the end of a read is not recorded");
        }
        result
    }
}

impl Operator {
    /// Records that a read begins, by whom and of what. Nothing may be read where that fails.
    pub(super) async fn reading(
        &self,
        caller: &Caller,
        action: &'static str,
        what: &str,
    ) -> Result<Reading, ApiError> {
        let reader = Reader {
            operator: caller.name.clone(),
            certificate: caller.spki,
        };
        self.reading_by(reader, action, what).await
    }

    /// The same, where it is no operator of this institution who reads.
    pub(super) async fn reading_by(
        &self,
        reader: Reader,
        action: &'static str,
        what: &str,
    ) -> Result<Reading, ApiError> {
        let begun = self.records.reads.begin(&reader, action, what).await?;
        Ok(Reading {
            reads: self.records.reads.clone(),
            reader,
            action,
            begun,
        })
    }

    /// What a history asks for. A case is sealed wherever it is kept, so here stands a word for it: the same for
    /// the same case, and nobody finds the case by it.
    pub(super) fn history_in_words(&self, request: &proto::HistoryRequest) -> String {
        let mut words = Vec::new();
        match request.direction() {
            proto::Direction::Asked => words.push("asked".to_owned()),
            proto::Direction::Served => words.push("served".to_owned()),
            proto::Direction::Unspecified => {}
        }
        let numbers = [
            ("from_ms", Some(request.from_ms).filter(|ms| *ms > 0)),
            ("until_ms", Some(request.until_ms).filter(|ms| *ms > 0)),
            ("member", request.member_id.map(u64::from)),
            ("list", request.list_id.map(u64::from)),
            ("latest", Some(request.latest).filter(|calls| *calls > 0)),
        ];
        for (name, number) in numbers {
            words.extend(number.map(|number| format!("{name}={number}")));
        }
        let case = Some(&request.case_reference).filter(|case| !case.is_empty());
        let case = case.map(|case| self.records.reads.word(case));
        let texts = [
            ("purpose", request.purpose.clone()),
            ("operator", request.operator.clone()),
            ("case", case.unwrap_or_default()),
        ];
        for (name, text) in texts {
            if !text.is_empty() {
                words.push(format!("{name}={}", text.escape_debug()));
            }
        }
        if request.answer.is_some() {
            let answer = match request.answer() {
                proto::Answer::Hit => "hit",
                proto::Answer::Clear => "clear",
                proto::Answer::Unreachable => "unreachable",
                proto::Answer::Unspecified => "unknown",
            };
            words.push(format!("answer={answer}"));
        }
        if words.is_empty() {
            return "everything".into();
        }
        words.join(" ")
    }

    /// Shows the account, which is verified on the way.
    pub(super) async fn audit_reads(
        &self,
        request: proto::AuditReadsRequest,
        answers: Answers<proto::AuditReadsResponse>,
    ) -> Result<(), ApiError> {
        use proto::audit_reads_response::Step;
        let send = |step| {
            let answers = answers.clone();
            async move {
                let response = proto::AuditReadsResponse { step: Some(step) };
                answers.send(Ok(response)).await.is_ok()
            }
        };
        let walked = self.records.reads.walk(|page| {
            let shown: Vec<proto::AuditRead> = page
                .iter()
                .filter(|one| one.entry.number >= request.from_number || one.fault.is_some())
                .map(shown)
                .collect();
            async move {
                for one in shown {
                    if !send(Step::Read(one)).await {
                        return false;
                    }
                }
                true
            }
        });
        let ((entries, head), fault) = walked.await?;
        let verified = proto::ReadsVerified {
            last_number: entries,
            head: head.to_vec(),
            fault: fault.unwrap_or_default(),
        };
        if send(Step::Verified(verified)).await {
            Ok(())
        } else {
            Err(gone())
        }
    }
}

/// Which calls a bundle opens, by their names on the ledger.
pub(super) fn bundle_in_words(request: &proto::AuditBundleRequest) -> String {
    let calls = request.calls.len();
    let mut words = vec![format!("calls={calls}")];
    for call in request.calls.iter().take(MAX_NAMED_CALLS) {
        words.push(format!("{}/{}/{}", call.session, call.sequence, call.index));
    }
    if calls > MAX_NAMED_CALLS {
        words.push("…".into());
    }
    words.join(" ")
}

fn shown(verified: &Verified) -> proto::AuditRead {
    let entry = &verified.entry;
    proto::AuditRead {
        number: entry.number,
        time_ms: entry.time_ms,
        operator: entry.operator.clone(),
        certificate_spki_sha256: entry.certificate.0.to_vec(),
        action: entry.action.clone(),
        what: entry.what.clone(),
        outcome: entry.outcome.clone(),
        begun: entry.begun,
        digest: verified.digest.to_vec(),
        fault: verified
            .fault
            .map(|fault| fault.to_string())
            .unwrap_or_default(),
    }
}

impl From<ReadsError> for ApiError {
    fn from(error: ReadsError) -> Self {
        Self::node(
            "reads-unrecorded",
            error.to_string(),
            "What is not recorded is not shown. See the node's log.",
        )
    }
}
