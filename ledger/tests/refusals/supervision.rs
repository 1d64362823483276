//! Views, disclosures, versions, recusals, surcharges.

use tacit_circuits::scope::ListId;
use tacit_ledger::kernel::due::MAX_DUE_OF_DATES_PER_BLOCK;
use tacit_ledger::kernel::{BusinessDate, Outcome, Reject};
use tacit_ledger::network::parameters::{MAX_SPAN_BLOCKS, Parameters, Surcharge};
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, Change, keys};

use super::Refusal;
use crate::support::*;

fn terms(change: fn(&mut Parameters)) -> Reject {
    let mut parameters = parameters();
    change(&mut parameters);
    Chain::new().refused(OWNER, propose(Change::SetParameters(parameters)))
}

/// Why a view is refused that was changed before it was granted.
fn granting(change: fn(&mut Action)) -> Reject {
    let mut chain = Chain::with_list();
    let mut action = grant_view(&chain, 5);
    change(&mut action);
    chain.refused(QUERIER, action)
}

fn view_of(new_scope: ViewScope) -> impl Fn(&mut Action) {
    move |action| {
        if let Action::GrantView { scope, .. } = action {
            *scope = new_scope;
        }
    }
}

fn demanding(calls: Vec<CallName>) -> Reject {
    let action = Action::RequestDisclosure {
        member: QUERIER,
        scope: DisclosureScope::Calls(bounded(calls)),
        reason: DisclosureReason::Other,
        days: DISCLOSURE_DAYS,
    };
    Chain::new().refused(OBSERVER, action)
}

/// What the member says to the last of more demands than a block ends, in the first block after their last
/// date.
fn in_the_backlog() -> Reject {
    let mut chain = Chain::new();
    let count = u64::from(MAX_DUE_OF_DATES_PER_BLOCK) + 1;
    for _ in 0..count {
        chain.must(OBSERVER, demand());
    }
    let last = DisclosureId(count);
    chain.before_date(chain.disclosure(last).until.after(1));
    let envelope = chain.envelope(QUERIER, &disclose(last));
    match chain.block(&[envelope])[..] {
        [Outcome::Rejected(reject)] => reject,
        _ => unreachable!("it was applied after the deadline"),
    }
}

fn version(version: u32, ahead: u64) -> Reject {
    let mut chain = Chain::new();
    let from_height = chain.height + ahead;
    let change = Change::SetCodeVersion {
        version,
        from_height,
    };
    chain.carry(change).expect_err("refused")
}

fn left(leaving: tacit_ledger::kernel::MemberId) -> Chain {
    let mut chain = GRANTED.clone();
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain
        .carry(Change::Remove { member: leaving })
        .expect("carried");
    chain
}

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::VALUE_OUT_OF_RANGE, "no day to open calls", || {
        terms(|parameters| parameters.opening_days = 0)
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "more days to open calls than dates are recorded",
        || terms(|parameters| parameters.opening_days = 21),
    ),
    (Reject::VALUE_OUT_OF_RANGE, "no day to disclose", || {
        terms(|parameters| parameters.disclosure_min_days = 0)
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a minimum of days above the maximum",
        || terms(|parameters| parameters.disclosure_min_days = 5),
    ),
    (Reject::VALUE_OUT_OF_RANGE, "a year to disclose", || {
        terms(|parameters| parameters.disclosure_max_days = 365)
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a penalty for silence beyond all quota",
        || terms(|parameters| parameters.disclosure_penalty_minor = (1 << 48) + 1),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a surcharge from no call on",
        || {
            let mut terms = category(2);
            let step = Surcharge {
                from_calls: 0,
                percent: 1,
            };
            terms.surcharges = bounded(vec![step]);
            Chain::new().refused(OWNER, propose(Change::AddCategory(terms)))
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a view whose dates run backwards",
        || {
            granting(|action| {
                if let Action::GrantView { from, until, .. } = action {
                    *from = until.after(1);
                }
            })
        },
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a statement whose dates run backwards",
        || {
            let (from, until) = (BusinessDate(2), BusinessDate(1));
            let mut action = grant_view(&Chain::new(), 5);
            view_of(ViewScope::Quota { from, until })(&mut action);
            Chain::new().refused(QUERIER, action)
        },
    ),
    (Reject::NOT_A_MEMBER, "a view of a supervisor's own", || {
        let mut chain = Chain::new();
        let action = grant_view(&chain, 5);
        chain.refused(OBSERVER, action)
    }),
    (Reject::MEMBER_UNKNOWN, "a view for nobody", || {
        granting(|action| {
            if let Action::GrantView { supervisor, .. } = action {
                *supervisor = NOBODY;
            }
        })
    }),
    (Reject::MEMBER_LEFT, "a view for who has left", || {
        let mut chain = left(OBSERVER);
        let action = grant_view(&chain, 5);
        chain.refused(THIRD, action)
    }),
    (Reject::MEMBER_LEFT, "a look at who has left", || {
        left(QUERIER).refused(OBSERVER, use_view(VIEW))
    }),
    (Reject::LIST_UNKNOWN, "a view of no list", || {
        granting(|action| view_of(ViewScope::List(ListId(9)))(action))
    }),
    (Reject::NOT_THE_OWNER, "a view of another's list", || {
        granting(|action| view_of(ViewScope::List(LIST))(action))
    }),
    (Reject::VIEW_FOR_MEMBER, "a view for a member", || {
        granting(|action| {
            if let Action::GrantView { supervisor, .. } = action {
                *supervisor = THIRD;
            }
        })
    }),
    (
        Reject::VIEW_DATES_OUT_OF_RANGE,
        "a view that was over before",
        || {
            granting(|action| {
                if let Action::GrantView { from, until, .. } = action {
                    *until = BusinessDate(from.0 - 1);
                    *from = *until;
                }
            })
        },
    ),
    (Reject::VIEW_DATES_OUT_OF_RANGE, "a view for ever", || {
        granting(|action| {
            if let Action::GrantView { from, until, .. } = action {
                *until = from.after(MAX_VIEW_DAYS + 1);
            }
        })
    }),
    (
        Reject::TOO_MANY_VIEWS,
        "a view more than one may grant",
        || {
            let mut chain = Chain::new();
            let action = grant_view(&chain, 5);
            for _ in 0..MAX_VIEWS_PER_MEMBER {
                chain.must(QUERIER, action.clone());
            }
            chain.refused(QUERIER, action)
        },
    ),
    (Reject::VIEW_UNKNOWN, "an end of no view", || {
        Chain::new().refused(QUERIER, revoke_view(VIEW))
    }),
    (
        Reject::VIEW_UNKNOWN,
        "a look that was never granted",
        || Chain::new().refused(OBSERVER, use_view(VIEW)),
    ),
    (Reject::VIEW_UNKNOWN, "a look after the view's end", || {
        let mut chain = GRANTED.clone();
        chain.must(QUERIER, revoke_view(VIEW));
        chain.refused(OBSERVER, use_view(VIEW))
    }),
    (Reject::NOT_THE_GRANTOR, "an end of another's view", || {
        GRANTED.clone().refused(OBSERVER, revoke_view(VIEW))
    }),
    (
        Reject::NOT_THE_GRANTEE,
        "a look through another's view",
        || GRANTED.clone().refused(THIRD, use_view(VIEW)),
    ),
    (Reject::VIEW_NOT_YET, "a look too early", || {
        let mut chain = Chain::new();
        let mut action = grant_view(&chain, 5);
        if let Action::GrantView { from, until, .. } = &mut action {
            *from = *until;
        }
        chain.must(QUERIER, action);
        chain.refused(OBSERVER, use_view(VIEW))
    }),
    (Reject::VIEW_EXPIRED, "a look too late", || {
        let mut chain = GRANTED.clone();
        chain.begin_date(chain.today().after(6));
        chain.refused(OBSERVER, use_view(VIEW))
    }),
    (Reject::EMPTY, "a demand for nothing", || demanding(vec![])),
    (Reject::DUPLICATE, "a demand for one call twice", || {
        demanding(vec![call_name(1), call_name(1)])
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a demand whose dates run backwards",
        || {
            let action = Action::RequestDisclosure {
                member: QUERIER,
                scope: DisclosureScope::Period {
                    from: BusinessDate(2),
                    until: BusinessDate(1),
                },
                reason: DisclosureReason::Other,
                days: DISCLOSURE_DAYS,
            };
            Chain::new().refused(OBSERVER, action)
        },
    ),
    (Reject::MEMBER_UNKNOWN, "a demand on nobody", || {
        Chain::new().refused(OBSERVER, demand_of(NOBODY, DISCLOSURE_DAYS))
    }),
    (Reject::NOT_A_MEMBER, "a demand on an observer", || {
        Chain::new().refused(OBSERVER, demand_of(OBSERVER, DISCLOSURE_DAYS))
    }),
    (Reject::MEMBER_LEFT, "a demand on who has left", || {
        left(QUERIER).refused(OBSERVER, demand())
    }),
    (Reject::NOT_AN_OBSERVER, "a member's demand", || {
        Chain::new().refused(OWNER, demand())
    }),
    (
        Reject::DISCLOSURE_DAYS_OUT_OF_RANGE,
        "a demand for tomorrow",
        || Chain::new().refused(OBSERVER, demand_of(QUERIER, 1)),
    ),
    (
        Reject::DISCLOSURE_DAYS_OUT_OF_RANGE,
        "a demand with more days than allowed",
        || Chain::new().refused(OBSERVER, demand_of(QUERIER, 5)),
    ),
    (
        Reject::TOO_MANY_DISCLOSURES,
        "a demand more than may be open",
        || {
            let mut chain = Chain::new();
            for _ in 0..MAX_DISCLOSURES {
                chain.must(OBSERVER, demand());
            }
            chain.refused(OBSERVER, demand())
        },
    ),
    (Reject::DISCLOSURE_UNKNOWN, "an answer to no demand", || {
        Chain::new().refused(QUERIER, disclose(DEMAND))
    }),
    (
        Reject::NOT_THE_DISCLOSING_MEMBER,
        "an answer of somebody else",
        || DEMANDED.clone().refused(THIRD, disclose(DEMAND)),
    ),
    (Reject::DISCLOSURE_CLOSED, "a second answer", || {
        let mut chain = DEMANDED.clone();
        chain.must(QUERIER, disclose(DEMAND));
        chain.refused(QUERIER, disclose(DEMAND))
    }),
    (
        Reject::DISCLOSURE_DEADLINE_PASSED,
        "an answer while its deadline is in line",
        in_the_backlog,
    ),
    (
        Reject::CODE_VERSION_NOT_NEWER,
        "the version in force again",
        || version(FIRST_CODE_VERSION, 90),
    ),
    (
        Reject::CODE_VERSION_HEIGHT_OUT_OF_RANGE,
        "a version from a height that has passed",
        || version(2, 0),
    ),
    (
        Reject::CODE_VERSION_HEIGHT_OUT_OF_RANGE,
        "a version in many years",
        || version(2, MAX_SPAN_BLOCKS + 9),
    ),
    (
        Reject::DISPUTE_UNKNOWN,
        "stepping down from no panel",
        || Chain::that_disputes().refused(THIRD, recuse()),
    ),
    (
        Reject::DISPUTE_DECIDED,
        "stepping down after the ruling",
        || {
            let mut chain = ruled(Ruling::Upheld);
            let last = chain.panel()[2];
            chain.refused(last, recuse())
        },
    ),
    (
        Reject::PANEL_NOT_DRAWN,
        "stepping down before the drawing",
        || OPENED.clone().refused(THIRD, recuse()),
    ),
    (
        Reject::NOT_ON_THE_PANEL,
        "stepping down for another",
        || DRAWN.clone().refused(QUERIER, recuse()),
    ),
    (
        Reject::ALREADY_RULED,
        "stepping down after one's ruling",
        || {
            let mut chain = ANSWERED.clone();
            let member = chain.panel()[0];
            chain.must(member, rule(Ruling::Upheld));
            chain.refused(member, recuse())
        },
    ),
    (
        Reject::DISPUTE_DEADLINE_PASSED,
        "stepping down while the deadline is in line",
        || {
            let mut chain = Chain::that_disputes();
            let count = MAX_DUE_OF_DATES_PER_BLOCK as u8 + 1;
            chain.open_many(count);
            chain.draw_panels();
            let dispute = chain.dispute(DisputeId(count.into()));
            chain.before_date(dispute.until().expect("to be answered").after(1));
            let action = Action::RecusePanel {
                dispute: dispute.id,
            };
            let envelope = chain.envelope(dispute.panel[0].member, &action);
            match chain.block(&[envelope])[..] {
                [Outcome::Rejected(reject)] => reject,
                _ => unreachable!("it was applied after the deadline"),
            }
        },
    ),
    (
        Reject::TOO_MANY_RECUSALS,
        "one more than may step down",
        || {
            let mut chain = DRAWN.clone();
            let mut dispute = chain.dispute(DISPUTE);
            dispute.recused = bounded(vec![SISTER; MAX_RECUSALS]);
            let bytes = tacit_ledger::kernel::codec::encode(&dispute);
            chain.state.insert(keys::dispute(DISPUTE), bytes);
            let member = chain.panel()[0];
            chain.refused(member, recuse())
        },
    ),
    (Reject::NO_SUBSTITUTE, "the last who could sit", || {
        let mut chain = DRAWN.clone();
        for _ in 0..3 {
            let member = chain.panel()[0];
            chain.must(member, recuse());
        }
        let member = chain.panel()[0];
        chain.refused(member, recuse())
    }),
];
