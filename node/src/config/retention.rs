//! For how long the records of calls are kept, as the file says it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tacit_frontend::retention::{ClassName, RetentionPolicy};

use super::ConfigError;

/// For how long the records of calls are kept, and who holds a copy of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// The class of purposes that name none.
    pub default_class: String,
    /// The public keys of a custodian, as `tacit audit custodian keys` writes them. Absent means that nobody
    /// holds a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custodian_keys_file: Option<PathBuf>,
    /// Where the custodian's copies are written.
    pub custodian_folder: PathBuf,
    /// Whole months for which the records of each class are kept after the month in which they were made.
    pub classes: BTreeMap<String, u32>,
    /// The class of each purpose that does not have the default one.
    pub purposes: BTreeMap<String, String>,
}

impl Default for Retention {
    fn default() -> Self {
        let policy = RetentionPolicy::default();
        let classes = policy.classes();
        Self {
            default_class: policy.class_of(None).to_string(),
            custodian_keys_file: None,
            custodian_folder: "custodian".into(),
            classes: classes
                .map(|(class, months)| (class.to_string(), months))
                .collect(),
            purposes: BTreeMap::new(),
        }
    }
}

impl Retention {
    /// The policy that it spells out.
    ///
    /// # Errors
    /// [`ConfigError::Retention`] where a name is no class, or a class has no number of months.
    pub fn policy(&self) -> Result<RetentionPolicy, ConfigError> {
        let class = |name: &String| {
            name.parse::<ClassName>()
                .map_err(|error| ConfigError::Retention(format!("{name:?}: {error}")))
        };
        let classes = self
            .classes
            .iter()
            .map(|(name, months)| Ok((class(name)?, *months)));
        let purposes = self
            .purposes
            .iter()
            .map(|(purpose, name)| Ok((purpose.clone(), class(name)?)));
        RetentionPolicy::new(
            class(&self.default_class)?,
            classes.collect::<Result<_, ConfigError>>()?,
            purposes.collect::<Result<_, ConfigError>>()?,
        )
        .map_err(|error| ConfigError::Retention(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_says_is_the_policy() {
        let text = "default_class = \"long\"\n[classes]\nlong = 120\nshort = 6\n\
                    [purposes]\nmarketing = \"short\"\n";
        let policy = toml::from_str::<Retention>(text).unwrap().policy().unwrap();
        let months = |purpose| policy.keep_months(policy.class_of(Some(purpose)));
        assert_eq!(
            (months("marketing"), months("credit")),
            (Some(6), Some(120))
        );
        assert_eq!(
            Retention::default().policy().unwrap(),
            RetentionPolicy::default()
        );
    }

    #[test]
    fn a_class_that_is_none_is_refused_by_name() {
        for (text, named) in [
            ("default_class = \"other\"", "other"),
            ("[purposes]\nmarketing = \"brief\"", "brief"),
            ("[classes]\nstandard = 2000", "2000"),
            ("default_class = \"Standard\"", "\"Standard\""),
        ] {
            let retention: Retention = toml::from_str(text).unwrap();
            let error = retention.policy().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
