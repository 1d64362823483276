//! What members decide and change about themselves.

use tacit_ledger::kernel::{MemberId, Outcome, Reject, Role};
use tacit_ledger::network::{
    Action, Change, GenesisMember, ProposalId, ProposalStatus, SpkiHash, read,
};

use super::{Chain, FOURTH, OWNER, QUERIER, THIRD, candidate, text};

pub(crate) fn propose(change: Change) -> Action {
    Action::Propose(Box::new(change))
}

pub(crate) fn vote(proposal: u64, approve: bool) -> Action {
    Action::Vote {
        proposal: ProposalId(proposal),
        approve,
    }
}

pub(crate) fn profile(front_end: &str, p2p: &str) -> Action {
    Action::RegisterProfile {
        front_end_address: text(front_end),
        p2p_address: text(p2p),
    }
}

pub(crate) fn rotate(tls_spki_hash: SpkiHash) -> Action {
    Action::RotateCertificate { tls_spki_hash }
}

/// `count` members of as many groups, who all validate as far as that may be.
pub(crate) fn crowd(count: u32) -> Vec<GenesisMember> {
    let members = (1..=count).map(|number| GenesisMember {
        candidate: candidate(MemberId(number), &format!("Group {number}"), Role::Member),
        validator: number <= 128,
    });
    members.collect()
}

impl Chain {
    /// Proposes a change and has the first four members vote for it, or as many of them as it takes.
    pub(crate) fn carry(&mut self, change: Change) -> Result<(), Reject> {
        self.decide(change, &[OWNER, QUERIER, THIRD, FOURTH])
    }

    /// Proposes a change in a network of so many members and has enough of them vote for it.
    pub(crate) fn carry_among(&mut self, members: u32, change: Change) -> Result<(), Reject> {
        let needed = (members * 67).div_ceil(100);
        let voters: Vec<_> = (1..=needed).map(MemberId).collect();
        self.decide(change, &voters)
    }

    fn decide(&mut self, change: Change, voters: &[MemberId]) -> Result<(), Reject> {
        self.act(voters[0], propose(change))?;
        let number = read::proposal_count(&self.state).expect("a map");
        let votes: Vec<_> = voters[1..]
            .iter()
            .map(|voter| self.envelope(*voter, &vote(number, true)))
            .collect();
        let outcomes = self.block(&votes);
        if let ProposalStatus::Carried { .. } = self.proposal_status(number) {
            return Ok(());
        }
        match outcomes.last() {
            Some(Outcome::Rejected(reject)) => Err(*reject),
            _ => panic!("proposal {number} is undecided after all votes"),
        }
    }

    pub(crate) fn proposal_status(&self, number: u64) -> ProposalStatus {
        read::proposal(&self.state, ProposalId(number))
            .expect("a map")
            .expect("it was proposed")
            .status
    }
}
