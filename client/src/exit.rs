//! Exit codes that scripts can use.

use std::process::ExitCode;

/// How a command ended. Of several that apply, the later one in this order holds: a screening with a hit that is
/// incomplete is incomplete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: it was done; of a screening, every answer is clear.
    #[default]
    Clear,
    /// 1: a screening has at least one hit.
    Hit,
    /// 3: a screening lacks an answer that it should have.
    Incomplete,
    /// 2: the command line or a file is wrong.
    Usage,
    /// 4: it could not be run.
    CouldNotRun,
}

impl Exit {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::Hit => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::CouldNotRun => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_outranks_a_hit_and_a_hit_outranks_clear() {
        assert_eq!(Exit::Hit.max(Exit::Incomplete).code(), 3);
        assert_eq!(Exit::Clear.max(Exit::Hit).code(), 1);
        assert_eq!(Exit::default().code(), 0);
    }
}
