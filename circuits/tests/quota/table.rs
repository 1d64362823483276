//! Opening values.

use proptest::prelude::*;
use tacit_circuits::quota::{AMOUNT_BOUND, Ciphertext, Opening, ValueTable, value_generator};

use super::world::{key, rng};

#[test]
fn every_value_at_an_edge_of_the_steps_is_found() {
    let table = ValueTable::with_bits(12);
    let stride: u64 = 1 << 12;
    // Tries take 8 giant steps, then 16, 32 and so on up to 512.
    let tries = [8, 24, 56, 1_016, 1_528].map(|steps: u64| steps * stride);
    let edges = tries.into_iter().flat_map(|edge| edge - 1..=edge + 1);
    for value in edges.chain([0, 1, 2, stride - 1, stride, stride + 1, 2 * stride]) {
        let bare = Ciphertext::<1>::zero().plus_public(value);
        assert_eq!(
            table.open_vartime(&key(1), &bare, AMOUNT_BOUND),
            Some(value)
        );
        // Bounds are kept: nothing at or above is found.
        assert_eq!(table.open_vartime(&key(1), &bare, value), None);
        assert_eq!(table.open_vartime(&key(1), &bare, value + 1), Some(value));
    }
}

#[test]
fn the_usual_table_opens_the_largest_amount_and_no_negative_one() {
    let table = ValueTable::new();
    let mut rng = rng(1);
    for value in [u32::MAX, u32::MAX - 1, 1 << 31] {
        let sealed = Opening::random(value, &mut rng).seal(&[key(1).public()]);
        let found = table.open_vartime(&key(1), &sealed, AMOUNT_BOUND);
        assert_eq!(found, Some(value.into()));
        assert_eq!(table.open_vartime(&key(2), &sealed, AMOUNT_BOUND), None);
    }
    let negative = Ciphertext::<1>::zero().minus_public(1);
    assert_eq!(table.open_vartime(&key(1), &negative, AMOUNT_BOUND), None);
    assert_eq!(table.solve_vartime(&value_generator(), u64::MAX), Some(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_is_opened(value: u32, seed: u64) {
        static TABLE: std::sync::LazyLock<ValueTable> = std::sync::LazyLock::new(ValueTable::new);
        let sealed = Opening::random(value, &mut rng(seed)).seal(&[key(1).public()]);
        let found = TABLE.open_vartime(&key(1), &sealed, AMOUNT_BOUND);
        prop_assert_eq!(found, Some(value.into()));
    }
}
