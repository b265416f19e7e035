//! One platform API operation.

use serde::{Deserialize, Serialize};

use super::{Product, Shape, Text};

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// `GET`, `POST`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// The method of that (upper-case) name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Method> {
        [
            Method::Get,
            Method::Post,
            Method::Put,
            Method::Patch,
            Method::Delete,
        ]
        .into_iter()
        .find(|method| method.name() == name)
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// No body.
    None,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// `multipart/form-data`.
    Multipart,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Text that is sent as it is.
    Raw,
    /// Bytes; as an answer: bytes on success, JSON on failure.
    Binary,
    /// CSV text.
    Csv,
}

/// May a call be repeated without asking?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Reads, or writes that say the same thing twice.
    Safe,
    /// Only when the request carries its idempotency key.
    Keyed,
    /// Never after a byte has left.
    Never,
}

/// Which credential a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// None, or credentials among the ordinary fields (token endpoints).
    None,
    /// The account's access token.
    AccessToken,
    /// The component's access token.
    ComponentAccessToken,
    /// The suite's access token.
    SuiteAccessToken,
    /// The provider's access token.
    ProviderAccessToken,
    /// The device's access token.
    DeviceAccessToken,
    /// The model's access token.
    ModelAccessToken,
    /// A user's OAuth token.
    Sns,
    /// A merchant's signature (v2 `sign` field or v3 `Authorization` header).
    Merchant,
    /// A group robot's webhook key.
    WebhookKey,
    /// Chatbot token in the path.
    Chatbot,
    /// Chatbot headers.
    Openai,
}

/// Which credential, and under which name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// Kind.
    pub kind: AuthKind,
    /// Query parameter that carries it; empty for signatures, headers and `none`.
    pub param: &'static str,
    /// How the kind is known.
    pub source: AuthSource,
}

/// How the kind of a credential is known. A parameter's name tells nothing: `access_token` carries an account's, a
/// third-party platform's and a provider's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthSource {
    /// Its page says so.
    Page,
    /// Public SDKs send this one.
    Sdk,
    /// From its neighbours and its path.
    #[default]
    Inferred,
}

/// Tells endpoints on one route apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Whether the value stands in the JSON body (else in the query).
    pub in_body: bool,
    /// Name of the parameter or field.
    pub name: &'static str,
    /// Its value.
    pub value: &'static str,
}

/// One path used in several shapes: names of the top-level fields of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Who uses it (`partner` …) or empty.
    pub audience: &'static str,
    /// Its request fields.
    pub request: Vec<&'static str>,
    /// Its answer fields.
    pub response: Vec<&'static str>,
}

/// A request with its answer, both as JSON text (or the raw form of the endpoint).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Request body as JSON; empty = none.
    pub request: &'static str,
    /// Answer as JSON; empty = none.
    pub response: &'static str,
}

/// One platform API operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `product.module.verb`.
    pub id: &'static str,
    /// Product.
    pub product: Product,
    /// Module, dotted: `message.custom`.
    pub module: &'static str,
    /// Verb: the last part of the id.
    pub verb: &'static str,
    /// Title by hand; empty where nobody has written one.
    pub title: Text,
    /// Explanation.
    pub about: Text,
    /// HTTP method.
    pub method: Method,
    /// Nobody documents the method; it was assumed.
    pub method_assumed: bool,
    /// Canonical host.
    pub host: &'static str,
    /// Path template: `/v3/pay/transactions/id/{transaction_id}`.
    pub path: &'static str,
    /// Other spellings of the path, older ones among them; with a method in front where it is another.
    pub path_alt: Vec<&'static str>,
    /// What tells it apart from others on the same route.
    pub when: Option<When>,
    /// The URL comes whole from an earlier answer.
    pub absolute_url: bool,
    /// Credential.
    pub auth: Auth,
    /// Form of the request body.
    pub content: Content,
    /// Second accepted form.
    pub content_alt: Option<Content>,
    /// Form of the answer.
    pub answer: Content,
    /// Second form of the answer.
    pub answer_alt: Option<Content>,
    /// Parameters in the path.
    pub path_params: Shape,
    /// Parameters in the query, without the credential.
    pub query: Shape,
    /// Header fields.
    pub headers: Shape,
    /// Request body.
    pub request: Shape,
    /// Answer, without the error envelope.
    pub response: Shape,
    /// The request body is a bare value (list …) instead of an object: name of the only field.
    pub request_bare: bool,
    /// Shapes of which `request` and `response` are the union.
    pub variants: Vec<Variant>,
    /// Names of code and message in the answer where the endpoint has its own.
    pub envelope: Option<[&'static str; 2]>,
    /// Rows of the permission table that cover it.
    pub permissions: Vec<&'static str>,
    /// Rows of the quota table that count it.
    pub quotas: Vec<&'static str>,
    /// Codes that it is known to answer with.
    pub errors: Vec<i64>,
    /// May it be repeated?
    pub retry: Retry,
    /// Pay v2: needs the client certificate.
    pub client_cert: bool,
    /// Some fields, or the whole body, are encrypted.
    pub encrypted: bool,
    /// Pay roles that may call it.
    pub roles: Vec<&'static str>,
    /// Other product lines whose pages describe it.
    pub lines: Vec<&'static str>,
    /// Shut down: ISO date or `true`; empty = alive.
    pub deprecated: &'static str,
    /// The path is real but its fields are unknown: free JSON in, free JSON out.
    pub partial: bool,
    /// Official pages.
    pub doc: Vec<&'static str>,
    /// Examples of our own.
    pub examples: Vec<Example>,
}

impl Endpoint {
    /// Everything that has fields, by its name in the catalog's files: what is sent, in the order of a request, then the
    /// answer.
    #[must_use]
    pub const fn shapes(&self) -> [(&'static str, &Shape); 5] {
        [
            ("path", &self.path_params),
            ("query", &self.query),
            ("headers", &self.headers),
            ("request", &self.request),
            ("response", &self.response),
        ]
    }

    /// Every method and path that is this endpoint, the canonical one first.
    pub fn routes(&self) -> impl Iterator<Item = (Method, &'static str)> + '_ {
        let others = self.path_alt.iter().map(|alternative| {
            let (method, path) = alternative.split_once(' ').unwrap_or(("", alternative));
            (Method::parse(method).unwrap_or(self.method), path)
        });
        std::iter::once((self.method, self.path)).chain(others)
    }

    /// The field names of the error envelope: `errcode`/`errmsg` unless the endpoint or product differs.
    #[must_use]
    pub fn code_field(&self) -> &'static str {
        match self.envelope {
            Some([code, _]) => code,
            None => match self.product {
                Product::PayV3 | Product::PayGlobal => "code",
                Product::PayV2 => "err_code",
                _ => "errcode",
            },
        }
    }
}

/// One line of the route index: enough to find an endpoint without unpacking its product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Endpoint id.
    pub id: &'static str,
    /// Product.
    pub product: Product,
    /// Position in the product's endpoint table.
    pub index: u32,
    /// Host.
    pub host: &'static str,
    /// Method.
    pub method: Method,
    /// Path template.
    pub path: &'static str,
    /// Discriminator.
    pub when: Option<When>,
    /// `path` is an alternative spelling.
    pub alternative: bool,
}
