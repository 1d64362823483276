//! How much padding a list and a change of it get.

use tacit_circuits::list::{SizeClass, SizeClassError};

/// Changes of one version are padded to at least this many removals and insertions.
const MIN_CHANGES: u64 = 64;

/// What happens to a list's padding when its entries change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PaddingPlan {
    /// Padding entries that leave.
    pub(super) remove: u64,
    /// Fresh padding entries that come.
    pub(super) insert: u64,
}

/// Padding for a change by `added` and `removed` entries of a list that has `entries` and `padding`.
///
/// The list fills its size class before and after. While the class stays, as many leave as come, and
/// their number is a power of two where the padding suffices. When the list outgrows its class, what comes fills
/// the next one, and what leaves is a power of two all the same.
pub(super) fn plan(
    entries: u64,
    padding: u64,
    added: u64,
    removed: u64,
) -> Result<PaddingPlan, SizeClassError> {
    let before = entries + padding;
    let entries = entries + added - removed;
    // A list does not fall back to a smaller class within an epoch: that would tell how far it shrank.
    let capacity = u64::from(SizeClass::fitting(entries)?.capacity()).max(before);
    if capacity > before {
        let leaving = removed.max(MIN_CHANGES).next_power_of_two();
        let hidden = (leaving - removed).min(padding);
        // Padding that is in the way of entries leaves too.
        let in_the_way = (entries + padding - hidden).saturating_sub(capacity);
        let remove = hidden + in_the_way;
        let insert = capacity - (entries + padding - remove);
        return Ok(PaddingPlan { remove, insert });
    }
    let changes = added.max(removed).max(MIN_CHANGES).next_power_of_two();
    // What leaves must be there; what comes makes up for the rest.
    let remove = (changes - removed).min(padding);
    let leaving = removed + remove;
    // As many come as leave: the class stays. Where there is little padding, more entries may come than
    // were to leave; then all padding that is in the way leaves.
    let insert = (leaving.max(added)) - added;
    let surplus = (before - leaving + added + insert) - before;
    Ok(PaddingPlan {
        remove: remove + surplus,
        insert,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_new_list_fills_its_class() {
        assert_eq!(
            plan(0, 0, 10_000, 0),
            Ok(PaddingPlan {
                remove: 0,
                insert: 16_384 - 10_000
            })
        );
    }

    #[test]
    fn one_new_entry_looks_like_sixty_three() {
        let one = plan(10_000, 6_384, 1, 0).expect("fits");
        let many = plan(10_000, 6_384, 63, 0).expect("fits");
        assert_eq!((one.remove, one.insert + 1), (64, 64));
        assert_eq!((many.remove, many.insert + 63), (64, 64));
    }

    #[test]
    fn how_many_entries_left_does_not_show_when_a_list_outgrows_its_class() {
        for removed in [0, 1, 40, 64] {
            let change = plan(10_000, 6_384, 8_000, removed).expect("fits");
            assert_eq!(change.remove + removed, 64);
            assert_eq!(10_000 + 6_384 + 8_000 + change.insert - 64, 32_768);
        }
    }

    proptest! {
        #[test]
        fn a_list_fills_a_class_after_every_change(
            entries in 0u64..5_000,
            added in 0u64..5_000,
            removed in 0u64..5_000,
        ) {
            let removed = removed.min(entries);
            let first = plan(0, 0, entries, 0).expect("fits");
            prop_assert_eq!(first.remove, 0);
            let padding = first.insert;
            let change = plan(entries, padding, added, removed).expect("fits");
            prop_assert!(change.remove <= padding);
            let after = entries + added - removed + padding + change.insert - change.remove;
            prop_assert!(SizeClass::filled_by(after).is_ok());
            prop_assert!(after >= entries + padding);
        }
    }
}
