//! Gathers what a view shows, by its scope, and never more than it.

use std::collections::{BTreeSet, HashMap};

use tacit_circuits::scope::ListId;
use tacit_client::statement::Reader;
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::store::{AskedFilter, VersionStep};
use tacit_ledger::kernel::BusinessDate;
use tacit_ledger::network::views::{Asked, CaseSet};
use tacit_ledger::network::{Member, View, ViewScope, read};
use tacit_proto::operator as proto;
use tacit_proto::operator::view_read_response::Step;
use tacit_readmodel::{Direction, HistoryFilter};
use tokio::sync::mpsc;

use super::refusal::Refused;
use super::serve::Shown;
use super::{MAX_FILE_BYTES, PART_BYTES};
use crate::api::Operator;
use crate::api::audit;
use crate::api::error::ApiError;
use crate::api::history::{HISTORY_BUFFER, unreadable};
use crate::api::lists::{list_ref, publications_of, shown as shown_publication};

/// Batches and calls of one page of cases. A batch brings its transaction of up to 192 kB, a call less than two: a
/// page stays below [`MAX_FILE_BYTES`].
const MAX_PAGE_BATCHES: usize = 128;
const MAX_PAGE_CALLS: usize = 2_000;

/// Batches of all calls of a set of cases: 32 pages and more.
const MAX_CASE_BATCHES: usize = 4_096;

/// Batches that are read at once to count their calls.
const NAMES_AT_A_TIME: usize = 128;

const DAY_MS: i64 = 86_400_000;

/// A batch by session and sequence.
type Name = (u64, u64);

impl Operator {
    /// Shows what is asked, and says in words for the account how much that was.
    pub(super) async fn gather(
        &self,
        view: &View,
        asked: Asked,
        supervisor: &Member,
        shown: &Shown,
    ) -> Result<String, ApiError> {
        match (&view.scope, asked) {
            (_, Asked::History { from, until }) => self.view_history(from, until, shown).await,
            (ViewScope::List(list), Asked::List) => self.view_list(*list, shown).await,
            (_, Asked::Cases { set, page }) => self.view_cases(&set, page, shown).await,
            (_, Asked::Quota { from, until }) => {
                self.view_quota(from, until, supervisor, shown).await
            }
            // Was looked at before.
            (_, Asked::List) => Err(ApiError::unknown("list of the view", view.id)),
        }
    }

    async fn view_history(
        &self,
        from: BusinessDate,
        until: BusinessDate,
        shown: &Shown,
    ) -> Result<String, ApiError> {
        self.caught_up().await?;
        let (from_ms, until_ms) = around(from, until);
        let request = proto::HistoryRequest {
            from_ms,
            until_ms,
            ..proto::HistoryRequest::default()
        };
        let (answers, mut read) = mpsc::channel(HISTORY_BUFFER);
        let reading = self.history_on(request, Some((from, until)), answers);
        let sending = async move {
            while let Some(response) = read.recv().await {
                // An error of the reading is told by the reading.
                let Ok(response) = response else { break };
                shown.send(Step::History(response)).await?;
            }
            Ok::<_, ApiError>(())
        };
        let (calls, sent) = tokio::join!(reading, sending);
        sent?;
        Ok(format!("{} calls", calls?))
    }

    async fn view_list(&self, list: ListId, shown: &Shown) -> Result<String, ApiError> {
        let frontend = self.frontend()?;
        let own = frontend.lists.versions(list).await?;
        let found = self.read(|state| {
            let found = read::list(state, list)?;
            let publications = found.as_ref().map(|list| publications_of(state, list));
            let publications = publications.transpose()?.unwrap_or_default();
            Ok((found, publications, read::categories(state)?))
        });
        let (found, publications, categories) = found.await?;
        let found = found.ok_or_else(|| ApiError::unknown("list", list))?;
        let own: HashMap<_, _> = own
            .into_iter()
            .filter(|version| version.step == VersionStep::Published)
            .map(|version| ((version.tag_epoch, version.version), version))
            .collect();
        let latest = publications.iter().map(|publication| {
            let id = publication.id;
            let own = own.get(&(id.tag_epoch, id.version));
            // How many must attest is not asked here.
            let public = shown_publication(publication, 0);
            proto::ViewedVersion {
                tag_epoch: public.tag_epoch,
                version: public.version,
                entries: own.map_or(0, |own| own.entries),
                added: own.map_or(0, |own| own.added),
                removed: own.map_or(0, |own| own.removed),
                size_class: public.size_class,
                state: public.state,
                published_height: public.published_height,
                active_height: public.active_height,
                attestations: u32::try_from(public.attesters.len()).unwrap_or(u32::MAX),
            }
        });
        let latest: Vec<_> = latest.collect();
        let words = format!("{} of {} versions", latest.len(), own.len());
        let viewed = proto::ViewedList {
            list: Some(list_ref(&found, &categories)),
            types: found
                .accepts
                .iter()
                .map(|kind| kind.name().into())
                .collect(),
            withdrawn: !found.is_standing(),
            paused: found.is_paused(),
            versions: own.len() as u64,
            latest,
        };
        shown.send(Step::List(viewed)).await?;
        Ok(words)
    }

    async fn view_cases(
        &self,
        set: &CaseSet,
        page: u32,
        shown: &Shown,
    ) -> Result<String, ApiError> {
        self.caught_up().await?;
        let batches = self.batches_of(set).await?;
        let counts: Vec<usize> = batches.iter().map(|(_, calls)| *calls).collect();
        let pages = paged(&counts);
        let pages_in_all = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let Some(range) = pages.get(page as usize) else {
            if page > 0 {
                return Err(Refused::NoPage.into());
            }
            let none = proto::ViewedFile::default();
            shown.send(Step::File(none)).await?;
            return Ok("no calls".into());
        };
        let of_page = &batches[range.clone()];
        let asked: audit::Asked = of_page
            .iter()
            .map(|(name, calls)| (*name, (0..*calls as u32).collect::<BTreeSet<_>>()))
            .collect();
        let calls: usize = of_page.iter().map(|(_, calls)| calls).sum();
        let bundle = self.bundle(asked, false, |_, _| ()).await?;
        let about = proto::ViewedFile {
            bytes: bundle.len() as u64,
            calls: calls as u64,
            pages: pages_in_all,
        };
        show_file(about, &bundle, shown).await?;
        Ok(format!("{calls} calls, page {page} of {pages_in_all}"))
    }

    /// The final batches of this member's calls for these cases, with how many calls each has, in the order of the
    /// ledger. Padding is no call of a case.
    async fn batches_of(&self, set: &CaseSet) -> Result<Vec<(Name, usize)>, ApiError> {
        let frontend = self.frontend()?;
        let mut names = BTreeSet::new();
        for case in set.cases() {
            let filter = AskedFilter {
                case: case.as_str(),
                ..AskedFilter::default()
            };
            let limit = MAX_CASE_BATCHES as u32;
            let named = frontend.store().asked_named(filter, limit).await;
            // More than this is paged through by nobody.
            names.extend(named.map_err(unreadable)?.ok_or(Refused::TooMany)?);
            if names.len() > MAX_CASE_BATCHES {
                return Err(Refused::TooMany.into());
            }
        }
        let names: Vec<Name> = names.into_iter().collect();
        let me = HistoryFilter::all(self.ledger.member_id());
        let names = self.read_model.asked_among(&me, &names).await?;
        let mut batches = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_AT_A_TIME) {
            let own = frontend.own_batches(names).await.map_err(unreadable)?;
            for batch in self.read_model.asked_batches(names).await? {
                debug_assert_eq!(batch.direction, Direction::Asked);
                let name = (batch.session.0, batch.sequence);
                // Found by a hash of the case: the case itself decides.
                let own = own.get(&name);
                let record = own.and_then(|own| own.record.as_ref());
                let is_one = record.is_some_and(|own| set.holds(&own.context.case_reference));
                let padding = own.map_or(0, |own| own.padding);
                let padding = usize::try_from(padding).unwrap_or(usize::MAX);
                let calls = batch.audit_hashes.len().saturating_sub(padding);
                if is_one && calls > 0 {
                    batches.push((name, calls));
                }
            }
        }
        Ok(batches)
    }

    /// The statement for these dates, made out to the supervisor.
    async fn view_quota(
        &self,
        from: BusinessDate,
        until: BusinessDate,
        supervisor: &Member,
        shown: &Shown,
    ) -> Result<String, ApiError> {
        self.caught_up().await?;
        let reader = Reader::new(supervisor.name.as_str()).map_err(|_| Refused::Unreadable)?;
        let made = self.statement_of_dates(reader, from, until).await?;
        let made = made.ok_or(Refused::NoBalance)?;
        let about = proto::ViewedFile {
            bytes: made.file.len() as u64,
            ..proto::ViewedFile::default()
        };
        show_file(about, &made.file, shown).await?;
        Ok(format!("a statement of {from}..{until}"))
    }
}

async fn show_file(about: proto::ViewedFile, file: &[u8], shown: &Shown) -> Result<(), ApiError> {
    if file.len() > MAX_FILE_BYTES {
        return Err(Refused::TooMany.into());
    }
    shown.send(Step::File(about)).await?;
    for part in file.chunks(PART_BYTES) {
        shown.send(Step::Part(part.to_vec())).await?;
    }
    Ok(())
}

/// A time, in milliseconds since 1970-01-01 UTC, that holds all blocks of these dates, and some before and after.
///
/// The business date is that of the block's time at an offset of at most a day, and never runs backwards: a block
/// of a date is at most a day earlier than its beginning in UTC, and at most a day later than its end.
fn around(from: BusinessDate, until: BusinessDate) -> (u64, u64) {
    let first = (i64::from(from.0) - 1) * DAY_MS;
    let end = (i64::from(until.0) + 2) * DAY_MS;
    // 0 would mean that there is no end.
    (
        u64::try_from(first).unwrap_or(0),
        u64::try_from(end).unwrap_or(0).max(1),
    )
}

/// Which batches stand on which page, by how many calls each has. What comes later changes no page before.
fn paged(calls: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut pages = Vec::new();
    let (mut first, mut of_page) = (0, 0);
    for (place, calls) in calls.iter().enumerate() {
        let full = place - first == MAX_PAGE_BATCHES || of_page + calls > MAX_PAGE_CALLS;
        if full && place > first {
            pages.push(first..place);
            (first, of_page) = (place, 0);
        }
        of_page += calls;
    }
    if first < calls.len() {
        pages.push(first..calls.len());
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_stands_on_one_page_and_none_is_too_large() {
        let ends = |calls: &[usize]| {
            let pages = paged(calls).into_iter();
            pages.map(|page| (page.start, page.end)).collect::<Vec<_>>()
        };
        assert!(paged(&[]).is_empty());
        assert_eq!(ends(&[1]), [(0, 1)]);
        assert_eq!(ends(&[1_000, 1_000, 1]), [(0, 2), (2, 3)]);
        assert_eq!(ends(&[1; 300]), [(0, 128), (128, 256), (256, 300)]);
        // Calls that come later change no page but the last.
        let more: Vec<usize> = (0..500).map(|n| n * 37 % 1_000 + 1).collect();
        for length in 0..more.len() {
            let (some, all) = (paged(&more[..length]), paged(&more));
            let whole = some.len().saturating_sub(1);
            assert_eq!(some[..whole], all[..whole]);
            let pages = some
                .iter()
                .map(|page| more[page.clone()].iter().sum::<usize>());
            assert!(pages.into_iter().all(|calls| calls <= MAX_PAGE_CALLS));
            let batches: usize = some.iter().map(ExactSizeIterator::len).sum();
            assert_eq!(batches, length);
        }
    }

    #[test]
    fn all_blocks_of_a_date_lie_in_the_time_around_it() {
        let date = BusinessDate(20_000);
        let (from_ms, until_ms) = around(date, date);
        for offset in [-1_440, -480, 0, 480, 1_440] {
            let at = |time_ms| BusinessDate::at(time_ms, offset);
            assert!(at(from_ms - 1) < date, "{offset}");
            assert!(at(until_ms) > date, "{offset}");
        }
        assert_eq!(around(BusinessDate(0), BusinessDate(0)).0, 0);
        assert_eq!(around(BusinessDate(-9), BusinessDate(-9)), (0, 1));
    }
}
