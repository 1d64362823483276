//! What is counted. No metric has a label, so that none can hold an identifier, a tag or an answer.

use metrics::{counter, describe_counter};

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
