//! What holds of disputes whatever members do: quota adds up after every block, see [`Chain::block`], and
//! every dispute comes to an end.

use proptest::prelude::*;
use tacit_ledger::kernel::{Digest, MemberId};
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, Change, read};

use crate::support::*;

/// What somebody tries. Disputes are counted from the first.
#[derive(Clone, Debug)]
enum Attempt {
    Open(u8),
    Evidence(u64),
    Withdraw(u64),
    Rule(u64, usize, bool),
    Publish,
    Attest(usize),
    Fraud,
    WithdrawList,
    Revoke,
    Leave(u32),
    Draw,
    Days(u16),
    RollOver(bool),
    Deposit(u64),
    PayOut(u64),
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let dispute = || 1..6_u64;
    prop_oneof![
        12 => (1..5_u8).prop_map(Attempt::Open),
        10 => dispute().prop_map(Attempt::Evidence),
        3 => dispute().prop_map(Attempt::Withdraw),
        30 => (dispute(), 0..3_usize, any::<bool>())
            .prop_map(|(dispute, seat, upheld)| Attempt::Rule(dispute, seat, upheld)),
        5 => Just(Attempt::Publish),
        8 => (0..3_usize).prop_map(Attempt::Attest),
        1 => Just(Attempt::Fraud),
        1 => Just(Attempt::WithdrawList),
        1 => Just(Attempt::Revoke),
        2 => (1..=10_u32).prop_map(Attempt::Leave),
        20 => Just(Attempt::Draw),
        15 => (1..5_u16).prop_map(Attempt::Days),
        6 => any::<bool>().prop_map(Attempt::RollOver),
        6 => (1..5_000_u64).prop_map(Attempt::Deposit),
        6 => (1..5_000_u64).prop_map(Attempt::PayOut),
    ]
}

fn latest(chain: &Chain) -> u32 {
    let epoch = read::epoch(&chain.state, LIST, EPOCH).expect("a map");
    epoch.expect("registered").versions - 1
}

/// Does what can be done; what is refused changes nothing.
fn act(chain: &mut Chain, challenger: MemberId, attempt: &Attempt) {
    let id = DisputeId;
    let (member, action) = match *attempt {
        Attempt::Open(subject) => (challenger, dispute_about(subject)),
        Attempt::Evidence(number) => {
            let package = Digest([9; 32]);
            let answer = DisputeAnswer::Evidence { package };
            (OWNER, answer_with(id(number), answer))
        }
        Attempt::Withdraw(number) => (OWNER, answer_with(id(number), DisputeAnswer::Withdrawal)),
        Attempt::Rule(number, seat, upheld) => {
            let dispute = read::dispute(&chain.state, id(number)).expect("a map");
            let seated = dispute.and_then(|dispute| dispute.panel.get(seat).copied());
            let Some(seat) = seated else { return };
            let ruling = if upheld {
                Ruling::Upheld
            } else {
                Ruling::Dismissed
            };
            let dispute = id(number);
            (seat.member, Action::RuleDispute { dispute, ruling })
        }
        Attempt::Publish => {
            if chain.is_active(OWNER) {
                chain.fill_deposit(OWNER);
            }
            (OWNER, publish(version(LIST, EPOCH, latest(chain) + 1)))
        }
        Attempt::Attest(place) => {
            let attester = [QUERIER, THIRD, FOURTH][place];
            (attester, attest(version(LIST, EPOCH, latest(chain))))
        }
        Attempt::RollOver(owner) => {
            let member = if owner { OWNER } else { challenger };
            (member, Action::RollOver)
        }
        Attempt::Deposit(amount_minor) => {
            let Some(deposit) = chain.deposit_of(challenger, amount_minor) else {
                return;
            };
            (challenger, deposit)
        }
        Attempt::PayOut(amount_minor) => (challenger, Action::Withdraw { amount_minor }),
        Attempt::Fraud => (challenger, fraud_proof(version(LIST, EPOCH, latest(chain)))),
        Attempt::WithdrawList => (OWNER, Action::WithdrawList { list: LIST }),
        Attempt::Revoke => {
            let (list, tag_epoch) = (LIST, EPOCH);
            (OWNER, Action::RevokeKey { list, tag_epoch })
        }
        Attempt::Leave(number) => {
            let member = MemberId(number);
            // A proposal that cannot be carried out stays open and is decided by nobody.
            let stays = [OBSERVER, THIRD, FOURTH].contains(&member);
            if !stays && chain.is_active(member) {
                chain.leave(member);
            }
            return;
        }
        Attempt::Draw => {
            if chain.beacon().open.is_some() {
                chain.draw_panels();
            }
            return;
        }
        Attempt::Days(days) => {
            chain.begin_date(chain.today().after(days));
            return;
        }
    };
    if chain.is_active(member) {
        let _ = chain.act(member, action);
    }
}

fn is_closed(dispute: &Dispute) -> bool {
    matches!(dispute.status, DisputeStatus::Closed { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quota_adds_up_and_every_dispute_ends(
        attempts in prop::collection::vec((attempt(), any::<bool>()), 10..70),
    ) {
        let mut chain = Chain::that_disputes();
        for (attempt, by_querier) in &attempts {
            let challenger = if *by_querier { QUERIER } else { OTHERS[3] };
            act(&mut chain, challenger, attempt);
        }
        // From here on nobody says anything but the beacon's values. A step takes at most as many days as
        // its deadline, and there are a fresh panel and a correction at most.
        for _ in 0..6 {
            while chain.beacon().open.is_some() {
                chain.draw_panels();
            }
            chain.begin_date(chain.today().after(RULING_DAYS + 1));
            chain.pass(1);
        }
        let count = read::dispute_count(&chain.state).expect("a map");
        for number in 1..=count {
            let dispute = chain.dispute(DisputeId(number));
            prop_assert!(is_closed(&dispute), "{:?}", dispute);
            let about = read::dispute_about(&chain.state, LIST, &dispute.commitment);
            prop_assert_eq!(about, Ok(None));
        }
        for member in read::members(&chain.state).expect("a map") {
            prop_assert_eq!(chain.deposit(member.id).staked_minor, 0);
            prop_assert_eq!(read::disputes_of(&chain.state, member.id), Ok(Vec::new()));
        }
        // Nobody was given anything but what others lost.
        let supply = read::supply(&chain.state).expect("a map");
        prop_assert_eq!(supply.minted_minor, 9 * WELCOME_MINOR);
    }
}

#[test]
fn parameters_that_change_meanwhile_leave_every_stake_whole() {
    let mut chain = Chain::that_disputes();
    chain.must(QUERIER, dispute_about(1));
    let mut other = read::parameters(&chain.state).expect("a map");
    other.dispute_stake_minor = 11;
    chain.carry_widely(Change::SetParameters(other));
    chain.must(QUERIER, dispute_about(2));
    assert_eq!(chain.deposit(QUERIER).staked_minor, STAKE + 11);
    for number in [1, 2] {
        let withdrawal = answer_with(DisputeId(number), DisputeAnswer::Withdrawal);
        chain.must(OWNER, withdrawal);
    }
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
}
