//! Sample lists and applicants, made up from a seed so that everybody's demo tells the same story.
//!
//! Nothing here belongs to anybody: numbers are drawn at random and only their check digits are
//! made right. The keys under which the lists are published are fresh in every run; only the
//! files are always the same, so that a second program can work out the expected answers from
//! them.

use std::collections::BTreeSet;
use std::io::{self, Write};

use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

/// The seed of the sample files.
const SEED: u64 = 20_180_426;

/// One kind of column in the sample files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    /// A mobile number in one of several spellings.
    Phone,
    /// A payment card number with a valid check digit.
    Card,
}

/// A person of the sample: what the columns hold for her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// National mobile number, eleven digits.
    pub(crate) phone: String,
    /// Card number, sixteen digits.
    pub(crate) card: String,
}

/// Who listed whom, and who applies.
#[derive(Debug)]
pub(crate) struct Samples {
    /// One blacklist a member, in the order of the members.
    pub(crate) lists: Vec<Vec<Person>>,
    /// The applicants; some of them stand on one or more lists.
    pub(crate) applicants: Vec<Person>,
}

impl Samples {
    /// Makes `members` lists of `entries` persons each, and `applicants` applicants of whom about
    /// one in five stands on the list of a member other than the first.
    pub(crate) fn generate(members: usize, entries: usize, applicants: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(SEED);
        let mut seen = BTreeSet::new();
        let mut draw = |rng: &mut ChaCha20Rng| loop {
            let person = Person::draw(rng);
            if seen.insert(person.phone.clone()) {
                return person;
            }
        };
        let mut lists: Vec<Vec<Person>> = (0..members)
            .map(|_| (0..entries).map(|_| draw(&mut rng)).collect())
            .collect();
        // One person in a hundred cheated two members: the lists overlap a little.
        for member in 1..members {
            for slot in 0..entries / 100 {
                let other = lists[member - 1][slot].clone();
                if let Some(place) = lists[member].last_mut() {
                    *place = other;
                }
                lists[member].rotate_right(1);
            }
        }
        let mut applicants: Vec<Person> = (0..applicants)
            .map(|row| {
                if row % 5 == 0 && members > 1 && entries > 0 {
                    let list = 1 + (row / 5) % (members - 1);
                    lists[list][rng.gen_range(0..entries)].clone()
                } else {
                    draw(&mut rng)
                }
            })
            .collect();
        applicants.shuffle(&mut rng);
        Self { lists, applicants }
    }
}

impl Person {
    fn draw(rng: &mut ChaCha20Rng) -> Self {
        let prefix = [
            "138", "139", "150", "151", "158", "176", "177", "186", "188",
        ]
        .choose(rng)
        .copied()
        .unwrap_or("138");
        let phone = format!("{prefix}{:08}", rng.gen_range(0..100_000_000u32));
        let mut card = format!("6225{:011}", rng.gen_range(0..100_000_000_000u64));
        card.push(luhn_check_digit(&card));
        Self { phone, card }
    }

    /// The phone number as somebody might have typed it: three spellings of one number.
    fn phone_as_typed(&self, row: usize) -> String {
        match row % 3 {
            0 => self.phone.clone(),
            1 => format!(
                "+86 {} {} {}",
                &self.phone[..3],
                &self.phone[3..7],
                &self.phone[7..]
            ),
            _ => format!(
                "{}-{}-{}",
                &self.phone[..3],
                &self.phone[3..7],
                &self.phone[7..]
            ),
        }
    }

    fn field(&self, column: Column, row: usize) -> String {
        match column {
            Column::Phone => self.phone_as_typed(row),
            Column::Card => self.card.clone(),
        }
    }
}

impl Column {
    /// The column's name in the sample files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Card => "card",
        }
    }
}

/// Writes persons as CSV with a running number and the given columns.
pub(crate) fn write_csv(
    mut out: impl Write,
    persons: &[Person],
    columns: &[Column],
) -> io::Result<()> {
    let header: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    writeln!(out, "no,{}", header.join(","))?;
    for (row, person) in persons.iter().enumerate() {
        let fields: Vec<String> = columns
            .iter()
            .map(|column| person.field(*column, row))
            .collect();
        writeln!(out, "{},{}", row + 1, fields.join(","))?;
    }
    Ok(())
}

/// ISO/IEC 7812-1 annex B: the digit that makes the Luhn sum a multiple of ten.
fn luhn_check_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    char::from(b'0' + u8::try_from((10 - sum % 10) % 10).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_the_published_example() {
        // The worked example of ISO/IEC 7812-1.
        assert_eq!(luhn_check_digit("7992739871"), '3');
    }

    #[test]
    fn the_same_seed_makes_the_same_files() {
        let (first, second) = (Samples::generate(3, 200, 50), Samples::generate(3, 200, 50));
        assert_eq!(first.lists, second.lists);
        assert_eq!(first.applicants, second.applicants);
    }

    #[test]
    fn some_applicants_stand_on_a_list_and_most_do_not() {
        let samples = Samples::generate(4, 1_000, 200);
        let listed = samples
            .applicants
            .iter()
            .filter(|applicant| {
                samples.lists[1..]
                    .iter()
                    .any(|list| list.contains(applicant))
            })
            .count();
        assert!((40..100).contains(&listed), "{listed} of 200 are listed");
        assert!(samples.lists.iter().all(|list| list.len() == 1_000));
    }
}
