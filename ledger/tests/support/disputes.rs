//! Disputes about an entry of the first list.

use std::sync::LazyLock;

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::SubjectCommitment;
use tacit_ledger::kernel::{BusinessDate, Digest, MemberId, Outcome, Role};
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, GenesisMember, NetworkGenesis, PublicationId, read};

use super::{
    BEACON_WINDOW, BLOCK_MS, Chain, DAY_MS, EPOCH, FOURTH, LIST, OWNER, QUERIER, SISTER, THIRD,
    attest, bounded, candidate, create_list, first, propose, vote,
};
use tacit_ledger::network::Change;

/// Members of four more groups, so that a panel can be drawn twice without a repetition.
pub(crate) const OTHERS: [MemberId; 4] = [MemberId(7), MemberId(8), MemberId(9), MemberId(10)];
/// Who can sit on a panel about a list of [`OWNER`] that [`QUERIER`] disputes.
pub(crate) const ELIGIBLE: [MemberId; 6] =
    [THIRD, FOURTH, OTHERS[0], OTHERS[1], OTHERS[2], OTHERS[3]];
pub(crate) const STAKE: u64 = 3_001;
pub(crate) const PENALTY: u64 = 5_003;
/// 40 in a hundred of the penalty.
pub(crate) const REWARD: u64 = 2_001;
/// 30 in a hundred of the stake.
pub(crate) const FORFEIT: u64 = 900;
pub(crate) const PANEL_PENALTY: u64 = 107;
pub(crate) const PANEL_SIZE: u8 = 3;
pub(crate) const ANSWER_DAYS: u16 = 3;
pub(crate) const RULING_DAYS: u16 = 5;
pub(crate) const CORRECTION_DAYS: u16 = 4;
/// A point in three days.
pub(crate) const RECOVERY: u8 = 10;

/// The first dispute of a chain.
pub(crate) const DISPUTE: DisputeId = DisputeId(1);

/// The terms of a network that draws panels.
pub(crate) fn disputing(network: &mut NetworkGenesis) {
    let parameters = &mut network.parameters;
    // The founders may leave.
    parameters.min_validators = 1;
    parameters.beacon_window_blocks = BEACON_WINDOW;
    parameters.dispute_stake_minor = STAKE;
    parameters.dispute_penalty_minor = PENALTY;
    parameters.dispute_reward_percent = 40;
    parameters.dispute_forfeit_percent = 30;
    parameters.panel_size = PANEL_SIZE;
    parameters.panel_penalty_minor = PANEL_PENALTY;
    parameters.answer_days = ANSWER_DAYS;
    parameters.ruling_days = RULING_DAYS;
    parameters.correction_days = CORRECTION_DAYS;
    parameters.rating_recovery_points = RECOVERY;
    let mut members = network.members.clone().into_vec();
    members.extend(OTHERS.map(|id| GenesisMember {
        candidate: candidate(id, &format!("Group {id}"), Role::Member),
        validator: false,
    }));
    network.members = bounded(members);
}

/// Hides a subject.
pub(crate) fn subject(number: u8) -> SubjectCommitment {
    let mut bytes = [0; 32];
    bytes[0] = number;
    SubjectCommitment::from_bytes(&bytes).expect("canonical")
}

pub(crate) fn dispute_about(number: u8) -> Action {
    Action::OpenDispute {
        publication: first(),
        commitment: subject(number),
        kind: IdentifierType::Phone,
        package: Digest([0xd1; 32]),
        reason: DisputeReason::Settled,
    }
}

/// The first dispute of the tests.
pub(crate) fn open_dispute() -> Action {
    dispute_about(1)
}

pub(crate) fn answer_with(dispute: DisputeId, answer: DisputeAnswer) -> Action {
    Action::AnswerDispute { dispute, answer }
}

pub(crate) fn evidence() -> Action {
    let package = Digest([0xd2; 32]);
    answer_with(DISPUTE, DisputeAnswer::Evidence { package })
}

pub(crate) fn withdrawal() -> Action {
    answer_with(DISPUTE, DisputeAnswer::Withdrawal)
}

pub(crate) fn rule(ruling: Ruling) -> Action {
    let dispute = DISPUTE;
    Action::RuleDispute { dispute, ruling }
}

pub(crate) fn recuse() -> Action {
    Action::RecusePanel { dispute: DISPUTE }
}

impl Chain {
    /// A chain with an active list of [`OWNER`] and enough members for panels.
    pub(crate) fn that_disputes() -> Self {
        static DISPUTING: LazyLock<Chain> = LazyLock::new(|| Chain::that_disputes_with(|_| {}));
        DISPUTING.clone()
    }

    pub(crate) fn that_disputes_with(terms: impl FnOnce(&mut NetworkGenesis)) -> Self {
        let mut chain = Self::with(|network| {
            disputing(network);
            terms(network);
        });
        chain.must(OWNER, create_list());
        chain.register_epoch(OWNER, LIST, EPOCH).expect("a new key");
        chain.activate_widely(first());
        chain
    }

    /// Publishes a version of [`OWNER`]'s and has it attested by as many as nine members need.
    pub(crate) fn activate_widely(&mut self, publication: PublicationId) {
        self.must_publish(OWNER, publication);
        self.attest_widely(publication);
    }

    pub(crate) fn attest_widely(&mut self, publication: PublicationId) {
        for attester in [QUERIER, FOURTH, THIRD] {
            self.must(attester, attest(publication));
        }
    }

    /// Has so many members vote for a change that it is carried.
    pub(crate) fn carry_widely(&mut self, change: Change) {
        let members = [OWNER, QUERIER, THIRD, FOURTH, SISTER]
            .into_iter()
            .chain(OTHERS);
        let present: Vec<_> = members.filter(|id| self.is_active(*id)).collect();
        self.must(present[0], propose(change));
        let number = read::proposal_count(&self.state).expect("a map");
        for voter in &present[1..] {
            if self.proposal_status(number) == ProposalStatus::Open {
                self.must(*voter, vote(number, true));
            }
        }
        let status = self.proposal_status(number);
        assert!(
            matches!(status, ProposalStatus::Carried { .. }),
            "{status:?}"
        );
    }

    pub(crate) fn is_active(&self, member: MemberId) -> bool {
        let member = read::member(&self.state, member).expect("a map");
        member.is_some_and(|member| member.is_active())
    }

    /// Lets a member leave.
    pub(crate) fn leave(&mut self, member: MemberId) {
        self.carry_widely(Change::Remove { member });
    }

    /// Opens so many disputes of [`QUERIER`]'s in one block, about different subjects.
    pub(crate) fn open_many(&mut self, count: u8) {
        let (stakes, free) = (u64::from(count) * STAKE, self.deposit(QUERIER).free_minor);
        if free < stakes {
            let action = self
                .deposit_of(QUERIER, stakes - free)
                .expect("it is there");
            self.must(QUERIER, action);
        }
        let next = read::next_sequence(&self.state, QUERIER).expect("a map");
        let envelopes: Vec<_> = (0..count)
            .map(|number| {
                self.envelope_numbered(QUERIER, next + u64::from(number), &dispute_about(number))
            })
            .collect();
        let outcomes = self.block(&envelopes);
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied));
    }

    pub(crate) fn dispute(&self, id: DisputeId) -> Dispute {
        let dispute = read::dispute(&self.state, id).expect("a map");
        dispute.expect("it was opened")
    }

    /// How the first dispute stands.
    pub(crate) fn stands(&self) -> DisputeStatus {
        self.dispute(DISPUTE).status
    }

    /// How the first dispute came out, if it did.
    pub(crate) fn came_out(&self) -> Option<DisputeOutcome> {
        match self.stands() {
            DisputeStatus::Correcting { outcome, .. } | DisputeStatus::Closed { outcome, .. } => {
                Some(outcome)
            }
            _ => None,
        }
    }

    /// The panel of the first dispute.
    pub(crate) fn panel(&self) -> Vec<MemberId> {
        let dispute = self.dispute(DISPUTE);
        dispute.panel.iter().map(|seat| seat.member).collect()
    }

    /// Goes through the open round of the beacon with those of its validators that are still there, in an
    /// attempt that takes their values, and on until the panels that it draws are seated.
    pub(crate) fn draw_panels(&mut self) {
        let round = self.attempt().round;
        while self.beacon().last < round {
            let open = self.beacon().open.expect("the round gave no output");
            let fresh = open.shares.iter().all(|share| share.commitment.is_none());
            if !fresh || !open.takes_commitments(self.height + 1) {
                self.pass(1);
                continue;
            }
            let validators = open.shares.iter().map(|share| share.member);
            let present: Vec<_> = validators.filter(|id| self.is_active(*id)).collect();
            self.commit_together(&present);
            self.pass_before(self.beacon().open.expect("open").commit_until + 1);
            self.reveal_together(&present);
        }
        self.pass(2 * BEACON_WINDOW + 1);
    }

    pub(crate) fn today(&self) -> BusinessDate {
        let clock = read::clock(&self.state).expect("a map");
        clock.expect("after the genesis").business_date
    }

    /// Has the next block be the first one of a date.
    pub(crate) fn before_date(&mut self, date: BusinessDate) {
        let start = u64::try_from(date.0).expect("after 1970") * DAY_MS;
        self.time_ms = start - BLOCK_MS;
    }

    /// The first block of a date.
    pub(crate) fn begin_date(&mut self, date: BusinessDate) {
        self.before_date(date);
        self.pass(1);
        assert_eq!(self.today(), date);
    }

    /// Has the next block be the last one of a date.
    pub(crate) fn end_of_date(&mut self, date: BusinessDate) {
        self.before_date(date.after(1));
        self.time_ms -= BLOCK_MS;
    }

    pub(crate) fn burnt(&self) -> u64 {
        read::supply(&self.state).expect("a map").burnt_minor
    }

    pub(crate) fn rating(&self, member: MemberId) -> u8 {
        read::rating(&self.state, member).expect("a map").value
    }

    pub(crate) fn reasons(&self, member: MemberId) -> Vec<RatingReason> {
        let rating = read::rating(&self.state, member).expect("a map");
        rating.changes.iter().map(|change| change.reason).collect()
    }
}

/// A chain on which [`QUERIER`] disputes an entry of [`OWNER`]'s list, before the panel is drawn.
pub(crate) static OPENED: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = Chain::that_disputes();
    chain.must(QUERIER, open_dispute());
    chain
});

/// The same with the panel: the owner is to answer.
pub(crate) static DRAWN: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = OPENED.clone();
    chain.draw_panels();
    chain
});

/// The same with the owner's evidence: the panel is to rule.
pub(crate) static ANSWERED: LazyLock<Chain> = LazyLock::new(|| {
    let mut chain = DRAWN.clone();
    chain.must(OWNER, evidence());
    chain
});

/// The same with two rulings: the dispute is decided.
pub(crate) fn ruled(ruling: Ruling) -> Chain {
    let mut chain = ANSWERED.clone();
    for member in chain.panel().into_iter().take(2) {
        chain.must(member, rule(ruling));
    }
    chain
}
