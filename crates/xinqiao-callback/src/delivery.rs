//! What a handler gets and gives.

use xinqiao_message::{Message, Reply};
use xinqiao_types::CallbackMode;

/// A verified message on its way to a handler.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The message or event.
    pub message: Message,
    /// How it came.
    pub mode: CallbackMode,
}

impl Delivery {
    /// A delivery, as for a test of a handler.
    pub const fn new(message: Message, mode: CallbackMode) -> Self {
        Self { message, mode }
    }
}

/// What a handler says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: the platform is told that the message was received.
    Silent,
    /// This reply.
    Reply(Reply),
}

/// What a handler may return.
pub trait IntoAnswer {
    /// Turns it into an answer.
    fn into_answer(self) -> Answer;
}

impl IntoAnswer for Answer {
    fn into_answer(self) -> Answer {
        self
    }
}

impl IntoAnswer for () {
    fn into_answer(self) -> Answer {
        Answer::Silent
    }
}

impl IntoAnswer for Reply {
    fn into_answer(self) -> Answer {
        Answer::Reply(self)
    }
}

/// A text. An empty one is silence.
///
/// WECHAT: a reply with an empty text is an illegal answer, for which the user sees a failure notice.
impl IntoAnswer for String {
    fn into_answer(self) -> Answer {
        if self.is_empty() {
            Answer::Silent
        } else {
            Answer::Reply(Reply::text(self))
        }
    }
}

impl IntoAnswer for &str {
    fn into_answer(self) -> Answer {
        self.to_owned().into_answer()
    }
}

impl<A: IntoAnswer> IntoAnswer for Option<A> {
    fn into_answer(self) -> Answer {
        self.map_or(Answer::Silent, IntoAnswer::into_answer)
    }
}

/// An error is logged and answered with silence: the user must not see it, and the platform must not
/// repeat the message.
impl<A: IntoAnswer, E: std::fmt::Display> IntoAnswer for Result<A, E> {
    fn into_answer(self) -> Answer {
        match self {
            Ok(answer) => answer.into_answer(),
            Err(error) => {
                tracing::error!(error = %error, "Handler failed.");
                Answer::Silent
            }
        }
    }
}
