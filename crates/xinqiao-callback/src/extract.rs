//! The arguments of handlers.

use std::sync::Arc;

use xinqiao_types::OpenId;
use xinqiao_wire::{EventBody, MessageBody, Pushes};

use crate::delivery::Delivery;

/// Takes something out of a delivery. If it is not there, the handler does not fit.
pub trait Extract: Sized + Send + 'static {
    /// Takes it out.
    fn extract(delivery: &Arc<Delivery>) -> Option<Self>;
}

/// A user's message of one type, of any product: `Message<official_account::message::Text>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<T>(pub T);

impl<T: MessageBody> Extract for Message<T> {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        delivery.message.get().map(Self)
    }
}

/// What happened, of one type and any product: `Event<work::event::ChangeContact>`, or with an `InfoType`
/// `Event<open_platform::info::Authorized>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<T>(pub T);

impl<T: EventBody> Extract for Event<T> {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        delivery.message.get().map(Self)
    }
}

/// One of everything that a product pushes, `Pushed<work::Push>`: fits always, and is `Push::Other` where there is
/// no type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed<E>(pub E);

impl<E: Pushes<Other = xinqiao_message::Message>> Extract for Pushed<E> {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        let message = &delivery.message;
        Some(Self(
            message.typed().unwrap_or_else(|| E::other(message.clone())),
        ))
    }
}

/// Who sent it; not there if the message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(pub OpenId);

impl Extract for Sender {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        let message = &delivery.message;
        let from = || Self(OpenId::new(message.head.from.as_str()));
        message.reading().is_read().then(from)
    }
}

/// The original id (`gh_…`) of the account that it was sent to; not there if the message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(pub String);

impl Extract for Account {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        let message = &delivery.message;
        message
            .reading()
            .is_read()
            .then(|| Self(message.head.to.clone()))
    }
}

/// Everything, of whatever type: fits always, also where [`Reading`](xinqiao_message::inbound::Reading) says
/// that the message cannot be read.
#[derive(Debug, Clone)]
pub struct Whole(pub Arc<Delivery>);

impl Extract for Whole {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        Some(Self(Arc::clone(delivery)))
    }
}
