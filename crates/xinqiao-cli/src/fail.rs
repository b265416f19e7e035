//! How a command ends: 0 it worked, 1 the thing failed, 2 it was called wrongly.

use std::process::ExitCode;

use crate::lang::Lang;

/// Why a command ended early, and with which code.
#[derive(Debug)]
pub(crate) struct Fail {
    /// The text for standard error; empty when everything was said already.
    pub(crate) message: String,
    /// 1: the thing failed. 2: it was called wrongly. Others are passed on from a child.
    pub(crate) code: u8,
}

impl Fail {
    /// The caller asked for something that makes no sense or is not built.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// The thing itself failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// Everything was said; only the code is left.
    pub(crate) fn silent(code: u8) -> Self {
        Self {
            message: String::new(),
            code,
        }
    }
}

impl From<anyhow::Error> for Fail {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(crate::chinese::chain(&error, Lang::settled()))
    }
}

/// What every command returns.
pub(crate) type Outcome = Result<(), Fail>;

/// Says what there is to say and gives the process's exit code.
pub(crate) fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => {
            if !fail.message.is_empty() {
                crate::talk::say(format_args!("xinqiao: {}", fail.message));
            }
            ExitCode::from(fail.code)
        }
    }
}
