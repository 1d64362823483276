//! A transfer that is true, and every way to pass it off as something else.

use tacit_circuits::quota::transfer::{Kind, ProveError, Transfer, verify};
use tacit_circuits::quota::{Ciphertext, Element, Opening, QuotaKey, QuotaKeyProof};

use super::world::{CONTEXT, Case, KINDS, key, keys, parties, rng, source};

fn holds(case: &Case) -> bool {
    verify(&case.statement(), &case.transfer.proof).is_ok()
}

/// Whether a true transfer still holds after `fault`.
fn survives(kind: Kind, fault: impl FnOnce(&mut Case)) -> bool {
    let mut case = Case::new(kind, 5_000, 1_200, 3);
    assert!(holds(&case));
    fault(&mut case);
    holds(&case)
}

#[test]
fn a_transfer_holds_in_its_context_alone() {
    for kind in KINDS {
        let case = Case::new(kind, 5_000, 1_200, 3);
        for bit in 0..256 {
            let mut statement = case.statement();
            statement.context[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&statement, &case.transfer.proof).is_err());
        }
    }
}

#[test]
fn handles_do_not_change_hands() {
    for kind in KINDS {
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert!(!survives(kind, |case| case
                .transfer
                .amount
                .handles
                .swap(a, b)));
            assert!(!survives(kind, |case| case.parties.swap(a, b)));
            assert!(!survives(kind, |case| {
                case.parties.swap(a, b);
                case.transfer.amount.handles.swap(a, b);
            }));
        }
    }
}

#[test]
fn a_transfer_is_out_of_its_source_alone() {
    for kind in KINDS {
        // The same value under other blinding, and the source once the amount was taken.
        assert!(!survives(kind, |case| case.source = source(kind, 5_000, &mut rng(9))));
        assert!(!survives(kind, |case| case.source = case.statement().rest()));
        assert!(!survives(kind, |case| case.source = case.source.plus_public(1)));
    }
}

#[test]
fn an_amount_is_not_exchanged_for_another() {
    for kind in KINDS {
        let other = Opening::random(1_200, &mut rng(8)).seal(&parties());
        assert!(!survives(kind, |case| case.transfer.amount = other));
        assert!(!survives(kind, |case| {
            case.transfer.amount = case.transfer.amount.plus_public(1);
        }));
        assert!(!survives(kind, |case| {
            case.transfer.amount = case.transfer.amount.plus(&other);
        }));
    }
}

#[test]
fn another_member_is_no_party() {
    for kind in KINDS {
        for place in 0..3 {
            assert!(!survives(kind, |case| case.parties[place] = key(9).public()));
        }
    }
}

#[test]
fn a_key_made_from_anothers_opens_only_its_own_handle() {
    // 2·P of the querier as provider: without its secret it is not registered, and where it is, the
    // amount is sealed to it like to any other.
    let honest = key(1);
    let proof = QuotaKeyProof::prove(&honest, &CONTEXT, &mut rng(1));
    let element = Element::from_bytes(&honest.public().to_bytes()).unwrap();
    let doubled = (element + element).to_bytes();
    let rogue = tacit_circuits::quota::QuotaPublicKey::from_bytes(&doubled).unwrap();
    assert!(proof.verify(&honest.public(), &CONTEXT).is_ok());
    assert!(proof.verify(&rogue, &CONTEXT).is_err());

    let mut rng = rng(4);
    let parties = [honest.public(), rogue, key(3).public()];
    let source = Opening::random(500, &mut rng).seal(&[honest.public()]);
    let amount = Opening::random(20, &mut rng);
    let transfer = Transfer::prove(
        Kind::Open,
        CONTEXT,
        &parties,
        &source,
        &honest,
        500,
        &amount,
        &mut rng,
    )
    .unwrap();
    let [own, doubled, _] = transfer.amount.handles;
    assert_eq!(doubled, own + own);
    assert!(transfer.amount.select([0]).opens_to(&honest, 20));
    assert!(!transfer.amount.select([1]).opens_to(&honest, 20));
}

#[test]
fn nothing_false_is_proven() {
    let mut rng = rng(5);
    for kind in KINDS {
        let source = source(kind, 500, &mut rng);
        let prover = &keys()[kind.prover() as usize];
        let mut attempt = |key: &QuotaKey, held: u64, amount: u32| {
            let amount = Opening::random(amount, &mut rng);
            Transfer::prove(
                kind,
                CONTEXT,
                &parties(),
                &source,
                key,
                held,
                &amount,
                &mut rng,
            )
            .map(|_| ())
        };
        assert_eq!(attempt(prover, 500, 500), Ok(()));
        assert_eq!(attempt(prover, 500, 501), Err(ProveError::Exhausted));
        assert_eq!(attempt(prover, 501, 20), Err(ProveError::Source));
        assert_eq!(attempt(&key(9), 500, 20), Err(ProveError::Key));
    }
    // More than an escrow can hold.
    let held = 1 << 33;
    let source = Ciphertext::<1>::zero().plus_public(held);
    let amount = Opening::random(20, &mut rng);
    let [_, provider, _] = keys();
    let settled = Transfer::prove(
        Kind::Settle,
        CONTEXT,
        &parties(),
        &source,
        &provider,
        held,
        &amount,
        &mut rng,
    );
    assert_eq!(settled.unwrap_err(), ProveError::Source);
}
