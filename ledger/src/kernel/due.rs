//! Work that a height or a business date brings: bounded per block, continued in the next one.
//!
//! A module puts work off to a later height, or to the first block of a later date. Pieces are done in the
//! order of their moments and, for one moment, in the order in which they were put off; a cursor in state
//! remembers the first that is not done. A block does at most [`MAX_DUE_PER_BLOCK`] pieces of heights and
//! [`MAX_DUE_OF_DATES_PER_BLOCK`] of dates: what outsiders can pile up on one moment delays itself and stops
//! nobody, and neither kind of work waits for the other.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::clock::BusinessDate;
use crate::kernel::codec::{self, BoundedVec, Bytes};
use crate::kernel::context::Context;
use crate::kernel::keys;
use crate::kernel::module::{ModuleId, Registry};
use crate::kernel::state::{self, Missing, StateKey};

/// Pieces of due work that one block does. A piece reads and writes a handful of records, so this is
/// about the work of as many transactions.
pub const MAX_DUE_PER_BLOCK: u32 = 256;

/// Heights that one block looks at for due work. Blocks follow each other by one, so more than one are
/// looked at only while a backlog is worked off.
pub const MAX_DUE_HEIGHTS_PER_BLOCK: u32 = 64;

/// Pieces that one block does of those that dates bring. Dates settle what has many sides and says much of
/// it: with a full share of heights beside them, the block still says less than a block may.
pub const MAX_DUE_OF_DATES_PER_BLOCK: u32 = 16;

/// Dates that one block looks at for due work: a network that stood still for two months needs no second
/// block.
pub const MAX_DUE_DATES_PER_BLOCK: u32 = 64;

/// Pieces on one page: a page is read and written whole.
pub const MAX_DUE_PER_PAGE: usize = 64;

/// Largest piece: an enum and a few numbers.
pub const MAX_DUE_BYTES: usize = 64;

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
struct Work {
    module: ModuleId,
    body: Bytes<MAX_DUE_BYTES>,
}

type Page = BoundedVec<Work, MAX_DUE_PER_PAGE>;

/// The first piece that is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Cursor {
    moment: u64,
    index: u32,
}

/// Work in the order of its moments, heights or dates, with what one block does of it.
struct Agenda {
    page: fn(u64, u32) -> StateKey,
    size: fn(u64) -> StateKey,
    cursor: fn() -> StateKey,
    pieces_per_block: u32,
    moments_per_block: u32,
}

const HEIGHTS: Agenda = Agenda {
    page: keys::due_page,
    size: keys::due_size,
    cursor: keys::due_cursor,
    pieces_per_block: MAX_DUE_PER_BLOCK,
    moments_per_block: MAX_DUE_HEIGHTS_PER_BLOCK,
};

const DATES: Agenda = Agenda {
    page: keys::date_page,
    size: keys::date_size,
    cursor: keys::date_cursor,
    pieces_per_block: MAX_DUE_OF_DATES_PER_BLOCK,
    moments_per_block: MAX_DUE_DATES_PER_BLOCK,
};

fn place(index: u32) -> (u32, usize) {
    let size = MAX_DUE_PER_PAGE as u32;
    (index / size, (index % size) as usize)
}

impl Context<'_> {
    /// Puts off `work` of the executing module to `height`, or to the next block if that height has
    /// passed.
    ///
    /// # Panics
    /// If the work exceeds [`MAX_DUE_BYTES`]: its type bounds it, so this is a fault of the module.
    pub fn due_at<T: BorshSerialize>(&mut self, height: u64, work: &T) -> Result<(), Missing> {
        let height = height.max(self.height() + 1);
        HEIGHTS.add(self, height, work)
    }

    /// Puts off `work` of the executing module to the first block of `date`, or of the next date if that
    /// one has begun. Where a network skips dates, it is done in the first block after them.
    ///
    /// # Panics
    /// As [`due_at`](Self::due_at).
    pub fn due_on<T: BorshSerialize>(
        &mut self,
        date: BusinessDate,
        work: &T,
    ) -> Result<(), Missing> {
        let next = self.clock().business_date.after(1);
        DATES.add(self, date.max(next).ordinal(), work)
    }

    /// Reads all that [`due_at`](Self::due_at) reads for these heights, so that what is missing is
    /// fetched in two rounds and not in two for each height.
    pub(crate) fn expect_due(&self, heights: &[u64]) -> Result<(), Missing> {
        let size_keys: Vec<_> = heights
            .iter()
            .map(|height| keys::due_size(*height))
            .collect();
        let sizes = state::read_all::<u32>(self, &size_keys)?;
        let pages = heights.iter().zip(sizes);
        let page_keys: Vec<_> = pages
            .map(|(height, size)| keys::due_page(*height, place(size.unwrap_or(0)).0))
            .collect();
        state::read_all::<Page>(self, &page_keys)?;
        Ok(())
    }
}

/// Starts the cursors of a chain: nothing is due before its first block, nor on the date of its genesis.
pub(crate) fn start(context: &mut Context<'_>) {
    let tomorrow = context.clock().business_date.after(1);
    for (agenda, moment) in [(HEIGHTS, 1), (DATES, tomorrow.ordinal())] {
        context.put((agenda.cursor)(), &Cursor { moment, index: 0 });
    }
}

/// Does what is due up to this block's height and date, within the bounds.
///
/// A piece that misses records is passed over and the others are tried all the same, so that a round of
/// fetching brings the records of all pieces and not of one. Nothing of such a pass takes effect.
pub(crate) fn run(context: &mut Context<'_>, registry: &Registry) -> Result<(), Missing> {
    let (height, date) = (context.height(), context.clock().business_date);
    let of_heights = HEIGHTS.run(context, registry, height);
    let of_dates = DATES.run(context, registry, date.ordinal());
    match (of_heights, of_dates) {
        (Err(one), Err(other)) => Err(one.and(other)),
        (of_heights, of_dates) => of_heights.and(of_dates),
    }
}

impl Agenda {
    fn add<T: BorshSerialize>(
        &self,
        context: &mut Context<'_>,
        moment: u64,
        work: &T,
    ) -> Result<(), Missing> {
        let module = context.module;
        let body = Bytes::try_from(codec::encode(work))
            .unwrap_or_else(|error| panic!("due work of module {module}: {error}"));
        let size: u32 = context.read(&(self.size)(moment))?.unwrap_or(0);
        let (page_number, _) = place(size);
        let page_key = (self.page)(moment, page_number);
        let mut page: Page = context.read(&page_key)?.unwrap_or_default();
        page.push(Work { module, body })
            .expect("a full page is followed by the next");
        context.put(page_key, &page);
        context.put((self.size)(moment), &(size + 1));
        Ok(())
    }

    fn run(&self, context: &mut Context<'_>, registry: &Registry, now: u64) -> Result<(), Missing> {
        let first = Cursor {
            moment: now,
            index: 0,
        };
        let before: Cursor = context.read(&(self.cursor)())?.unwrap_or(first);
        let mut cursor = before;
        let mut budget = self.pieces_per_block;
        let mut missing: Option<Missing> = None;
        for _ in 0..self.moments_per_block {
            if cursor.moment > now || budget == 0 {
                break;
            }
            let size_key = (self.size)(cursor.moment);
            let size: u32 = context.read(&size_key)?.unwrap_or(0);
            let todo = budget.min(size - cursor.index);
            for work in self.take_up(context, cursor, size, todo)? {
                if let Err(more) = do_one(context, registry, &work) {
                    missing = Some(match missing {
                        Some(missing) => missing.and(more),
                        None => more,
                    });
                }
            }
            cursor.index += todo;
            budget -= todo;
            if cursor.index == size {
                if size > 0 {
                    context.remove(size_key);
                }
                cursor = Cursor {
                    moment: cursor.moment + 1,
                    index: 0,
                };
            }
        }
        if let Some(missing) = missing {
            return Err(missing);
        }
        if cursor != before {
            context.put((self.cursor)(), &cursor);
        }
        Ok(())
    }

    /// The next `todo` pieces from the cursor on, of `size` that are due at its moment. Pages that are
    /// used up by them are removed.
    fn take_up(
        &self,
        context: &mut Context<'_>,
        cursor: Cursor,
        size: u32,
        todo: u32,
    ) -> Result<Vec<Work>, Missing> {
        if todo == 0 {
            return Ok(Vec::new());
        }
        let end = cursor.index + todo;
        let (first_page, first_slot) = place(cursor.index);
        let (last_page, _) = place(end - 1);
        let page_keys: Vec<_> = (first_page..=last_page)
            .map(|page| (self.page)(cursor.moment, page))
            .collect();
        let pages = state::read_all::<Page>(context, &page_keys)?;
        for (page, key) in (first_page..).zip(page_keys) {
            let last_of_page = size.min((page + 1) * MAX_DUE_PER_PAGE as u32);
            if last_of_page <= end {
                context.remove(key);
            }
        }
        let works = pages.into_iter().flatten().flat_map(Page::into_vec);
        Ok(works.skip(first_slot).take(todo as usize).collect())
    }
}

/// Does one piece, wholly or not at all.
fn do_one(context: &mut Context<'_>, registry: &Registry, work: &Work) -> Result<(), Missing> {
    let module = registry
        .module(work.module)
        .expect("only registered modules put work off");
    context.whole(work.module, |step| module.due(step, &work.body))
}
