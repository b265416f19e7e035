//! Makers of all generated types by catalog id.

use xinqiao_catalog::Product;
use xinqiao_wire::Record;

use crate::generated;
use crate::index::Kind;

/// Makes an empty record.
pub type Maker = fn() -> Box<dyn Record>;

/// The maker of one type.
pub(crate) fn make<T: Record + Default + 'static>() -> Box<dyn Record> {
    Box::new(T::default())
}

type Tables = (
    &'static [(&'static str, Maker, Maker)],
    &'static [(&'static str, Maker)],
);

fn tables(product: Product) -> Tables {
    match product {
        Product::OfficialAccount => (
            generated::official_account::ENDPOINTS,
            generated::official_account::EVENTS,
        ),
        Product::MiniProgram => (
            generated::mini_program::ENDPOINTS,
            generated::mini_program::EVENTS,
        ),
        Product::OpenPlatform => (
            generated::open_platform::ENDPOINTS,
            generated::open_platform::EVENTS,
        ),
        Product::Channels => (generated::channels::ENDPOINTS, generated::channels::EVENTS),
        Product::PayV2 => (generated::pay_v2::ENDPOINTS, generated::pay_v2::EVENTS),
        Product::PayV3 => (generated::pay_v3::ENDPOINTS, generated::pay_v3::EVENTS),
        Product::PayBusiness => (
            generated::pay_business::ENDPOINTS,
            generated::pay_business::EVENTS,
        ),
        Product::PayGlobal => (
            generated::pay_global::ENDPOINTS,
            generated::pay_global::EVENTS,
        ),
        Product::Work => (generated::work::ENDPOINTS, generated::work::EVENTS),
        Product::Ads => (generated::ads::ENDPOINTS, generated::ads::EVENTS),
        Product::Chatbot => (generated::chatbot::ENDPOINTS, generated::chatbot::EVENTS),
    }
}

/// An empty record of that kind and id.
#[must_use]
pub fn find(kind: Kind, id: &str) -> Option<Box<dyn Record>> {
    match kind {
        Kind::Request => request(id),
        Kind::Response => response(id),
        Kind::Event => event(id),
    }
}

/// An empty request of that endpoint.
pub fn request(id: &str) -> Option<Box<dyn Record>> {
    let (endpoints, _) = tables(Product::of_id(id)?);
    let at = endpoints
        .binary_search_by(|(known, _, _)| (*known).cmp(id))
        .ok()?;
    endpoints.get(at).map(|(_, make, _)| make())
}

/// An empty answer of that endpoint.
pub fn response(id: &str) -> Option<Box<dyn Record>> {
    let (endpoints, _) = tables(Product::of_id(id)?);
    let at = endpoints
        .binary_search_by(|(known, _, _)| (*known).cmp(id))
        .ok()?;
    endpoints.get(at).map(|(_, _, make)| make())
}

/// An empty event.
pub fn event(id: &str) -> Option<Box<dyn Record>> {
    let (_, events) = tables(Product::of_id(id)?);
    let at = events
        .binary_search_by(|(known, _)| (*known).cmp(id))
        .ok()?;
    events.get(at).map(|(_, make)| make())
}
