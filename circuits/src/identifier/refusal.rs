//! Why a value was refused.

/// Why a value is no identifier of the type it was given as.
///
/// Says what is wrong and what would be right, and never holds any part of the value, so that it
/// may stand in a rejects file, a log or an answer. The first reason that applies is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing is left once spaces and invisible characters are taken away.
    #[error("is empty")]
    Empty,
    /// Longer than any identifier of this type.
    #[error("is longer than {max_bytes} bytes")]
    TooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// A character that this type does not have.
    #[error("holds a character other than {allowed}")]
    ForbiddenCharacter {
        /// What it may be made of.
        allowed: &'static str,
    },
    /// A code point to which this version of Unicode assigns no character. It would normalise
    /// differently once it is assigned.
    #[error("holds a code point that Unicode has not assigned")]
    UnassignedCharacter,
    /// A spreadsheet has turned the number into a decimal (`1.38E+10`, `13800138000.0`).
    #[error("was turned into a decimal number by a spreadsheet; export the column as text")]
    SpreadsheetNumber,
    /// The wrong number of characters.
    #[error("has {found} characters where {expected} are expected")]
    WrongLength {
        /// How many there are, separators not counted.
        found: usize,
        /// How many there should be.
        expected: &'static str,
    },
    /// The check digit does not follow from the others: most likely a typing error.
    #[error("has a check digit that is wrong by {standard}")]
    WrongCheckDigit {
        /// The rule that it breaks.
        standard: &'static str,
    },
    /// A value that stands for "none", not for anybody.
    #[error("is a placeholder that many records share")]
    Placeholder,

    /// A national phone number, and nobody said of which country.
    #[error("has no country code; write it with + and the country code, or give a default region")]
    RegionNeeded,
    /// No country has this calling code.
    #[error("has a country calling code that does not exist")]
    UnknownCallingCode,
    /// Too short or too long for a phone number of its country.
    #[error("has a length that phone numbers of its country do not have")]
    PhoneLength,
    /// Its country has not assigned this range of numbers.
    #[error("lies in a range of phone numbers that its country has not assigned")]
    PhoneNotAssigned,

    /// The country takes no part in IBAN.
    #[error("begins with a country code that issues no IBAN")]
    UnknownIbanCountry,
    /// The account part does not have the shape that its country registered.
    #[error("does not have the structure of an IBAN of its country")]
    IbanStructure,

    /// An account number without its bank.
    #[error(
        "names no bank; write BANK:NUMBER, where BANK is a BIC or a country code, a dash and the \
         national bank code, or give a namespace"
    )]
    BankNeeded,
    /// The part before the colon is neither a BIC nor a national bank code.
    #[error("names a bank by neither a BIC nor a country code, a dash and a national bank code")]
    WrongBank,

    /// The first two digits are no province.
    #[error("begins with a region code that GB/T 2260 does not have")]
    UnknownRegion,
    /// The calendar has no such day.
    #[error("holds a date of birth that does not exist")]
    NoSuchDate,
    /// Born after the reference date.
    #[error("holds a date of birth that is still to come")]
    DateToCome,

    /// No `@`, or nothing on one side of it.
    #[error("is not of the form name@domain")]
    NotAnAddress,
    /// The part before the `@`.
    #[error("has a part before the @ that is quoted or not a dot-separated name (RFC 5321)")]
    WrongLocalPart,
    /// The part after the `@`.
    #[error("has a domain that is not a valid internet domain name")]
    WrongDomain,

    /// A device number without its scheme.
    #[error(
        "names no scheme; write SCHEME:NUMBER with imei, mac, android-id, idfa, idfv, gaid or \
         oaid, or give a namespace"
    )]
    SchemeNeeded,

    /// Free text without a namespace.
    #[error("names no namespace; write NAMESPACE:TEXT, or give a namespace")]
    NamespaceNeeded,
    /// The namespace is malformed.
    #[error("has a namespace that is not 1 to 32 small letters, digits and dashes, a letter first")]
    WrongNamespace,
}

impl Refusal {
    /// A permanent short name for scripts and rejects files.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too-long",
            Self::ForbiddenCharacter { .. } => "forbidden-character",
            Self::UnassignedCharacter => "unassigned-character",
            Self::SpreadsheetNumber => "spreadsheet-number",
            Self::WrongLength { .. } => "wrong-length",
            Self::WrongCheckDigit { .. } => "wrong-check-digit",
            Self::Placeholder => "placeholder",
            Self::RegionNeeded => "region-needed",
            Self::UnknownCallingCode => "unknown-calling-code",
            Self::PhoneLength => "phone-length",
            Self::PhoneNotAssigned => "phone-not-assigned",
            Self::UnknownIbanCountry => "unknown-iban-country",
            Self::IbanStructure => "iban-structure",
            Self::BankNeeded => "bank-needed",
            Self::WrongBank => "wrong-bank",
            Self::UnknownRegion => "unknown-region",
            Self::NoSuchDate => "no-such-date",
            Self::DateToCome => "date-to-come",
            Self::NotAnAddress => "not-an-address",
            Self::WrongLocalPart => "wrong-local-part",
            Self::WrongDomain => "wrong-domain",
            Self::SchemeNeeded => "scheme-needed",
            Self::NamespaceNeeded => "namespace-needed",
            Self::WrongNamespace => "wrong-namespace",
        }
    }
}
