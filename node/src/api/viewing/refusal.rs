//! Why nothing is shown, as it travels between nodes. The other side's text is not passed on: it decides what
//! stands in it.

use tacit_circuits::scope::MemberId;
use tacit_ledger::network::views::ViewRefusal;
use tacit_proto::peer as wire;

use crate::api::error::ApiError;

/// Why a member's node shows nothing, or nothing more. The numbers are permanent; those below 100 are
/// [`ViewRefusal`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The rules do not allow it.
    Rule(ViewRefusal),
    /// 100: no question, or one that is too long.
    Malformed,
    /// 101: as much is shown at once as may be.
    Busy,
    /// 102: the member's ledger has not come to the height at which the use was recorded.
    LedgerBehind,
    /// 103: the member's node could not do it.
    Unreadable,
    /// 104: the calls are more than one view can page through.
    TooMany,
    /// 105: there is no such page.
    NoPage,
    /// 106: of these dates no balance is kept.
    NoBalance,
}

impl Refused {
    const OTHERS: [(Self, u32, &'static str, &'static str); 7] = [
        (
            Self::Malformed,
            100,
            "view-query-malformed",
            "the bytes are no question of this version",
        ),
        (
            Self::Busy,
            101,
            "busy",
            "it shows as much at once as it does; ask again",
        ),
        (
            Self::LedgerBehind,
            102,
            "ledger-behind",
            "its ledger has not come to the recorded use yet; ask again",
        ),
        (
            Self::Unreadable,
            103,
            "records-unreadable",
            "its records cannot be read now; its log says why",
        ),
        (
            Self::TooMany,
            104,
            "view-too-much",
            "the cases have more calls than one view pages through; have them granted in smaller sets",
        ),
        (
            Self::NoPage,
            105,
            "view-page-unknown",
            "the cases have fewer pages",
        ),
        (
            Self::NoBalance,
            106,
            "view-quota-dates",
            "its node keeps no balance of these dates, so that no statement of them can be made",
        ),
    ];

    fn number(self) -> u32 {
        match self {
            Self::Rule(rule) => rule.number(),
            other => other.row().1,
        }
    }

    /// The permanent word for programs.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.code(),
            other => other.row().2,
        }
    }

    fn message(self) -> String {
        match self {
            Self::Rule(rule) => rule.to_string(),
            other => other.row().3.into(),
        }
    }

    fn transient(self) -> bool {
        matches!(self, Self::Busy | Self::LedgerBehind | Self::Unreadable)
    }

    fn row(self) -> &'static (Self, u32, &'static str, &'static str) {
        let found = Self::OTHERS.iter().find(|(other, ..)| *other == self);
        // A rule has a row of its own elsewhere, and is not asked for here.
        found.unwrap_or(&Self::OTHERS[0])
    }

    fn numbered(number: u32) -> Option<Self> {
        let rules = ViewRefusal::ALL.iter().map(|rule| Self::Rule(*rule));
        let others = Self::OTHERS.iter().map(|(other, ..)| *other);
        rules.chain(others).find(|one| one.number() == number)
    }

    /// What a supervisor is told of an error here: no more than its word, where it is one of these.
    pub(super) fn of(error: &ApiError) -> Self {
        let rules = ViewRefusal::ALL.iter().map(|rule| Self::Rule(*rule));
        let others = Self::OTHERS.iter().map(|(other, ..)| *other);
        let found = rules.chain(others).find(|one| one.code() == error.code());
        found.unwrap_or(Self::Unreadable)
    }

    pub(super) fn to_wire(self) -> wire::ViewPart {
        let refusal = wire::Refusal {
            code: self.number(),
            message: self.message(),
            transient: self.transient(),
        };
        wire::ViewPart {
            outcome: Some(wire::view_part::Outcome::Refusal(refusal)),
        }
    }

    /// What a supervisor's operator is told of a member's refusal, in this program's own words.
    pub(super) fn said_by(member: MemberId, refusal: &wire::Refusal) -> ApiError {
        let known = Self::numbered(refusal.code);
        let code = known.map_or("view-refused", Self::code);
        let reason = known.map_or_else(
            || {
                format!(
                    "for a reason that this release does not know ({})",
                    refusal.code
                )
            },
            Self::message,
        );
        ApiError::peer(member, code, format!("{member} shows nothing: {reason}"))
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self::caller(refused.code(), refused.message(), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_travels_by_its_number_and_the_others_text_is_not_repeated() {
        let rules = ViewRefusal::ALL.map(Refused::Rule);
        let others = Refused::OTHERS.map(|(other, ..)| other);
        for refused in rules.into_iter().chain(others) {
            assert_eq!(Refused::numbered(refused.number()), Some(refused));
            assert_eq!(Refused::of(&refused.into()), refused);
            let part = refused.to_wire().outcome;
            let Some(wire::view_part::Outcome::Refusal(mut refusal)) = part else {
                panic!("a refusal")
            };
            refusal.message = "13800138000".into();
            let said = Refused::said_by(MemberId(2), &refusal);
            assert_eq!(said.code(), refused.code());
            assert!(!said.to_string().contains("138001"), "{said}");
        }
        assert_eq!(Refused::numbered(0), None);
        assert_eq!(Refused::numbered(99), None);
    }
}
