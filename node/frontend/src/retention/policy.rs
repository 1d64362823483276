//! For how long what is kept of a call is kept.

use std::collections::BTreeMap;

use tacit_sealing::{ClassName, MAX_KEEP_MONTHS};

/// The class of purposes that name none.
const DEFAULT_CLASS: &str = "standard";

/// Five years: records of due diligence are kept as long (Directive (EU) 2015/849, article 40).
const DEFAULT_KEEP_MONTHS: u32 = 60;

/// Why a policy is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A class that is named has no number of months.
    #[error(
        "the retention class {0} is named, and retention.classes does not say how long it is kept"
    )]
    UnknownClass(ClassName),
    /// Longer than any record is kept.
    #[error(
        "the retention class {class} is kept {months} months; at most {MAX_KEEP_MONTHS} are allowed"
    )]
    TooLong {
        /// The class.
        class: ClassName,
        /// What was asked for.
        months: u32,
    },
}

/// Which class a purpose belongs to, and for how many months after its own each class is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    default_class: ClassName,
    classes: BTreeMap<ClassName, u32>,
    purposes: BTreeMap<String, ClassName>,
}

impl RetentionPolicy {
    /// A policy.
    ///
    /// # Errors
    /// [`PolicyError`]
    pub fn new(
        default_class: ClassName,
        classes: BTreeMap<ClassName, u32>,
        purposes: BTreeMap<String, ClassName>,
    ) -> Result<Self, PolicyError> {
        let named = purposes.values().chain([&default_class]);
        if let Some(unknown) = named
            .into_iter()
            .find(|class| !classes.contains_key(*class))
        {
            return Err(PolicyError::UnknownClass(unknown.clone()));
        }
        if let Some((class, months)) = classes
            .iter()
            .find(|(_, months)| **months > MAX_KEEP_MONTHS)
        {
            return Err(PolicyError::TooLong {
                class: class.clone(),
                months: *months,
            });
        }
        Ok(Self {
            default_class,
            classes,
            purposes,
        })
    }

    /// The class of a purpose.
    pub fn class_of(&self, purpose: Option<&str>) -> &ClassName {
        let named = purpose.and_then(|purpose| self.purposes.get(purpose));
        named.unwrap_or(&self.default_class)
    }

    /// Months for which a class is kept; `None` where the policy does not know it.
    pub fn keep_months(&self, class: &ClassName) -> Option<u32> {
        self.classes.get(class).copied()
    }

    /// All classes.
    pub fn classes(&self) -> impl Iterator<Item = (&ClassName, u32)> {
        self.classes.iter().map(|(class, months)| (class, *months))
    }
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        let class: ClassName = DEFAULT_CLASS.parse().expect("a class of this program");
        Self {
            default_class: class.clone(),
            classes: BTreeMap::from([(class, DEFAULT_KEEP_MONTHS)]),
            purposes: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_has_its_class_and_all_others_the_default() {
        let class = |name: &str| name.parse::<ClassName>().expect("a class");
        let classes = BTreeMap::from([(class("standard"), 60), (class("short"), 12)]);
        let purposes = BTreeMap::from([("marketing".to_owned(), class("short"))]);
        let policy = RetentionPolicy::new(class("standard"), classes.clone(), purposes);
        let policy = policy.expect("a policy");
        assert_eq!(policy.class_of(Some("marketing")), &class("short"));
        assert_eq!(policy.class_of(Some("credit")), &class("standard"));
        assert_eq!(policy.class_of(None), &class("standard"));
        assert_eq!(policy.keep_months(&class("short")), Some(12));
        assert_eq!(policy.keep_months(&class("other")), None);

        let unknown = RetentionPolicy::new(class("other"), classes, BTreeMap::new());
        assert_eq!(unknown, Err(PolicyError::UnknownClass(class("other"))));
        let long = BTreeMap::from([(class("standard"), 1_201)]);
        let long = RetentionPolicy::new(class("standard"), long, BTreeMap::new());
        assert!(matches!(
            long,
            Err(PolicyError::TooLong { months: 1_201, .. })
        ));
    }
}
