//! Work that a height brings: bounded per block, continued in the next one.
//!
//! A module puts work off to a later height. Pieces are done in the order of their heights and, for one
//! height, in the order in which they were put off; a cursor in state remembers the first that is not
//! done. A block does at most [`MAX_DUE_PER_BLOCK`] pieces: what outsiders can pile up on one height
//! delays itself and stops nobody.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::codec::{self, BoundedVec, Bytes};
use crate::kernel::context::Context;
use crate::kernel::keys;
use crate::kernel::module::{ModuleId, Registry};
use crate::kernel::state::{self, Missing};

/// Pieces of due work that one block does. A piece reads and writes a handful of records, so this is
/// about the work of as many transactions.
pub const MAX_DUE_PER_BLOCK: u32 = 256;

/// Heights that one block looks at for due work. Blocks follow each other by one, so more than one are
/// looked at only while a backlog is worked off.
pub const MAX_DUE_HEIGHTS_PER_BLOCK: u32 = 64;

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
    height: u64,
    index: u32,
}

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
        let body = Bytes::try_from(codec::encode(work))
            .unwrap_or_else(|error| panic!("due work of module {}: {error}", self.module));
        let size: u32 = self.read(&keys::due_size(height))?.unwrap_or(0);
        let (page_number, _) = place(size);
        let page_key = keys::due_page(height, page_number);
        let mut page: Page = self.read(&page_key)?.unwrap_or_default();
        let module = self.module;
        page.push(Work { module, body })
            .expect("a full page is followed by the next");
        self.put(page_key, &page);
        self.put(keys::due_size(height), &(size + 1));
        Ok(())
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

/// Starts the cursor of a chain.
pub(crate) fn start(context: &mut Context<'_>) {
    context.put(
        keys::due_cursor(),
        &Cursor {
            height: 1,
            index: 0,
        },
    );
}

/// Does what is due up to this block's height, within the bounds.
///
/// A piece that misses records is passed over and the others are tried all the same, so that a round of
/// fetching brings the records of all pieces and not of one. Nothing of such a pass takes effect.
pub(crate) fn run(context: &mut Context<'_>, registry: &Registry) -> Result<(), Missing> {
    let height = context.height();
    let first = Cursor { height, index: 0 };
    let before: Cursor = context.read(&keys::due_cursor())?.unwrap_or(first);
    let mut cursor = before;
    let mut budget = MAX_DUE_PER_BLOCK;
    let mut missing: Option<Missing> = None;
    for _ in 0..MAX_DUE_HEIGHTS_PER_BLOCK {
        if cursor.height > height || budget == 0 {
            break;
        }
        let size: u32 = context.read(&keys::due_size(cursor.height))?.unwrap_or(0);
        let todo = budget.min(size - cursor.index);
        for work in take_up(context, cursor, size, todo)? {
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
                context.remove(keys::due_size(cursor.height));
            }
            cursor = Cursor {
                height: cursor.height + 1,
                index: 0,
            };
        }
    }
    if let Some(missing) = missing {
        return Err(missing);
    }
    if cursor != before {
        context.put(keys::due_cursor(), &cursor);
    }
    Ok(())
}

/// The next `todo` pieces from the cursor on, of `size` that are due at its height. Pages that are used
/// up by them are removed.
fn take_up(
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
        .map(|page| keys::due_page(cursor.height, page))
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

/// Does one piece, wholly or not at all.
fn do_one(context: &mut Context<'_>, registry: &Registry, work: &Work) -> Result<(), Missing> {
    let module = registry
        .module(work.module)
        .expect("only registered modules put work off");
    context.whole(work.module, |step| module.due(step, &work.body))
}
