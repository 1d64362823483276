//! The form of files that are handed on: a magic of 16 bytes that ends in the format's version, then the ledger's
//! canonical encoding.

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_ledger::kernel::codec::{self, CodecError};

/// One format of files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileFormat {
    /// The first bytes.
    pub(crate) magic: [u8; 16],
    /// Bytes of the largest file. None larger is looked into.
    pub(crate) max_bytes: usize,
}

/// Why bytes are no file of a format.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// They begin otherwise.
    #[error("it is of another format, or of another version of it")]
    Magic,
    /// They are too many.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// They do not decode.
    #[error(transparent)]
    Malformed(#[from] CodecError),
}

impl FileFormat {
    /// The bytes of a file.
    pub(crate) fn write(&self, content: &impl BorshSerialize) -> Vec<u8> {
        [self.magic.as_slice(), &codec::encode(content)].concat()
    }

    /// Reads bytes that came from anywhere.
    pub(crate) fn read<T: BorshDeserialize>(&self, bytes: &[u8]) -> Result<T, FormatError> {
        self.check_size(bytes)?;
        let content = bytes.strip_prefix(&self.magic).ok_or(FormatError::Magic)?;
        Ok(codec::decode(content)?)
    }

    /// Refuses more bytes than a file has.
    pub(crate) fn check_size(&self, bytes: &[u8]) -> Result<(), FormatError> {
        if bytes.len() > self.max_bytes {
            return Err(FormatError::TooLarge(self.max_bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: FileFormat = FileFormat {
        magic: *b"tacit test file1",
        max_bytes: 24,
    };

    #[test]
    fn a_file_reads_back_and_nothing_else_is_read() {
        let bytes = FORMAT.write(&7_u64);
        assert_eq!(FORMAT.read::<u64>(&bytes).unwrap(), 7);
        let mut other_version = bytes.clone();
        other_version[15] = b'2';
        assert!(matches!(
            FORMAT.read::<u64>(&other_version),
            Err(FormatError::Magic)
        ));
        assert!(matches!(
            FORMAT.read::<u64>(&bytes[..15]),
            Err(FormatError::Magic)
        ));
        assert!(matches!(
            FORMAT.read::<u64>(&bytes[..23]),
            Err(FormatError::Malformed(_))
        ));
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(
            FORMAT.read::<u64>(&longer),
            Err(FormatError::TooLarge(24))
        ));
    }
}
