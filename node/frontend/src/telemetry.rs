//! What is counted. No metric has a label but the kinds of notices, which are constants of this program, so that
//! none can hold an identifier, a tag or an answer.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::notices::NoticeKind;

/// How much waits for somebody here, by kind.
const NOTICES: &str = "tacit_notices";

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $meaning:literal;)*) => {
        /// A number that only grows.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Counter { $($(#[$doc])* $name,)* }

        impl Counter {
            fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        /// Says what each counter means, and begins it at zero.
        pub(crate) fn register() {
            $(
                describe_counter!($text, $meaning);
                counter!($text).absolute(0);
            )*
            describe_gauge!(NOTICES, "What waits for somebody at this member, by kind.");
            for kind in NoticeKind::ALL {
                set_notices(kind, 0);
            }
        }
    };
}

counters! {
    /// Provider: calls evaluated.
    CallsServed = "tacit_calls_served_total", "Calls of other members that were evaluated here.";
    /// Provider: requests refused.
    RequestsRefused = "tacit_requests_refused_total", "Requests of other members that were refused here.";
    /// Querier: calls answered.
    CallsAnswered = "tacit_calls_answered_total", "Own calls whose answers were verified.";
    /// Querier: calls that got no answer.
    CallsUnanswered = "tacit_calls_unanswered_total", "Own calls that a list did not answer.";
    /// Querier: answers that were none.
    AnswersRefused = "tacit_answers_refused_total", "Answers of other members that broke the protocol.";
    /// Reader: publications that are not what their owners serve.
    AlarmsRaised = "tacit_alarms_raised_total", "Alarms that this member raised about others' publications.";
}

impl Counter {
    /// Counts some more.
    pub(crate) fn add(self, number: usize) {
        counter!(self.name()).increment(number as u64);
    }
}

/// Says how much of a kind waits.
pub(crate) fn set_notices(kind: NoticeKind, waiting: u64) {
    gauge!(NOTICES, "kind" => kind.name()).set(waiting as f64);
}
