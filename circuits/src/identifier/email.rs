//! E-mail addresses: RFC 5321, internationalised by RFC 6531 and UTS #46.
//!
//! Canonical form: local part after NFKC and case folding, `@`, domain in its ASCII form. By the
//! letter of RFC 5321 the local part is case-sensitive; no provider of note treats it so, and two
//! members who noted one customer's address differently must mean the same. What only some
//! providers equate (dots, `+tag`) stays distinct. The case of a domain is for UTS #46 alone: full
//! case folding would make `straße.example` into `strasse.example`, which is somebody else's.
//! Quoted local parts, comments, display names and address literals are refused.

use email_address::EmailAddress;
use zeroize::Zeroizing;

use super::Refusal;
use super::fold::{Case, fold};

/// RFC 5321 section 4.5.3.1.3 allows a path of 256 octets with its angle brackets.
const MAX_BYTES: usize = 254;

pub(super) fn normalize(spelling: &str) -> Result<Zeroizing<String>, Refusal> {
    let visible = fold(spelling, Case::Keep)?;
    if visible.chars().any(char::is_whitespace) {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "characters without spaces between them",
        });
    }
    let (local, domain) = visible.rsplit_once('@').ok_or(Refusal::NotAnAddress)?;
    if local.is_empty() || domain.is_empty() {
        return Err(Refusal::NotAnAddress);
    }
    let local = fold(local, Case::Fold)?;
    if local.contains(['"', '@']) || !EmailAddress::is_valid_local_part(&local) {
        return Err(Refusal::WrongLocalPart);
    }
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_unnamed| Refusal::WrongDomain)?;
    // A name without a dot is reachable only inside somebody's own network; a last label of
    // digits is an address, not a name (RFC 3696 section 2).
    let top = domain.rsplit_once('.').map(|(_, top)| top);
    if top.is_none_or(|top| top.is_empty() || top.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Refusal::WrongDomain);
    }
    let canonical = Zeroizing::new(format!("{}@{domain}", local.as_str()));
    if canonical.len() > MAX_BYTES {
        return Err(Refusal::TooLong {
            max_bytes: MAX_BYTES,
        });
    }
    Ok(canonical)
}
