//! A transfer holds where it is true, and every party can open it.

use tacit_circuits::quota::transfer::{Kind, Transfer, equation, verify};
use tacit_circuits::quota::verify_batch;

use super::world::{Case, KINDS, ROLES, keys};

#[test]
fn an_amount_up_to_all_that_there_is_can_be_taken() {
    for kind in KINDS {
        let most = match kind {
            Kind::Open => (1 << 48) + 5,
            Kind::Settle => u64::from(u32::MAX),
        };
        for (value, amount) in [(most, u32::MAX), (most, 0), (700, 700), (700, 1), (0, 0)] {
            let case = Case::new(kind, value, amount, 1);
            verify(&case.statement(), &case.transfer.proof).unwrap();
            for role in ROLES {
                let seen = case.transfer.amount.select([role as usize]);
                assert!(seen.opens_to(&keys()[role as usize], amount.into()));
            }
            let prover = &keys()[kind.prover() as usize];
            let rest = case.statement().rest();
            assert!(rest.opens_to(prover, value - u64::from(amount)));
        }
    }
}

#[test]
fn a_transfer_has_the_bytes_that_are_promised() {
    for (kind, length) in [(Kind::Open, 1_248), (Kind::Settle, 1_152)] {
        let case = Case::new(kind, 5_000, 44, 2);
        let bytes = case.transfer.to_bytes();
        assert_eq!(bytes.len(), length);
        assert_eq!(kind.transfer_bytes(), length);
        assert_eq!(Transfer::from_bytes(kind, &bytes).unwrap(), case.transfer);
    }
}

#[test]
fn a_batch_of_both_kinds_holds_and_names_what_does_not() {
    let cases: Vec<Case> = (0..6)
        .map(|n| Case::new(KINDS[n % 2], 900, 40 + n as u32, n as u64))
        .collect();
    let mut equations: Vec<_> = cases
        .iter()
        .map(|case| equation(&case.statement(), &case.transfer.proof))
        .collect();
    verify_batch(&equations).unwrap();
    // The proof of the first source's transfer, for the third's.
    equations[2] = equation(&cases[2].statement(), &cases[0].transfer.proof);
    assert_eq!(verify_batch(&equations).unwrap_err().0, vec![2]);
    assert_eq!(verify_batch(&[]), Ok(()));
}
