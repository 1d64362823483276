//! Free text within a namespace: whatever the members agree to list that has no type of its own,
//! such as `plate:京A12345` or `wechat:someone`.
//!
//! Canonical form: `namespace:text`, the text after NFKC and case folding, runs of white space
//! made one space.

use zeroize::Zeroizing;

use super::fold::{Case, fold};
use super::{Conventions, Refusal};

/// Longest namespace.
const MAX_NAMESPACE_BYTES: usize = 32;
/// Longest text; a name or a plate is far shorter, a document does not belong here.
const MAX_TEXT_BYTES: usize = 256;

pub(super) fn normalize(
    spelling: &str,
    conventions: &Conventions,
) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Fold)?;
    let (namespace, text) = match conventions.namespace.as_deref() {
        // Only its own name is taken off, so that a text may hold a colon.
        Some(given) => match folded.split_once(':') {
            Some((name, text)) if name.trim() == given => (given, text),
            _ => (given, folded.as_str()),
        },
        None => {
            let (name, text) = folded.split_once(':').ok_or(Refusal::NamespaceNeeded)?;
            (name.trim(), text)
        }
    };
    if !is_namespace(namespace) {
        return Err(Refusal::WrongNamespace);
    }
    let mut canonical = Zeroizing::new(String::with_capacity(namespace.len() + 1 + text.len()));
    canonical.push_str(namespace);
    canonical.push(':');
    for (place, word) in text.split_whitespace().enumerate() {
        if place > 0 {
            canonical.push(' ');
        }
        canonical.push_str(word);
    }
    let text_bytes = canonical.len() - namespace.len() - 1;
    if text_bytes == 0 {
        return Err(Refusal::Empty);
    }
    if text_bytes > MAX_TEXT_BYTES {
        return Err(Refusal::TooLong {
            max_bytes: MAX_TEXT_BYTES,
        });
    }
    Ok(canonical)
}

fn is_namespace(name: &str) -> bool {
    name.len() <= MAX_NAMESPACE_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
