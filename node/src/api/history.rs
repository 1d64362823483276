//! History: what the read model knows, joined with this member's own records.
//!
//! ```text
//!   read model ──pages──► own records ──batches──► answers
//! ```
//!
//! Pages are read while the one before is joined and sent, and a reader that takes its time holds a few of them and
//! no connection to a database. What is filtered by operator, purpose or case is first looked for among the own
//! records, which know it; where that leaves few enough calls, only those are read from the ledger's rows.

use std::collections::{BTreeMap, HashMap};

use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::store::{AskedFilter, Side, StoreError};
use tacit_frontend::{OwnBatches, OwnRecord};
use tacit_ledger::kernel::BusinessDate;
use tacit_proto::operator as proto;
use tacit_readmodel::{CallBatch, Direction, History, HistoryFilter, ReadModel, ReadModelError};
use tokio::sync::mpsc;

use super::Operator;
use super::error::ApiError;
use super::lists::{Answers, gone};
use super::records::period;

/// Answers of a history that wait for a slow reader: each takes up to some hundred kilobytes.
pub(super) const HISTORY_BUFFER: usize = 2;

/// Pages that are read ahead.
const PAGES_AHEAD: usize = 1;

/// Calls of one answer: about 100 kilobytes where each stands alone in its batch.
const CALLS_PER_ANSWER: usize = 1_000;

/// Requests that are looked up one by one on the ledger, of those that the own records name. At 40 bytes each they
/// take 10 MB; where there are more, reading all rows in their order costs no more.
const MAX_NAMED: u32 = 250_000;

/// Named requests of one page.
const NAMES_PER_PAGE: usize = 512;

/// How people name the lists.
type ListRefs = BTreeMap<ListId, proto::ListRef>;

impl Operator {
    /// Streams the calls of a history. Answers with how many they are.
    pub(super) async fn history(
        &self,
        request: proto::HistoryRequest,
        answers: Answers<proto::HistoryResponse>,
    ) -> Result<u64, ApiError> {
        self.history_on(request, None, answers).await
    }

    /// The same of these business dates, both included, where there are any. What the request says of times is to
    /// leave them in.
    pub(super) async fn history_on(
        &self,
        request: proto::HistoryRequest,
        dates: Option<(BusinessDate, BusinessDate)>,
        answers: Answers<proto::HistoryResponse>,
    ) -> Result<u64, ApiError> {
        let Some(source) = self.source(&request).await? else {
            return Ok(0);
        };
        let refs = self.read(|view| self.list_refs(view)).await?;
        let (pages, mut read) = mpsc::channel(PAGES_AHEAD);
        let reading = tokio::spawn(source.read_all(pages));
        if request.count && own_filter(&request).is_empty() && request.answer.is_none() {
            self.count(&request, answers.clone());
        }
        let mut sending = Sending::new(answers);
        while let Some(page) = read.recv().await {
            let mut page = page?;
            if let Some((from, until)) = dates {
                page.retain(|batch| from <= batch.business_date && batch.business_date <= until);
            }
            let own = self.own_batches(&page).await?;
            let served = self.padding_of_served(&page).await?;
            for batch in &page {
                let name = (batch.session.0, batch.sequence);
                let (padding, own) = match (batch.direction, own.get(&name)) {
                    (Direction::Asked, Some(own)) => (own.padding, own.record.as_ref()),
                    (Direction::Asked, None) => (0, None),
                    (Direction::Served, _) => (served.get(&name).copied().unwrap_or(0), None),
                };
                if let Some(batch) = shown(&request, batch, padding, own, &refs) {
                    sending.add(batch).await?;
                }
            }
        }
        reading.await.map_err(|_| {
            ApiError::node("internal", "reading ended early", "See the node's log.")
        })?;
        sending.flush().await?;
        Ok(sending.sent)
    }

    /// What this member keeps of the requests of a page that it asked. Whoever observes keeps nothing.
    async fn own_batches(&self, page: &[CallBatch]) -> Result<OwnBatches, ApiError> {
        let names = names(page, Direction::Asked);
        match &self.frontend {
            Some(frontend) if !names.is_empty() => {
                frontend.own_batches(&names).await.map_err(unreadable)
            }
            _ => Ok(OwnBatches::default()),
        }
    }

    /// How many calls are padding of the requests of a page that it answered.
    async fn padding_of_served(
        &self,
        page: &[CallBatch],
    ) -> Result<HashMap<(u64, u64), u64>, ApiError> {
        let names = names(page, Direction::Served);
        match &self.frontend {
            Some(frontend) if !names.is_empty() => {
                let padding = frontend.padding(Side::Served, &names).await;
                padding.map_err(unreadable)
            }
            _ => Ok(HashMap::new()),
        }
    }

    /// Where the batches come from; `None` where the filters contradict each other.
    async fn source(&self, request: &proto::HistoryRequest) -> Result<Option<Source>, ApiError> {
        let filter = self.filter(request);
        let own = own_filter(request);
        let of_own = !own.is_empty() || request.answer.is_some();
        let filter = match (of_own, filter.direction) {
            (false, _) => filter,
            // What this member did not ask itself has no operator, purpose, case or answer here.
            (true, Some(Direction::Served)) => return Ok(None),
            (true, _) => HistoryFilter {
                direction: Some(Direction::Asked),
                ..filter
            },
        };
        let named = match &self.frontend {
            Some(frontend) if !own.is_empty() => {
                let named = frontend.store().asked_named(own, MAX_NAMED).await;
                named.map_err(unreadable)?
            }
            _ => None,
        };
        let model = self.read_model.clone();
        Ok(Some(match named {
            Some(names) => {
                let names = model.asked_among(&filter, &names).await?;
                Source::Named(model, names)
            }
            // What is left out only later cannot be counted off here.
            None if request.latest > 0 && !of_own => {
                Source::All(model.latest(filter, request.latest).await?)
            }
            None => Source::All(model.history(filter).await?),
        }))
    }

    fn filter(&self, request: &proto::HistoryRequest) -> HistoryFilter {
        HistoryFilter {
            member: self.ledger.member_id(),
            direction: match request.direction() {
                proto::Direction::Asked => Some(Direction::Asked),
                proto::Direction::Served => Some(Direction::Served),
                proto::Direction::Unspecified => None,
            },
            period: period(request.from_ms, request.until_ms),
            counterparty: request.member_id.map(MemberId),
            list: request.list_id.map(ListId),
        }
    }

    /// Says how many calls there are, once they are counted; the calls themselves do not wait for it.
    fn count(&self, request: &proto::HistoryRequest, answers: Answers<proto::HistoryResponse>) {
        let (model, filter) = (self.read_model.clone(), self.filter(request));
        tokio::spawn(async move {
            if let Ok(calls) = model.history_calls(&filter).await {
                let response = proto::HistoryResponse {
                    batches: Vec::new(),
                    calls_total: Some(calls),
                };
                // Nobody may listen any more.
                let _ = answers.send(Ok(response)).await;
            }
        });
    }
}

/// Where batches come from, in the order of the ledger.
enum Source {
    /// All that the ledger's rows hold.
    All(History),
    /// These.
    Named(ReadModel, Vec<(u64, u64)>),
}

type Page = Result<Vec<CallBatch>, ReadModelError>;

impl Source {
    /// Reads until the end, the first error, or until nobody wants more.
    async fn read_all(self, pages: mpsc::Sender<Page>) {
        match self {
            Self::All(mut history) => loop {
                let page = history.next_page().await;
                let last = page.as_ref().map_or(true, Vec::is_empty);
                if pages.send(page).await.is_err() || last {
                    return;
                }
            },
            Self::Named(model, names) => {
                for names in names.chunks(NAMES_PER_PAGE) {
                    let page = model.asked_batches(names).await;
                    let failed = page.is_err();
                    if pages.send(page).await.is_err() || failed {
                        return;
                    }
                }
            }
        }
    }
}

/// Batches on their way to whoever asked.
struct Sending {
    answers: Answers<proto::HistoryResponse>,
    batches: Vec<proto::HistoryBatch>,
    calls: usize,
    sent: u64,
}

impl Sending {
    fn new(answers: Answers<proto::HistoryResponse>) -> Self {
        Self {
            answers,
            batches: Vec::new(),
            calls: 0,
            sent: 0,
        }
    }

    async fn add(&mut self, batch: proto::HistoryBatch) -> Result<(), ApiError> {
        self.calls += batch.indexes.len();
        self.sent += batch.indexes.len() as u64;
        self.batches.push(batch);
        if self.calls >= CALLS_PER_ANSWER {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ApiError> {
        self.calls = 0;
        let response = proto::HistoryResponse {
            batches: std::mem::take(&mut self.batches),
            calls_total: None,
        };
        if response.batches.is_empty() {
            return Ok(());
        }
        self.answers.send(Ok(response)).await.map_err(|_| gone())
    }
}

pub(super) fn unreadable(error: StoreError) -> ApiError {
    ApiError::node(
        "records-unreadable",
        error.to_string(),
        "See the node's log.",
    )
}

/// The names of a page's requests on one side.
fn names(page: &[CallBatch], direction: Direction) -> Vec<(u64, u64)> {
    let of_side = page.iter().filter(|batch| batch.direction == direction);
    of_side
        .map(|batch| (batch.session.0, batch.sequence))
        .collect()
}

fn own_filter(request: &proto::HistoryRequest) -> AskedFilter<'_> {
    AskedFilter {
        operator: &request.operator,
        purpose: &request.purpose,
        case: &request.case_reference,
    }
}

/// What is shown of a batch: the calls that fit; `None` where none does.
fn shown(
    request: &proto::HistoryRequest,
    batch: &CallBatch,
    padding: u64,
    own: Option<&OwnRecord>,
    refs: &ListRefs,
) -> Option<proto::HistoryBatch> {
    let wanted = own_filter(request);
    if !wanted.is_empty() && !own.is_some_and(|own| wanted.fits(&own.context)) {
        return None;
    }
    let answer = |index: usize| {
        let hits = own.and_then(|own| own.hits.as_ref());
        match hits.and_then(|hits| hits.get(index)) {
            Some(true) => proto::Answer::Hit,
            Some(false) => proto::Answer::Clear,
            None => proto::Answer::Unspecified,
        }
    };
    let fits = |index: &usize| match request.answer {
        Some(wanted) => own.is_some() && wanted == i32::from(answer(*index)),
        None => true,
    };
    // Padding is about nobody, and comes last.
    let padding = usize::try_from(padding).unwrap_or(usize::MAX);
    let calls = batch.audit_hashes.len().saturating_sub(padding);
    let indexes: Vec<usize> = (0..calls).filter(fits).collect();
    if indexes.is_empty() {
        return None;
    }
    let own_record = own.map(|own| proto::OwnRecord {
        answers: indexes.iter().map(|index| answer(*index).into()).collect(),
        operator: own.context.operator.clone(),
        purpose: own.context.purpose.clone(),
        lawful_basis: own.context.lawful_basis.clone(),
        case_reference: own.context.case_reference.clone(),
        approver: own.context.approver.clone(),
        version: own.version,
    });
    let hashes = indexes.iter().map(|index| batch.audit_hashes[*index].0);
    Some(proto::HistoryBatch {
        direction: match batch.direction {
            Direction::Asked => proto::Direction::Asked,
            Direction::Served => proto::Direction::Served,
        }
        .into(),
        time_ms: batch.time_ms,
        height: batch.height,
        tx_id: batch.tx_id.0.0.to_vec(),
        member_id: batch.counterparty.0,
        list: refs.get(&batch.list).cloned(),
        tag_epoch: batch.tag_epoch.0,
        session: batch.session.0,
        sequence: batch.sequence,
        price_minor: u64::from(batch.price_minor),
        audit_hashes: hashes.flatten().collect(),
        // A batch has at most a thousand calls.
        indexes: indexes.into_iter().map(|index| index as u32).collect(),
        own_record,
    })
}
