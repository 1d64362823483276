//! Work that business dates bring, shown on a ledger that does nothing else.

use tacit_ledger::kernel::context::{Context, Stop};
use tacit_ledger::kernel::due::{
    MAX_DUE_DATES_PER_BLOCK, MAX_DUE_OF_DATES_PER_BLOCK, MAX_DUE_PER_PAGE,
};
use tacit_ledger::kernel::envelope::Unsigned;
use tacit_ledger::kernel::{
    BusinessDate, Bytes, Envelope, Genesis, GenesisError, Missing, Module, ModuleId, Party,
    Registry, Reject, RejectInfo, StateKey, Table, codec,
};

use crate::support::*;

const DIARY: ModuleId = ModuleId(9);
const DONE: Table = Table {
    module: DIARY,
    number: 0,
    name: "done",
};

/// Puts off what it is told, each with a date and a number, and records the numbers as they are done.
struct Diary;

fn read(envelope: &Envelope) -> Result<Vec<(i32, u32)>, Reject> {
    codec::decode(&envelope.action).map_err(|_| Reject::MALFORMED)
}

impl Module for Diary {
    fn id(&self) -> ModuleId {
        DIARY
    }

    fn name(&self) -> &'static str {
        "diary"
    }

    fn tables(&self) -> &'static [Table] {
        &[DONE]
    }

    fn rejects(&self) -> &'static [RejectInfo] {
        &[]
    }

    fn genesis(&self, _: &Genesis, _: &mut Context<'_>) -> Result<(), GenesisError> {
        Ok(())
    }

    fn check_stateless(&self, envelope: &Envelope) -> Result<(), Reject> {
        read(envelope).map(|_| ())
    }

    fn prefetch(&self, _: &Envelope) -> Vec<StateKey> {
        Vec::new()
    }

    fn execute(
        &self,
        context: &mut Context<'_>,
        _: &Party,
        envelope: &Envelope,
    ) -> Result<(), Stop> {
        for (date, number) in read(envelope)? {
            context.due_on(BusinessDate(date), &number)?;
        }
        Ok(())
    }

    fn due(&self, context: &mut Context<'_>, work: &[u8]) -> Result<(), Missing> {
        let number: u32 = codec::decode(work).expect("a number");
        let mut done: Vec<u32> = context.read(&DONE.key())?.unwrap_or_default();
        done.push(number);
        context.put(DONE.key(), &done);
        Ok(())
    }
}

fn chain() -> Chain {
    let first = genesis().into_genesis("test", START_MS, 0).expect("fits");
    Chain::of_modules(&first, Registry::network().with(Diary))
}

fn put_off(chain: &mut Chain, work: Vec<(i32, u32)>) {
    let next = chain.envelope(OWNER, &create_list());
    let unsigned = Unsigned {
        chain_id: next.chain_id,
        sender: OWNER,
        sequence: next.sequence,
        expiry_height: FAR,
        module: DIARY,
        action: Bytes::try_from(codec::encode(&work)).expect("it fits"),
    };
    chain
        .submit(&unsigned.sign(&signer(OWNER)))
        .expect("it is put off");
}

fn done(chain: &Chain) -> Vec<u32> {
    let done = chain.state.get(&DONE.key());
    done.map_or(Vec::new(), |bytes| codec::decode(bytes).expect("numbers"))
}

/// Records of dates that are not done with.
fn left(chain: &Chain) -> usize {
    let tables = tacit_ledger::kernel::keys::TABLES.iter();
    let pending = tables.filter(|table| ["date-page", "date-size"].contains(&table.name));
    let prefixes: Vec<_> = pending.map(|table| table.prefix()).collect();
    let of_dates = |key: &&StateKey| {
        let mut prefixes = prefixes.iter();
        prefixes.any(|prefix| key.as_bytes().starts_with(prefix))
    };
    chain.state.keys().filter(of_dates).count()
}

#[test]
fn work_is_done_in_the_first_block_of_its_date_in_the_order_of_dates_and_of_putting_it_off() {
    let mut chain = chain();
    chain.pass(1);
    let today = chain.today().0;
    put_off(
        &mut chain,
        vec![(today + 2, 1), (today + 1, 2), (today + 2, 3)],
    );
    chain.end_of_date(BusinessDate(today));
    chain.pass(1);
    assert!(done(&chain).is_empty());
    chain.pass(1);
    assert_eq!(done(&chain), [2]);
    chain.end_of_date(BusinessDate(today + 1));
    chain.pass(1);
    assert_eq!(done(&chain), [2]);
    chain.pass(1);
    assert_eq!(done(&chain), [2, 1, 3]);
    assert_eq!(left(&chain), 0);
}

#[test]
fn what_is_put_off_to_a_date_that_has_begun_is_done_on_the_next() {
    let mut chain = chain();
    chain.pass(1);
    let today = chain.today().0;
    put_off(&mut chain, vec![(today, 1), (today - 1, 2), (i32::MIN, 3)]);
    chain.pass(3);
    assert!(done(&chain).is_empty());
    chain.begin_date(BusinessDate(today + 1));
    assert_eq!(done(&chain), [1, 2, 3]);
    // A date that never comes holds nothing up.
    put_off(&mut chain, vec![(i32::MAX, 4), (today + 2, 5)]);
    chain.begin_date(BusinessDate(today + 2));
    assert_eq!(done(&chain), [1, 2, 3, 5]);
}

#[test]
fn a_date_with_much_work_takes_several_blocks_and_loses_nothing() {
    let mut chain = chain();
    chain.pass(1);
    let date = chain.today().0 + 1;
    let count = MAX_DUE_PER_PAGE as u32 + MAX_DUE_OF_DATES_PER_BLOCK + 5;
    put_off(
        &mut chain,
        (0..count).map(|number| (date, number)).collect(),
    );
    chain.before_date(BusinessDate(date));
    let mut blocks = 0;
    while left(&chain) > 0 {
        chain.pass(1);
        blocks += 1;
        let so_far = count.min(blocks * MAX_DUE_OF_DATES_PER_BLOCK);
        assert_eq!(done(&chain), (0..so_far).collect::<Vec<_>>());
    }
    assert_eq!(blocks, count.div_ceil(MAX_DUE_OF_DATES_PER_BLOCK));
}

#[test]
fn a_sleep_over_more_dates_than_a_block_looks_at_is_made_up_for_in_the_next_ones() {
    let mut chain = chain();
    chain.pass(1);
    let today = chain.today().0;
    let span = MAX_DUE_DATES_PER_BLOCK as i32;
    let work = vec![(today + 1, 1), (today + span, 2), (today + span + 1, 3)];
    put_off(&mut chain, work);
    chain.begin_date(BusinessDate(today + 3 * span));
    assert_eq!(done(&chain), [1, 2]);
    // What is put off meanwhile waits for its own date.
    put_off(&mut chain, vec![(today, 4)]);
    assert_eq!(done(&chain), [1, 2, 3]);
    chain.pass(5);
    assert_eq!(done(&chain), [1, 2, 3]);
    chain.begin_date(BusinessDate(today + 3 * span + 1));
    assert_eq!(done(&chain), [1, 2, 3, 4]);
    assert_eq!(left(&chain), 0);
}
