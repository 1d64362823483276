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
use crate::kernel::state::Missing;

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
pub(crate) fn run(context: &mut Context<'_>, registry: &Registry) -> Result<(), Missing> {
    let height = context.height();
    let first = Cursor { height, index: 0 };
    let before: Cursor = context.read(&keys::due_cursor())?.unwrap_or(first);
    let mut cursor = before;
    let mut budget = MAX_DUE_PER_BLOCK;
    for _ in 0..MAX_DUE_HEIGHTS_PER_BLOCK {
        if cursor.height > height || budget == 0 {
            break;
        }
        let size: u32 = context.read(&keys::due_size(cursor.height))?.unwrap_or(0);
        while cursor.index < size && budget > 0 {
            do_one(context, registry, cursor)?;
            cursor.index += 1;
            budget -= 1;
        }
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
    if cursor != before {
        context.put(keys::due_cursor(), &cursor);
    }
    Ok(())
}

fn do_one(context: &mut Context<'_>, registry: &Registry, cursor: Cursor) -> Result<(), Missing> {
    let (page_number, slot) = place(cursor.index);
    let page_key = keys::due_page(cursor.height, page_number);
    let page: Page = context.read(&page_key)?.unwrap_or_default();
    let last_of_page = slot + 1 == page.len();
    if let Some(work) = page.into_vec().into_iter().nth(slot) {
        let module = registry
            .module(work.module)
            .expect("only registered modules put work off");
        context.module = work.module;
        module.due(context, &work.body)?;
        context.module = ModuleId::KERNEL;
    }
    if last_of_page {
        context.remove(page_key);
    }
    Ok(())
}
