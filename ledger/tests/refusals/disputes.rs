//! Disputes.

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::scope::ListId;
use tacit_ledger::kernel::{Outcome, Reject, codec};
use tacit_ledger::network::parameters::Parameters;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, Change, PublicationId, keys};

use super::Refusal;
use crate::support::*;

/// Why a dispute is refused that was changed before it was opened.
fn opening(change: fn(&mut PublicationId, &mut IdentifierType)) -> Reject {
    opening_after(|_| (), change)
}

/// The same after something has happened.
fn opening_after(
    happen: fn(&mut Chain),
    change: fn(&mut PublicationId, &mut IdentifierType),
) -> Reject {
    let mut chain = Chain::that_disputes();
    happen(&mut chain);
    let mut action = open_dispute();
    let Action::OpenDispute {
        publication, kind, ..
    } = &mut action
    else {
        unreachable!("it opens a dispute")
    };
    change(publication, kind);
    chain.refused(QUERIER, action)
}

/// Why the first dispute is refused after something has happened.
fn after(happen: fn(&mut Chain)) -> Reject {
    opening_after(happen, |_, _| ())
}

/// Why the first dispute is refused under other terms.
fn under(terms: fn(&mut Parameters)) -> Reject {
    let mut chain = Chain::that_disputes_with(|network| terms(&mut network.parameters));
    chain.refused(QUERIER, open_dispute())
}

fn terms(change: fn(&mut Parameters)) -> Reject {
    let mut parameters = parameters();
    change(&mut parameters);
    Chain::new().refused(OWNER, propose(Change::SetParameters(parameters)))
}

/// Lets the owner of the list not correct it in time.
fn suspend(chain: &mut Chain) {
    *chain = ruled(Ruling::Upheld);
    let until = chain.dispute(DISPUTE).until().expect("to be corrected");
    chain.begin_date(until.after(1));
}

/// More disputes than a block ends, in the first block after their last date; what the owner or the panel
/// says to the last of them in this block.
fn in_the_backlog(answered: bool) -> Reject {
    let mut chain = Chain::that_disputes();
    let count = tacit_ledger::kernel::due::MAX_DUE_OF_DATES_PER_BLOCK as u8 + 1;
    chain.open_many(count);
    chain.draw_panels();
    let last = DisputeId(count.into());
    if answered {
        for id in 1..=u64::from(count) {
            let package = tacit_ledger::kernel::Digest([1; 32]);
            let evidence = DisputeAnswer::Evidence { package };
            chain.must(OWNER, answer_with(DisputeId(id), evidence));
        }
    }
    let dispute = chain.dispute(last);
    let (member, action) = if answered {
        let (dispute, ruling) = (last, Ruling::Upheld);
        let member = chain.dispute(last).panel[0].member;
        (member, Action::RuleDispute { dispute, ruling })
    } else {
        (OWNER, answer_with(last, DisputeAnswer::Withdrawal))
    };
    chain.before_date(dispute.until().expect("a step is open").after(1));
    let envelope = chain.envelope(member, &action);
    match chain.block(&[envelope])[..] {
        [Outcome::Rejected(reject)] => reject,
        _ => unreachable!("it was applied after the deadline"),
    }
}

pub(super) const REFUSALS: &[Refusal] = &[
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a panel of an even number",
        || terms(|parameters| parameters.panel_size = 2),
    ),
    (Reject::VALUE_OUT_OF_RANGE, "a panel of nobody", || {
        terms(|parameters| parameters.panel_size = 0)
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a panel that is a crowd",
        || terms(|parameters| parameters.panel_size = MAX_PANEL as u8 + 2),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a reward above the penalty",
        || terms(|parameters| parameters.dispute_reward_percent = 101),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "more than a whole stake",
        || terms(|parameters| parameters.dispute_forfeit_percent = 101),
    ),
    (Reject::VALUE_OUT_OF_RANGE, "no day to answer", || {
        terms(|parameters| parameters.answer_days = 0)
    }),
    (Reject::VALUE_OUT_OF_RANGE, "no day to rule", || {
        terms(|parameters| parameters.ruling_days = 0)
    }),
    (Reject::VALUE_OUT_OF_RANGE, "a year to correct", || {
        terms(|parameters| parameters.correction_days = 365)
    }),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a stake beyond all quota",
        || terms(|parameters| parameters.dispute_stake_minor = (1 << 48) + 1),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a penalty beyond all quota",
        || terms(|parameters| parameters.dispute_penalty_minor = (1 << 48) + 1),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a penalty of panels beyond all quota",
        || terms(|parameters| parameters.panel_penalty_minor = (1 << 48) + 1),
    ),
    (
        Reject::VALUE_OUT_OF_RANGE,
        "a rating that recovers beyond the highest",
        || terms(|parameters| parameters.rating_recovery_points = MAX_RATING + 1),
    ),
    (Reject::NOT_A_MEMBER, "an observer that disputes", || {
        Chain::that_disputes().refused(OBSERVER, open_dispute())
    }),
    (Reject::MEMBER_LEFT, "a dispute with who has left", || {
        after(|chain| chain.leave(OWNER))
    }),
    (
        Reject::EPOCH_REVOKED,
        "a hit under a key that was revoked",
        || {
            after(|chain| {
                let (list, tag_epoch) = (LIST, EPOCH);
                chain.must(OWNER, Action::RevokeKey { list, tag_epoch });
            })
        },
    ),
    (Reject::PUBLICATION_UNKNOWN, "a hit on no version", || {
        opening(|publication, _| publication.version.0 = 9)
    }),
    (Reject::PUBLICATION_UNKNOWN, "a hit on no list", || {
        opening(|publication, _| publication.list = ListId(9))
    }),
    (
        Reject::PUBLICATION_FRAUDULENT,
        "a hit on a list that is none",
        || {
            after(|chain| {
                chain.must(THIRD, fraud_proof(first()));
            })
        },
    ),
    (Reject::OWN_GROUP, "a dispute of one's own entry", || {
        Chain::that_disputes().refused(OWNER, open_dispute())
    }),
    (Reject::OWN_GROUP, "a dispute within a group", || {
        Chain::that_disputes().refused(SISTER, open_dispute())
    }),
    (
        Reject::PUBLICATION_UNPROVEN,
        "a hit on a version that was not proven",
        || {
            after(|chain| {
                let mut publication = chain.standing(first());
                publication.status = PublicationStatus::Unproven { height: 1 };
                let bytes = codec::encode(&publication);
                chain.state.insert(keys::publication(first()), bytes);
            })
        },
    ),
    (Reject::TYPE_NOT_ON_LIST, "a hit of another type", || {
        opening(|_, kind| *kind = IdentifierType::Email)
    }),
    (
        Reject::PUBLICATION_NOT_ACTIVE,
        "a hit on a version that waits for attestations",
        || {
            opening_after(
                |chain| {
                    chain.must(OWNER, publish(version(LIST, EPOCH, 1)));
                },
                |publication, _| publication.version.0 = 1,
            )
        },
    ),
    (
        Reject::PUBLICATION_TOO_OLD,
        "a hit on a version beyond the category's grace",
        || {
            after(|chain| {
                chain.activate_widely(version(LIST, EPOCH, 1));
                chain.pass(category(1).grace_blocks.into());
            })
        },
    ),
    (
        Reject::PUBLICATION_SUSPENDED,
        "a dispute about a suspended version",
        || {
            let mut chain = Chain::new();
            suspend(&mut chain);
            chain.refused(QUERIER, open_dispute())
        },
    ),
    (
        Reject::PUBLICATION_SUSPENDED,
        "a word for a suspended version",
        || {
            let mut chain = Chain::new();
            suspend(&mut chain);
            chain.refused(OTHERS[0], attest(first()))
        },
    ),
    (
        Reject::PUBLICATION_SUSPENDED,
        "a receipt of a suspended version",
        || {
            let mut chain = WORLD.chain.clone();
            let mut publication = chain.standing(first());
            publication.status = PublicationStatus::Suspended { height: 1 };
            let bytes = codec::encode(&publication);
            chain.state.insert(keys::publication(first()), bytes);
            chain.refused(QUERIER, submit(WORLD.set.clone()))
        },
    ),
    (
        Reject::SUBJECT_DISPUTED,
        "a second dispute about one subject",
        || OPENED.clone().refused(THIRD, open_dispute()),
    ),
    (
        Reject::SUBJECT_DISPUTED,
        "a second dispute before the list is corrected",
        || ruled(Ruling::Upheld).refused(THIRD, open_dispute()),
    ),
    (
        Reject::TOO_MANY_DISPUTES,
        "a dispute more than one may have open",
        || {
            let mut chain = Chain::that_disputes();
            chain.open_many(MAX_DISPUTES_PER_LIST as u8);
            chain.refused(QUERIER, dispute_about(MAX_DISPUTES_PER_LIST as u8))
        },
    ),
    (
        Reject::PANEL_TOO_SMALL,
        "a dispute that six members have to decide by nine",
        || under(|parameters| parameters.panel_size = 9),
    ),
    (
        Reject::STAKE_NOT_COVERED,
        "a dispute without the quota for it",
        || under(|parameters| parameters.dispute_stake_minor = WELCOME_MINOR + 1),
    ),
    (Reject::DISPUTE_UNKNOWN, "an answer to no dispute", || {
        Chain::that_disputes().refused(OWNER, withdrawal())
    }),
    (Reject::DISPUTE_UNKNOWN, "a ruling on no dispute", || {
        Chain::that_disputes().refused(THIRD, rule(Ruling::Upheld))
    }),
    (
        Reject::DISPUTE_DECIDED,
        "a ruling after the majority's",
        || {
            let mut chain = ruled(Ruling::Dismissed);
            let last = chain.panel()[2];
            chain.refused(last, rule(Ruling::Upheld))
        },
    ),
    (Reject::DISPUTE_DECIDED, "a second withdrawal", || {
        let mut chain = DRAWN.clone();
        chain.must(OWNER, withdrawal());
        chain.refused(OWNER, withdrawal())
    }),
    (
        Reject::NOT_THE_DISPUTED_OWNER,
        "an answer of somebody else",
        || DRAWN.clone().refused(SISTER, evidence()),
    ),
    (Reject::DISPUTE_ANSWERED, "evidence a second time", || {
        ANSWERED.clone().refused(OWNER, evidence())
    }),
    (
        Reject::DISPUTE_ANSWERED,
        "a withdrawal after evidence",
        || ANSWERED.clone().refused(OWNER, withdrawal()),
    ),
    (
        Reject::PANEL_NOT_DRAWN,
        "evidence that can be sealed to nobody",
        || OPENED.clone().refused(OWNER, evidence()),
    ),
    (Reject::PANEL_NOT_DRAWN, "a ruling before a panel", || {
        OPENED.clone().refused(THIRD, rule(Ruling::Upheld))
    }),
    (
        Reject::NOT_ON_THE_PANEL,
        "a ruling of the challenger",
        || ANSWERED.clone().refused(QUERIER, rule(Ruling::Upheld)),
    ),
    (
        Reject::NOT_ON_THE_PANEL,
        "a ruling of a member that was not drawn",
        || {
            let mut chain = ANSWERED.clone();
            let panel = chain.panel();
            let other = ELIGIBLE.into_iter().find(|id| !panel.contains(id));
            chain.refused(other.expect("six for three"), rule(Ruling::Upheld))
        },
    ),
    (
        Reject::DISPUTE_NOT_ANSWERED,
        "a ruling without the owner's evidence",
        || {
            let mut chain = DRAWN.clone();
            let member = chain.panel()[0];
            chain.refused(member, rule(Ruling::Upheld))
        },
    ),
    (Reject::ALREADY_RULED, "a second ruling", || {
        let mut chain = ANSWERED.clone();
        let member = chain.panel()[0];
        chain.must(member, rule(Ruling::Upheld));
        chain.refused(member, rule(Ruling::Dismissed))
    }),
    (
        Reject::DISPUTE_DEADLINE_PASSED,
        "an answer while its deadline is in line",
        || in_the_backlog(false),
    ),
    (
        Reject::DISPUTE_DEADLINE_PASSED,
        "a ruling while its deadline is in line",
        || in_the_backlog(true),
    ),
];
