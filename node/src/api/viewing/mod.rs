//! What a view shows.
//!
//! ```text
//!   supervisor's node                     ledger                      member's node
//!   question, with a nonce ──digest──► recorded use
//!        │                                 │
//!        └──question, over mutual TLS──────┼──────────────────► view, dates, scope, use
//!                                          └──────read──────────────►  │
//!   operator ◄──────────────────parts────────────────────────── account, records
//! ```
//!
//! The member's node decides by its own copy of the ledger, and enters each serving into its account of
//! privileged reads before the first record is touched.
//!
//! | file | content |
//! |---|---|
//! | `ask` | the supervisor's side |
//! | `serve` | the member's side: who is let in, and how much at a time |
//! | `gather` | what is shown, by scope |
//! | `refusal` | why nothing is, as it travels |

mod ask;
mod gather;
mod refusal;
mod serve;

pub use serve::ViewServer;

use tacit_ledger::network::ViewScope;
use tacit_ledger::network::views::Asked;
use tacit_proto::operator::view_read_response::Step;

/// Largest bundle or statement that a view shows at once: a page of cases is far smaller.
const MAX_FILE_BYTES: usize = 32 << 20;

/// Bytes of one message of a file: far below what a message may have.
const PART_BYTES: usize = 1 << 20;

/// Whether a step belongs to what such a view shows.
fn is_of_kind(scope: &ViewScope, step: &Step) -> bool {
    matches!(
        (scope, step),
        (ViewScope::History { .. }, Step::History(_))
            | (ViewScope::List(_), Step::List(_))
            | (
                ViewScope::Cases(_) | ViewScope::Quota { .. },
                Step::File(_) | Step::Part(_)
            )
    )
}

/// What is asked, for the account. Cases are not named: the set stands on the ledger by its digest.
fn in_words(asked: &Asked) -> String {
    match asked {
        Asked::History { from, until } => format!("history={from}..{until}"),
        Asked::List => "list".into(),
        Asked::Cases { set, page } => format!("cases={} page={page}", set.digest()),
        Asked::Quota { from, until } => format!("quota={from}..{until}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::kernel::{BusinessDate, Digest};
    use tacit_ledger::network::views::{CaseReference, CaseSet};
    use tacit_proto::operator as proto;

    #[test]
    fn a_view_shows_steps_of_its_own_kind_and_no_others() {
        let (from, until) = (BusinessDate(1), BusinessDate(2));
        let scopes = [
            ViewScope::History { from, until },
            ViewScope::List(tacit_circuits::scope::ListId(1)),
            ViewScope::Cases(Digest([1; 32])),
            ViewScope::Quota { from, until },
        ];
        let of = |step: Step| scopes.map(|scope| is_of_kind(&scope, &step));
        let history = Step::History(proto::HistoryResponse::default());
        assert_eq!(of(history), [true, false, false, false]);
        let list = Step::List(proto::ViewedList::default());
        assert_eq!(of(list), [false, true, false, false]);
        assert_eq!(of(Step::Part(vec![1])), [false, false, true, true]);
        // That a use was recorded is said by the supervisor's own node alone.
        let recorded = Step::Recorded(proto::ViewUseRecorded::default());
        assert_eq!(of(recorded), [false; 4]);
    }

    #[test]
    fn the_account_names_no_case() {
        let case = CaseReference::new("LOAN-2041").expect("a reference");
        let set = CaseSet::new([1; 32], vec![case]).expect("a set");
        let words = in_words(&Asked::Cases { set, page: 2 });
        assert!(
            words.ends_with("page=2") && !words.contains("LOAN"),
            "{words}"
        );
    }
}
