//! Async functions as handlers.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::{
    delivery::{Answer, Delivery, IntoAnswer},
    extract::Extract,
};

/// A handler at work.
pub(crate) type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A handler whose arguments are no longer known.
pub(crate) type Erased = Box<dyn Fn(&Arc<Delivery>) -> Option<Work> + Send + Sync>;

/// An async function whose arguments can be taken out of a delivery.
///
/// It is implemented for functions and closures of up to four arguments that are [`Extract`] and that
/// return what is [`IntoAnswer`].
pub trait Handler<Arguments>: Send + Sync + 'static {
    /// Starts the handler, or says that it does not fit.
    fn start(
        &self,
        delivery: &Arc<Delivery>,
    ) -> Option<Pin<Box<dyn Future<Output = Answer> + Send>>>;
}

pub(crate) fn erase<A, H: Handler<A>>(handler: H) -> Erased {
    Box::new(move |delivery| handler.start(delivery))
}

macro_rules! handlers {
    ($(($($argument:ident $name:ident),*))+) => {$(
        impl<F, Fut, Out, $($argument,)*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Out> + Send + 'static,
            Out: IntoAnswer,
            $($argument: Extract,)*
        {
            fn start(&self, delivery: &Arc<Delivery>) -> Option<Work> {
                // A handler without arguments fits whatever came.
                let _ = delivery;
                $(let $name = $argument::extract(delivery)?;)*
                let work = self($($name),*);
                Some(Box::pin(async move { work.await.into_answer() }))
            }
        }
    )+};
}

handlers! { () (A a) (A a, B b) (A a, B b, C c) (A a, B b, C c, D d) }
