//! Whatever is listed and whatever is asked: the answers are those of a plain set.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{self, Network, context, phone, phones, reader};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tacit_circuits::scope::ListId;
use tacit_frontend::lists::{DraftMode, ListSpec, Progress};
use tacit_frontend::screening::ScreenRequest;

/// Seeds of the rounds; a failure says which.
const ROUNDS: u64 = 150;

/// Numbers that are listed and asked about: few, so that they meet often.
const NUMBERS: u32 = 400;

/// A set of any size from none to most.
fn some(rng: &mut StdRng) -> BTreeSet<u32> {
    let share = rng.gen_range(0.0..0.9);
    (0..NUMBERS).filter(|_| rng.gen_bool(share)).collect()
}

/// Two owners who change their lists at random, with new keys now and then, and a third who asks: versions,
/// deltas, rotations, copies, sessions, calls and look-ups as they ship.
#[tokio::test(flavor = "multi_thread")]
async fn screenings_of_changing_lists_answer_like_plain_sets() {
    let network = Network::start(3).await;
    let mut listed: BTreeMap<ListId, BTreeSet<u32>> = BTreeMap::new();
    let mut ids = [None, None];
    let (mut answers, mut hits) = (0, 0);
    for seed in 0..ROUNDS {
        let mut rng = StdRng::seed_from_u64(seed);
        let owner = rng.gen_range(0..2);
        let set = some(&mut rng);
        let known = ids[owner].and_then(|id| listed.get(&id));
        if known != Some(&set) {
            let spec = ListSpec {
                new_tag_epoch: rng.gen_bool(0.1),
                ..support::spec("accounts", DraftMode::Replace)
            };
            let lists = &network.nodes[owner].frontend.lists;
            let mut draft = lists.draft(spec).await.expect("a draft");
            draft.push(&support::rows(&phones(set.iter().copied())));
            let published = lists.publish(draft, Progress::default()).await;
            let id = published.expect("published").publication;
            network.wait_for(id).await;
            ids[owner] = Some(id.list);
            listed.insert(id.list, set);
        }
        let asked: Vec<u32> = (0..rng.gen_range(1..250))
            .map(|_| rng.gen_range(0..NUMBERS))
            .collect();
        let request = ScreenRequest {
            context: context(),
            reader: reader(),
            ..ScreenRequest::default()
        };
        let screened = network.nodes[2]
            .screen_with(&phones(asked.iter().copied()), request)
            .await;
        assert_eq!(
            screened.hits.len(),
            listed.len() * asked.len(),
            "seed {seed}: {screened:?}"
        );
        for ((list, row), hit) in &screened.hits {
            let number = asked[*row as usize];
            assert_eq!(
                *hit,
                listed[list].contains(&number),
                "seed {seed}, {list}: {}",
                phone(number)
            );
            hits += u32::from(*hit);
            answers += 1;
        }
    }
    // Both answers were given often, or the test has lost its meaning.
    assert!(
        answers > 10_000 && hits > answers / 10 && hits < answers,
        "{hits} of {answers}"
    );
}
