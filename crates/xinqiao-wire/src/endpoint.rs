//! What a client must know of an endpoint to call it, as statics in the generated crates.

use crate::record::Record;

/// Which credential a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Auth {
    /// None, or credentials among the ordinary fields.
    None,
    /// The token of an account, in the query parameter of that name.
    AccessToken(&'static str),
    /// The component's token.
    ComponentAccessToken(&'static str),
    /// The suite's token.
    SuiteAccessToken(&'static str),
    /// The provider's token.
    ProviderAccessToken(&'static str),
    /// The device's token.
    DeviceAccessToken(&'static str),
    /// The model's token.
    ModelAccessToken(&'static str),
    /// A user's OAuth token.
    Sns(&'static str),
    /// A merchant's signature.
    Merchant,
    /// A group robot's key.
    WebhookKey(&'static str),
    /// Chatbot token in the path.
    Chatbot,
    /// Chatbot headers.
    Openai,
}

/// Form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// None.
    None,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// `multipart/form-data`.
    Multipart,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Text as it is.
    Raw,
    /// Bytes; as an answer: bytes on success, JSON on failure.
    Binary,
    /// CSV.
    Csv,
}

/// May a call be repeated without asking?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Yes.
    Safe,
    /// If the request carries its idempotency key.
    Keyed,
    /// Never after a byte has left.
    Never,
}

/// The static side of an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct EndpointInfo {
    /// Catalog id.
    pub id: &'static str,
    /// Method, upper case.
    pub method: &'static str,
    /// Host.
    pub host: &'static str,
    /// Path template.
    pub path: &'static str,
    /// Fixed query value that tells it apart from others on its route.
    pub when: Option<(&'static str, &'static str)>,
    /// Credential.
    pub auth: Auth,
    /// Form of the request body.
    pub content: Content,
    /// Form of the answer.
    pub answer: Content,
    /// May it be repeated?
    pub retry: Retry,
    /// Name of the code in the answer's envelope.
    pub code_field: &'static str,
    /// Name of the message in the answer's envelope.
    pub message_field: &'static str,
    /// Pay v2: needs the client certificate.
    pub client_cert: bool,
    /// Rows of the permission table that cover it.
    pub permissions: &'static [&'static str],
}

/// A request type.
pub trait Endpoint: Record {
    /// Its answer.
    type Response: Record + Default;
    /// Its static side.
    const INFO: &'static EndpointInfo;
}
