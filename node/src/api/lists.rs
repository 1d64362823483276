//! Publishing, showing, verifying and withdrawing lists.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use tacit_circuits::identifier::{Conventions, IdentifierType};
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_frontend::lists::{Draft, DraftMode, ListError, ListSpec, Progress, Published, Stage};
use tacit_frontend::ports::{Ledger as _, read as read_ledger};
use tacit_frontend::rows::{RawRow, RejectedRow, RowReader};
use tacit_frontend::snapshots::{CopyState, CopyStatus};
use tacit_ledger::kernel::{Missing, StateView, party};
use tacit_ledger::network::{
    self, Category, List, Publication, PublicationId, PublicationStatus, read,
};
use tacit_proto::{MAX_ROWS_PER_MESSAGE, operator as proto};
use tokio::sync::mpsc;
use tonic::Streaming;

use super::Operator;
use super::error::ApiError;

/// Publications that one answer shows: the latest.
const MAX_PUBLICATIONS_SHOWN: usize = 100;

/// How often a publication that waits for attestations is looked at.
const ACTIVE_POLL: Duration = Duration::from_millis(50);

/// Messages that wait for a slow reader of a stream.
pub(super) const STREAM_BUFFER: usize = 64;

/// Where the answers of a stream go.
pub(super) type Answers<T> = mpsc::Sender<Result<T, tonic::Status>>;

type Step = proto::list_publish_response::Step;

impl Operator {
    /// Reads rows, shows what they would change, and publishes once that is confirmed.
    pub(super) async fn publish(
        &self,
        mut asked: Streaming<proto::ListPublishRequest>,
        answers: Answers<proto::ListPublishResponse>,
    ) -> Result<(), ApiError> {
        use proto::list_publish_request::Step as Asked;
        let header = match next(&mut asked).await? {
            Some(Asked::Header(header)) => header,
            _ => return Err(out_of_order("the stream must begin with a header")),
        };
        let spec = self.list_spec(&header).await?;
        let mut draft = self.frontend()?.lists.draft(spec).await?;
        let expected = header.rows_expected.unwrap_or(0);
        loop {
            match next(&mut asked).await? {
                Some(Asked::Rows(rows)) => {
                    let (filled, rejected) = push(draft, rows).await?;
                    draft = filled;
                    if !rejected.is_empty() {
                        say(&answers, Step::Rejected(rejected_rows(rejected))).await?;
                    }
                    let done = draft.difference().rows_read;
                    say(
                        &answers,
                        progress(proto::Stage::ReadingRows, done, expected),
                    )
                    .await?;
                }
                Some(Asked::RowsEnd(_)) => break,
                // Ending before the rows do changes nothing.
                None => return Ok(()),
                Some(_) => return Err(out_of_order("rows must be followed by their end")),
            }
        }
        say(&answers, Step::Difference(difference(&draft))).await?;
        match next(&mut asked).await? {
            Some(Asked::Confirm(_)) => {}
            None => return Ok(()),
            Some(_) => return Err(out_of_order("only a confirmation follows the rows' end")),
        }
        let heard = answers.clone();
        // Progress that finds no place is left out: newer progress follows.
        let hear = Progress::to(move |stage, done, total| {
            let _ = heard.try_send(Ok(response(progress(stage_of(stage), done, total))));
        });
        let published = self.frontend()?.lists.publish(draft, hear).await?;
        self.tell_published(&published, &answers).await?;
        self.wait_until_active(published.publication, &answers)
            .await
    }

    async fn list_spec(&self, header: &proto::ListPublishHeader) -> Result<ListSpec, ApiError> {
        let category = match header.category.as_str() {
            "" => None,
            name => {
                let categories = self.read(read::categories).await?;
                let found = categories
                    .iter()
                    .find(|category| category.name.as_str() == name);
                Some(found.ok_or_else(|| ApiError::unknown("category", name))?.id)
            }
        };
        if header.corrected && header.mode() != proto::ListPublishMode::Change {
            return Err(ApiError::caller(
                "corrected-without-removal",
                "only rows that are removed one by one can be said to have been wrong",
                "Name the wrong rows and remove them.",
            ));
        }
        let accepts = header.types.iter().map(|name| identifier_type(name));
        Ok(ListSpec {
            name: header.name.clone(),
            category,
            accepts: accepts.collect::<Result<_, _>>()?,
            mode: match header.mode() {
                proto::ListPublishMode::Change => DraftMode::Change,
                _ => DraftMode::Replace,
            },
            new_tag_epoch: header.new_tag_epoch,
            corrected: header.corrected,
            reader: row_reader(&header.default_type, &header.default_region)?,
        })
    }

    async fn tell_published(
        &self,
        published: &Published,
        answers: &Answers<proto::ListPublishResponse>,
    ) -> Result<(), ApiError> {
        let id = published.publication;
        let refs = self.read(|view| self.list_refs(view)).await?;
        let message = proto::ListPublished {
            list: refs.get(&id.list).cloned(),
            tag_epoch: id.tag_epoch.0,
            version: u64::from(id.version.0),
            root: published.root.0.to_vec(),
            size_class: published.size_class.capacity().into(),
            tx_id: published
                .tx_id
                .map(|id| id.0.0.to_vec())
                .unwrap_or_default(),
            height: published.height,
        };
        say(answers, Step::Published(message)).await
    }

    /// Waits for the attestations. A caller that goes away stops the waiting, not the publication.
    async fn wait_until_active(
        &self,
        id: PublicationId,
        answers: &Answers<proto::ListPublishResponse>,
    ) -> Result<(), ApiError> {
        let mut told = None;
        while !answers.is_closed() {
            let (publication, needed) = self
                .read(|view| Ok((read::publication(view, id)?, attestations_needed(view)?)))
                .await?;
            let publication = publication.ok_or_else(|| ApiError::unknown("publication", id))?;
            let attested = publication.attestations.len() as u64;
            if told != Some(attested) {
                told = Some(attested);
                let step = progress(proto::Stage::Attesting, attested, needed.into());
                say(answers, step).await?;
            }
            match publication.status {
                PublicationStatus::Pending => tokio::time::sleep(ACTIVE_POLL).await,
                PublicationStatus::Active {
                    since_height: height,
                }
                | PublicationStatus::Superseded { height } => {
                    let version = u64::from(id.version.0);
                    return say(answers, Step::Active(proto::ListActive { version, height })).await;
                }
                PublicationStatus::Fraudulent { .. } => {
                    return Err(ApiError::caller(
                        "publication-fraudulent",
                        "the publication was proven fraudulent",
                        "",
                    ));
                }
                PublicationStatus::Suspended { .. } => {
                    return Err(ApiError::caller(
                        "publication-suspended",
                        "the publication was taken off after a dispute",
                        "Publish a version without the entry.",
                    ));
                }
                PublicationStatus::Unproven { .. } => {
                    return Err(ApiError::caller(
                        "publication-unproven",
                        "the entries that were drawn of the publication were not proven in time",
                        "See this node's log, lists.samples, and publish again.",
                    ));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn all_lists(
        &self,
        request: proto::ListAllRequest,
    ) -> Result<proto::ListAllResponse, ApiError> {
        let known = self.known_lists().await?;
        let wanted = |list: &&List| {
            request
                .member_id
                .is_none_or(|member| list.owner.0 == member)
                && (request.category.is_empty()
                    || known
                        .category(list)
                        .is_some_and(|c| c.name.as_str() == request.category))
        };
        let lists = known
            .lists
            .iter()
            .filter(wanted)
            .map(|list| known.summary(list))
            .collect();
        Ok(proto::ListAllResponse { lists })
    }

    pub(super) async fn show_list(
        &self,
        request: proto::ListShowRequest,
    ) -> Result<proto::ListShowResponse, ApiError> {
        let known = self.known_lists().await?;
        let list = known.selected(request.list, self.ledger.member_id())?;
        let (publications, needed) = self
            .read(|view| Ok((publications_of(view, list)?, attestations_needed(view)?)))
            .await?;
        let publications = publications
            .iter()
            .map(|publication| shown(publication, needed))
            .collect();
        Ok(proto::ListShowResponse {
            summary: Some(known.summary(list)),
            publications,
        })
    }

    /// Rebuilds the tree of this node's copy and compares it with the root on the ledger.
    pub(super) async fn verify_list(
        &self,
        request: proto::ListVerifyRequest,
        answers: Answers<proto::ListVerifyResponse>,
    ) -> Result<(), ApiError> {
        use proto::list_verify_response::Step;
        let known = self.known_lists().await?;
        let list = known.selected(request.list, self.ledger.member_id())?;
        let verified = self.frontend()?.verify_copy(list.id).await;
        let verified = verified
            .map_err(|error| ApiError::node("copy-unreadable", error.to_string(), ""))?
            .ok_or_else(|| {
                ApiError::node(
                    "copy-absent",
                    format!("this node holds no copy of {}", list.id),
                    "Wait until it is fetched; see the status.",
                )
            })?;
        let message = proto::ListVerified {
            list: known.refs.get(&list.id).cloned(),
            version: u64::from(verified.id.version.0),
            agrees: verified.root_rebuilt == verified.root_on_ledger,
            root_rebuilt: verified.root_rebuilt.to_vec(),
            root_on_ledger: verified.root_on_ledger.to_vec(),
            tags: verified.tags as u64,
        };
        let response = proto::ListVerifyResponse {
            step: Some(Step::Verified(message)),
        };
        answers.send(Ok(response)).await.map_err(|_| gone())
    }

    pub(super) async fn withdraw_list(
        &self,
        request: proto::ListWithdrawRequest,
    ) -> Result<proto::ListWithdrawResponse, ApiError> {
        let known = self.known_lists().await?;
        let list = known.selected(request.list, self.ledger.member_id())?;
        let applied = self.frontend()?.lists.withdraw(list.name.as_str()).await?;
        Ok(proto::ListWithdrawResponse {
            list: known.refs.get(&list.id).cloned(),
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
        })
    }

    pub(super) async fn revoke_list_key(
        &self,
        request: proto::ListRevokeKeyRequest,
    ) -> Result<proto::ListRevokeKeyResponse, ApiError> {
        let known = self.known_lists().await?;
        let list = known.selected(request.list, self.ledger.member_id())?;
        let (lists, name) = (&self.frontend()?.lists, list.name.as_str());
        let applied = match request.tag_epoch {
            Some(tag_epoch) => lists.revoke_epoch(name, TagEpoch(tag_epoch)).await?,
            None => lists.revoke_key(name).await?,
        };
        Ok(proto::ListRevokeKeyResponse {
            list: known.refs.get(&list.id).cloned(),
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
        })
    }

    /// How people name the lists.
    pub(super) fn list_refs(
        &self,
        view: &dyn StateView,
    ) -> Result<BTreeMap<ListId, proto::ListRef>, Missing> {
        let categories = read::categories(view)?;
        let lists = read::lists(view)?;
        Ok(lists
            .iter()
            .map(|list| (list.id, list_ref(list, &categories)))
            .collect())
    }

    async fn known_lists(&self) -> Result<KnownLists, ApiError> {
        let (lists, categories, active) = read_ledger(&*self.ledger, |view| {
            let active = read::active_publications(view)?;
            Ok((read::lists(view)?, read::categories(view)?, active))
        })
        .await?;
        let (own, copies) = match &self.frontend {
            Some(frontend) => (
                frontend.lists.summaries().await?,
                lists
                    .iter()
                    .filter(|list| list.owner != self.ledger.member_id())
                    .map(|list| (list.id, frontend.copy_status(list.id)))
                    .collect(),
            ),
            None => Default::default(),
        };
        Ok(KnownLists {
            refs: lists
                .iter()
                .map(|list| (list.id, list_ref(list, &categories)))
                .collect(),
            active: active
                .into_iter()
                .map(|(list, active)| (list.id, active))
                .collect(),
            own_entries: own
                .into_iter()
                .filter_map(|summary| Some((summary.list?, summary.entries)))
                .collect(),
            copies,
            lists,
            categories,
        })
    }
}

/// What the ledger and this node know of all lists.
struct KnownLists {
    lists: Vec<List>,
    categories: Vec<Category>,
    refs: BTreeMap<ListId, proto::ListRef>,
    active: BTreeMap<ListId, Publication>,
    own_entries: BTreeMap<ListId, u64>,
    copies: BTreeMap<ListId, CopyStatus>,
}

impl KnownLists {
    fn category(&self, list: &List) -> Option<&Category> {
        self.categories
            .iter()
            .find(|category| category.id == list.category)
    }

    fn selected(
        &self,
        selector: Option<proto::ListSelector>,
        me: MemberId,
    ) -> Result<&List, ApiError> {
        use proto::list_selector::By;
        let by = selector.and_then(|selector| selector.by).ok_or_else(|| {
            ApiError::caller("list-missing", "the request names no list", "Name one.")
        })?;
        match by {
            By::ListId(id) => self
                .lists
                .iter()
                .find(|list| list.id.0 == id)
                .ok_or_else(|| ApiError::unknown("list", id)),
            By::Name(by) => {
                let owner = by.member_id.map_or(me, MemberId);
                let named = |list: &&List| list.owner == owner && list.name.as_str() == by.name;
                // A withdrawn list may have a successor of the same name.
                self.lists
                    .iter()
                    .rev()
                    .filter(named)
                    .max_by_key(|list| list.is_standing())
                    .ok_or_else(|| ApiError::unknown("list", by.name))
            }
        }
    }

    fn summary(&self, list: &List) -> proto::ListSummary {
        let active = self.active.get(&list.id);
        let list_ref = self.refs.get(&list.id);
        proto::ListSummary {
            list: list_ref.cloned(),
            types: list
                .accepts
                .iter()
                .map(|kind| kind.name().to_owned())
                .collect(),
            withdrawn: !list.is_standing(),
            tag_epoch: list.active.map_or(0, |id| id.tag_epoch.0),
            active_version: list.active.map(|id| u64::from(id.version.0)),
            size_class: active.map_or(0, |publication| publication.size_class.capacity().into()),
            price_minor: self.category(list).map_or(0, |c| u64::from(c.price_minor)),
            copy: self
                .copies
                .get(&list.id)
                .map(|copy| shown_copy(copy, list_ref, list.active)),
            entries: self.own_entries.get(&list.id).copied(),
        }
    }
}

/// The publications of a list's latest epochs, newest first.
pub(super) fn publications_of(
    view: &dyn StateView,
    list: &List,
) -> Result<Vec<Publication>, Missing> {
    let mut publications = Vec::new();
    for tag_epoch in (0..list.epochs).rev().map(TagEpoch) {
        let versions = read::epoch(view, list.id, tag_epoch)?.map_or(0, |epoch| epoch.versions);
        for version in (0..versions).rev().map(ListVersion) {
            if publications.len() >= MAX_PUBLICATIONS_SHOWN {
                return Ok(publications);
            }
            let id = PublicationId {
                list: list.id,
                tag_epoch,
                version,
            };
            publications.extend(read::publication(view, id)?);
        }
    }
    Ok(publications)
}

/// How many members must attest a publication now.
fn attestations_needed(view: &dyn StateView) -> Result<u32, Missing> {
    let members = party::parties(view)?;
    let active = members.iter().filter(|party| party.is_active_member());
    let needed = network::attestations_needed(active.count());
    Ok(u32::try_from(needed).unwrap_or(u32::MAX))
}

pub(super) fn shown(publication: &Publication, attestations_needed: u32) -> proto::Publication {
    let (state, active_height) = match publication.status {
        PublicationStatus::Pending => (proto::PublicationState::Pending, None),
        PublicationStatus::Active { since_height } => {
            (proto::PublicationState::Active, Some(since_height))
        }
        PublicationStatus::Superseded { .. } => (proto::PublicationState::Superseded, None),
        PublicationStatus::Fraudulent { .. } => (proto::PublicationState::Off, None),
        PublicationStatus::Unproven { .. } => (proto::PublicationState::Unproven, None),
        PublicationStatus::Suspended { .. } => (proto::PublicationState::Suspended, None),
    };
    let sampling = publication.sampling;
    proto::Publication {
        tag_epoch: publication.id.tag_epoch.0,
        version: u64::from(publication.id.version.0),
        root: publication.root.0.to_vec(),
        size_class: publication.size_class.capacity().into(),
        state: state.into(),
        attesters: publication
            .attestations
            .iter()
            .map(|said| said.attester.0)
            .collect(),
        attestations_needed,
        published_height: publication.published_height,
        active_height,
        sampled_entries: sampling.map_or(0, |sampling| sampling.entries.into()),
        proven_height: sampling.and_then(|sampling| sampling.proven_height),
    }
}

/// How this node's copy of a list stands.
pub(super) fn shown_copy(
    copy: &CopyStatus,
    list: Option<&proto::ListRef>,
    active: Option<PublicationId>,
) -> proto::Copy {
    let state = match copy.state {
        CopyState::Current => proto::CopyState::Current,
        CopyState::Behind => proto::CopyState::Behind,
        CopyState::Absent => proto::CopyState::Absent,
        CopyState::Refused(_) => proto::CopyState::Refused,
    };
    proto::Copy {
        list: list.cloned(),
        state: state.into(),
        version_held: copy.held.map_or(0, |held| u64::from(held.version.0)),
        version_active: active.map_or(0, |id| u64::from(id.version.0)),
        reason: copy.reason.clone().unwrap_or_default(),
    }
}

pub(super) fn list_ref(list: &List, categories: &[Category]) -> proto::ListRef {
    let category = categories
        .iter()
        .find(|category| category.id == list.category);
    proto::ListRef {
        list_id: list.id.0,
        member_id: list.owner.0,
        name: list.name.as_str().into(),
        category: category
            .map(|category| category.name.as_str().to_owned())
            .unwrap_or_default(),
    }
}

/// Takes rows into a draft, away from the serving threads.
async fn push(
    mut draft: Draft,
    rows: proto::ListRows,
) -> Result<(Draft, Vec<RejectedRow>), ApiError> {
    if rows.rows.len() > MAX_ROWS_PER_MESSAGE {
        return Err(too_many_rows());
    }
    let rows: Vec<RawRow> = rows
        .rows
        .into_iter()
        .map(|row| RawRow {
            row: row.row,
            kind: row.r#type,
            value: row.value,
            removes: row.remove,
        })
        .collect();
    let filled = tokio::task::spawn_blocking(move || {
        let rejected = draft.push(&rows);
        (draft, rejected)
    });
    filled
        .await
        .map_err(|_| ApiError::node("internal", "reading the rows failed", ""))
}

async fn next(
    asked: &mut Streaming<proto::ListPublishRequest>,
) -> Result<Option<proto::list_publish_request::Step>, ApiError> {
    match asked.next().await {
        None => Ok(None),
        Some(Ok(message)) => message
            .step
            .map(Some)
            .ok_or_else(|| out_of_order("a message of the stream is empty")),
        Some(Err(status)) => Err(ApiError::caller("stream-broken", status.message(), "")),
    }
}

async fn say(answers: &Answers<proto::ListPublishResponse>, step: Step) -> Result<(), ApiError> {
    answers.send(Ok(response(step))).await.map_err(|_| gone())
}

fn response(step: Step) -> proto::ListPublishResponse {
    proto::ListPublishResponse { step: Some(step) }
}

fn progress(stage: proto::Stage, done: u64, total: u64) -> Step {
    Step::Progress(proto::Progress {
        stage: stage.into(),
        done,
        total,
    })
}

const fn stage_of(stage: Stage) -> proto::Stage {
    match stage {
        Stage::MakingTags => proto::Stage::MakingTags,
        Stage::BuildingTree => proto::Stage::BuildingTree,
        Stage::WritingSnapshot => proto::Stage::WritingSnapshot,
        Stage::Submitting => proto::Stage::Submitting,
    }
}

fn difference(draft: &Draft) -> proto::ListDifference {
    let difference = draft.difference();
    proto::ListDifference {
        new_list: difference.new_list,
        rows_read: difference.rows_read,
        rows_rejected: difference.rows_rejected,
        rows_duplicate: difference.rows_duplicate,
        added: difference.added,
        removed: difference.removed,
        unchanged: difference.unchanged,
        entries: difference.entries(),
    }
}

pub(super) fn rejected_rows(rows: Vec<RejectedRow>) -> proto::RejectedRows {
    let rows = rows
        .into_iter()
        .map(|row| proto::RejectedRow {
            row: row.row,
            reason: row.reason.to_string(),
        })
        .collect();
    proto::RejectedRows { rows }
}

pub(super) fn identifier_type(name: &str) -> Result<IdentifierType, ApiError> {
    name.parse()
        .map_err(|_| ApiError::unknown("identifier type", name))
}

pub(super) fn row_reader(default_type: &str, region: &str) -> Result<RowReader, ApiError> {
    let default_type = match default_type {
        "" => None,
        name => Some(identifier_type(name)?),
    };
    let region = match region {
        "" => None,
        code => Some(
            code.parse()
                .map_err(|_| ApiError::unknown("region", code))?,
        ),
    };
    Ok(RowReader {
        default_type,
        conventions: Conventions {
            region,
            ..Conventions::default()
        },
    })
}

pub(super) fn too_many_rows() -> ApiError {
    ApiError::caller(
        "too-many-rows",
        format!("a message holds at most {MAX_ROWS_PER_MESSAGE} rows"),
        "Send them in several messages.",
    )
}

pub(super) fn out_of_order(message: &str) -> ApiError {
    ApiError::caller("stream-out-of-order", message, "")
}

/// Whoever asked no longer listens.
pub(super) fn gone() -> ApiError {
    ApiError::caller("caller-gone", "the caller no longer listens", "")
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        let message = error.to_string();
        match error {
            ListError::Ledger(error) => error.into(),
            ListError::Deposit(error) => error.into(),
            ListError::Unknown(name) => Self::unknown("list", name),
            ListError::SpecIncomplete(_) => Self::caller("list-new", message, ""),
            ListError::SpecDiffers(_) => Self::caller("list-differs", message, ""),
            ListError::BadName(_) => Self::caller("list-name-invalid", message, ""),
            ListError::Outdated => Self::caller("list-changed-meanwhile", message, "Begin again."),
            ListError::NothingToPublish => Self::caller("nothing-to-publish", message, ""),
            ListError::TooLarge(_) => Self::caller("list-too-large", message, "Split it."),
            ListError::KeyDestroyed => Self::caller("key-destroyed", message, ""),
            ListError::Build(_) | ListError::File(_) | ListError::Store(_) => {
                Self::node("list-not-made", message, "See the node's log.")
            }
        }
    }
}
