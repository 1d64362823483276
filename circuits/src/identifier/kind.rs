//! What an identifier is: a closed set with permanent codes.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};

/// The type code of padding entries, which carry a random field element instead of an identifier.
///
/// No [`IdentifierType`] has this code, so that nothing a person types can ever meet a padding
/// entry.
pub const PADDING_TYPE_CODE: u16 = 0;

/// The type of an identifier.
///
/// Its [`code`](Self::code) enters the hash to the curve, and with it every tag, so
/// the same characters under two types are two identifiers. Codes are permanent: a new type gets
/// the next number, and none is ever given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum IdentifierType {
    /// Telephone number (ITU-T E.164).
    Phone = 1,
    /// Payment card number, PAN (ISO/IEC 7812).
    Card = 2,
    /// International bank account number (ISO 13616).
    Iban = 3,
    /// Account number within a named bank.
    BankAccount = 4,
    /// Resident identity number of the People's Republic of China (GB 11643).
    ResidentId = 5,
    /// Unified social credit code (GB 32100).
    CreditCode = 6,
    /// E-mail address (RFC 5321, RFC 6531).
    Email = 7,
    /// Number that a device carries, with the scheme that issued it.
    Device = 8,
    /// Free text within a namespace that the members agreed on.
    Text = 9,
}

impl IdentifierType {
    /// Every type, in the order of the codes.
    pub const ALL: [Self; 9] = [
        Self::Phone,
        Self::Card,
        Self::Iban,
        Self::BankAccount,
        Self::ResidentId,
        Self::CreditCode,
        Self::Email,
        Self::Device,
        Self::Text,
    ];

    /// The permanent number; never [`PADDING_TYPE_CODE`].
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The type with this code.
    ///
    /// # Errors
    /// [`UnknownType`] where no type has it, padding included.
    pub fn from_code(code: u16) -> Result<Self, UnknownType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.code() == code)
            .ok_or(UnknownType)
    }

    /// The name people type, as in `--type resident-id`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::BankAccount => "bank-account",
            Self::ResidentId => "resident-id",
            Self::CreditCode => "credit-code",
            Self::Email => "email",
            Self::Device => "device",
            Self::Text => "text",
        }
    }
}

/// No identifier type has this name or code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no such identifier type; there are phone, card, iban, bank-account, resident-id, \
     credit-code, email, device and text"
)]
pub struct UnknownType;

impl fmt::Display for IdentifierType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for IdentifierType {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, UnknownType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or(UnknownType)
    }
}

impl BorshSerialize for IdentifierType {
    fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        self.code().serialize(writer)
    }
}

impl BorshDeserialize for IdentifierType {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        Self::from_code(u16::deserialize_reader(reader)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_permanent() {
        let pinned: Vec<(u16, &str)> = IdentifierType::ALL
            .into_iter()
            .map(|kind| (kind.code(), kind.name()))
            .collect();
        assert_eq!(
            pinned,
            [
                (1, "phone"),
                (2, "card"),
                (3, "iban"),
                (4, "bank-account"),
                (5, "resident-id"),
                (6, "credit-code"),
                (7, "email"),
                (8, "device"),
                (9, "text"),
            ]
        );
    }

    #[test]
    fn padding_is_no_identifier_type() {
        assert_eq!(
            IdentifierType::from_code(PADDING_TYPE_CODE),
            Err(UnknownType)
        );
        assert!(borsh::from_slice::<IdentifierType>(&[0, 0]).is_err());
        assert!(borsh::from_slice::<IdentifierType>(&[10, 0]).is_err());
    }

    #[test]
    fn a_type_survives_its_name_its_code_and_its_bytes() {
        for kind in IdentifierType::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(IdentifierType::from_code(kind.code()), Ok(kind));
            let bytes = borsh::to_vec(&kind).unwrap();
            assert_eq!(bytes, kind.code().to_le_bytes());
            assert_eq!(borsh::from_slice::<IdentifierType>(&bytes).unwrap(), kind);
        }
    }
}
