//! The arguments of handlers.

use std::sync::Arc;

use xinqiao_message::inbound::{Body, EventBody, MessageBody};
use xinqiao_types::OpenId;

use crate::delivery::Delivery;

/// Takes something out of a delivery. If it is not there, the handler does not fit.
pub trait Extract: Sized + Send + 'static {
    /// Takes it out.
    fn extract(delivery: &Arc<Delivery>) -> Option<Self>;
}

/// A user's message of one type, for instance `Message<inbound::Text>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<T>(pub T);

impl<T: MessageBody + Clone> Extract for Message<T> {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        match &delivery.message.body {
            Body::Content(content) => T::peek(content).cloned().map(Self),
            Body::Event(_) | Body::Info(_) => None,
        }
    }
}

/// An event of one type, for instance `Event<inbound::Subscribe>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<T>(pub T);

impl<T: EventBody + Clone> Extract for Event<T> {
    fn extract(delivery: &Arc<Delivery>) -> Option<Self> {
        match &delivery.message.body {
            Body::Event(event) => T::peek(event).cloned().map(Self),
            Body::Content(_) | Body::Info(_) => None,
        }
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
