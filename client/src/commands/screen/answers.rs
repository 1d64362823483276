//! Who is asked, what they said, and whether that is enough.

use std::collections::BTreeMap;

use tacit_proto::operator::{
    Answer, ErrorDetail, ListAllRequest, ListAnswers, ListRef, ListSummary, PlannedList, RowAnswer,
    ScreenPlanResponse,
};

use crate::connection::Node;
use crate::error::{ClientError, described};

/// The lists that are asked, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct AskedLists(BTreeMap<u32, AskedList>);

/// A list that is asked.
#[derive(Clone, Debug)]
pub(super) struct AskedList {
    pub(super) list: ListRef,
    /// The types that it takes. A list of which that is not known is taken to take all: if it is silent, its
    /// silence must show.
    types: Option<Vec<String>>,
    /// Why it cannot be asked now.
    pub(super) unreachable: Option<String>,
}

impl AskedLists {
    /// Those of a plan, with the types that each takes.
    pub(super) async fn of(
        node: &mut Node,
        plan: &ScreenPlanResponse,
    ) -> Result<Self, ClientError> {
        let all = node
            .list_all(ListAllRequest::default())
            .await?
            .into_inner()
            .lists;
        Ok(Self::planned(plan, &all))
    }

    pub(super) fn planned(plan: &ScreenPlanResponse, all: &[ListSummary]) -> Self {
        let asked = plan.lists.iter().map(|planned: &PlannedList| {
            let list = planned.list.clone().unwrap_or_default();
            let known = all.iter().find(|summary| {
                let named = summary.list.as_ref();
                named.is_some_and(|named| named.list_id == list.list_id)
            });
            let asked = AskedList {
                types: known.map(|summary| summary.types.clone()),
                unreachable: planned.unreachable.as_ref().map(described),
                list,
            };
            (asked.list.list_id, asked)
        });
        Self(asked.collect())
    }

    /// Those that take identifiers of a type.
    pub(super) fn accepting<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a AskedList> {
        self.0.values().filter(move |list| match &list.types {
            Some(types) => types.iter().any(|accepted| accepted == kind),
            None => true,
        })
    }

    /// How many members are asked about identifiers of a type.
    pub(super) fn members(&self, kind: &str) -> usize {
        let mut members: Vec<u32> = self
            .accepting(kind)
            .map(|asked| asked.list.member_id)
            .collect();
        members.sort_unstable();
        members.dedup();
        members.len()
    }
}

/// What a list said of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Hit,
    Clear,
    Unreachable,
}

impl Said {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Clear => "clear",
            Self::Unreachable => "unreachable",
        }
    }

    /// The answer that a word stands for; `None` for every other word.
    pub(super) fn of_word(word: &[u8]) -> Option<Self> {
        [Self::Hit, Self::Clear, Self::Unreachable]
            .into_iter()
            .find(|said| said.word().as_bytes() == word)
    }
}

impl From<Answer> for Said {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Hit => Self::Hit,
            Answer::Clear => Self::Clear,
            Answer::Unreachable | Answer::Unspecified => Self::Unreachable,
        }
    }
}

/// What all that was said of a value comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// A list holds it.
    pub(super) hit: bool,
    /// Enough members answered.
    pub(super) enough: bool,
}

impl Judged {
    /// Judges the answers of the asked lists, each with its member; `None` where a list was silent.
    ///
    /// A member has answered when each of its asked lists has. All members that are asked must answer, or at
    /// least as many as `require`; where nobody is asked, that is never enough.
    pub(super) fn of(
        said: impl Iterator<Item = (u32, Option<Said>)>,
        require: Option<u32>,
    ) -> Self {
        let mut hit = false;
        let mut members = BTreeMap::new();
        for (member, said) in said {
            hit |= said == Some(Said::Hit);
            *members.entry(member).or_insert(true) &= matches!(said, Some(Said::Hit | Said::Clear));
        }
        let answered = members.values().filter(|all| **all).count();
        let enough = match require {
            None => answered > 0 && answered == members.len(),
            Some(required) => answered as u64 >= u64::from(required.max(1)),
        };
        Self { hit, enough }
    }

    /// One word: a hit outranks whatever is missing.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self { hit: true, .. } => "hit",
            Self { enough: true, .. } => "clear",
            Self { .. } => "incomplete",
        }
    }
}

/// The call behind an answer, as `tacit receipt create` takes it; nothing where none was made.
pub(super) fn call(answers: &ListAnswers, row: &RowAnswer) -> Option<String> {
    let ListAnswers {
        session, sequence, ..
    } = answers;
    let made = *session > 0 && row.answer() != Answer::Unreachable;
    made.then(|| format!("{session}/{sequence}/{}", row.index))
}

/// Why a list is unreachable, for people.
pub(super) fn reason(detail: Option<&ErrorDetail>) -> String {
    detail.map_or_else(|| "no reason was given".into(), described)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Lists by number, member and types.
    pub(in super::super) fn asked(lists: &[(u32, u32, &[&str])]) -> AskedLists {
        let reference = |list_id, member_id| ListRef {
            list_id,
            member_id,
            name: "cheats".into(),
            category: String::new(),
        };
        let planned = lists.iter().map(|(list, member, _)| PlannedList {
            list: Some(reference(*list, *member)),
            ..PlannedList::default()
        });
        let plan = ScreenPlanResponse {
            lists: planned.collect(),
            ..ScreenPlanResponse::default()
        };
        let all = lists.iter().map(|(list, member, types)| ListSummary {
            list: Some(reference(*list, *member)),
            types: types.iter().map(|kind| (*kind).into()).collect(),
            ..ListSummary::default()
        });
        AskedLists::planned(&plan, &all.collect::<Vec<_>>())
    }

    fn judged(said: &[(u32, Option<Said>)], require: Option<u32>) -> &'static str {
        Judged::of(said.iter().copied(), require).word()
    }

    #[test]
    fn a_value_is_clear_only_when_every_asked_list_says_so() {
        let (clear, silent) = (Some(Said::Clear), None);
        assert_eq!(judged(&[(2, clear), (3, clear)], None), "clear");
        assert_eq!(judged(&[(2, clear), (3, silent)], None), "incomplete");
        assert_eq!(
            judged(&[(2, clear), (3, Some(Said::Unreachable))], None),
            "incomplete"
        );
        assert_eq!(judged(&[(2, Some(Said::Hit)), (3, silent)], None), "hit");
    }

    #[test]
    fn a_value_that_nobody_is_asked_about_is_never_clear() {
        for require in [None, Some(1)] {
            assert_eq!(judged(&[], require), "incomplete");
        }
    }

    #[test]
    fn a_requirement_above_the_members_that_are_asked_is_never_met() {
        let all = [(2, Some(Said::Clear)), (3, Some(Said::Clear))];
        assert_eq!(judged(&all, Some(2)), "clear");
        assert_eq!(judged(&all, Some(3)), "incomplete");
    }

    #[test]
    fn a_member_with_a_silent_list_has_not_answered() {
        let said = [(2, Some(Said::Clear)), (2, None), (3, Some(Said::Clear))];
        assert_eq!(judged(&said, Some(1)), "clear");
        assert_eq!(judged(&said, Some(2)), "incomplete");
    }

    #[test]
    fn a_planned_list_whose_types_are_unknown_is_expected_to_answer() {
        let mut lists = asked(&[(1, 2, &["phone"])]);
        assert_eq!(lists.accepting("card").count(), 0);
        lists.0.get_mut(&1).unwrap().types = None;
        assert_eq!(lists.members("card"), 1);
    }
}
