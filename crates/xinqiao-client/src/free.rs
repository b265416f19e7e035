//! Calls with free JSON, made from the catalog at run time.

use std::{borrow::Cow, fmt, future::IntoFuture, time::Duration};

use bytes::Bytes;
use serde_json::{Map, Value};
use xinqiao_catalog::{
    AuthKind, Content, Endpoint, Field, Origin, Spelling, TypeRef,
    rules::retry::{Policy, is_idempotency_key},
};
use xinqiao_types::{AccessToken, Entropy};
use xinqiao_wire::{Auth, Content as WireContent, Download, FilePart, response, xml::Writer};

use crate::{
    answer::{Answer, Envelope, message_field},
    client::Client,
    error::{Error, Refusal},
    execute::{Options, Prepared},
    file_stream::FileStream,
    multipart::{self, Part},
    pay_v3::Marks,
    precheck,
    transport::{Body, BoxFuture},
    url,
};

/// A call with free JSON that has not been sent yet. Awaiting it sends it and gives the answer as JSON.
///
/// Cancel safety: dropping the future abandons the call; whether the platform has seen it is unknown.
#[must_use = "a call does nothing until it is awaited"]
pub struct FreeCall {
    client: Client,
    endpoint: Result<&'static Endpoint, Error>,
    fields: Value,
    files: Vec<(String, FilePart)>,
    options: Options,
}

impl fmt::Debug for FreeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The fields may hold a secret: token calls are made this way.
        let id = self
            .endpoint
            .as_ref()
            .map_or("unknown endpoint", |endpoint| endpoint.id);
        write!(f, "FreeCall({id})")
    }
}

impl FreeCall {
    pub(crate) fn new(client: Client, endpoint: &str, fields: Value) -> Self {
        let endpoint = xinqiao_catalog::endpoint(endpoint).ok_or_else(|| {
            Error::Config(format!("the catalog knows no endpoint `{endpoint}`").into())
        });
        Self {
            client,
            endpoint,
            fields,
            files: Vec::new(),
            options: Options::default(),
        }
    }

    /// Adds a file under the name of its part, for instance `media`: one in memory ([`FilePart`]) or one
    /// that is read while it is sent ([`crate::Upload`]).
    pub fn file(mut self, part: impl Into<String>, file: impl Into<FilePart>) -> Self {
        self.files.push((part.into(), file.into()));
        self
    }

    /// How many bytes of the answer are taken, instead of what the client is set to.
    pub const fn limit(mut self, bytes: u64) -> Self {
        self.options.limit = Some(bytes);
        self
    }

    /// How long one attempt may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// How often and how fast to repeat what may be repeated.
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.options.policy = Some(policy);
        self
    }

    /// Never repeats the call, except once with a new token. Without this it is repeated as the client is set to,
    /// where the catalog says that it may be: reads always, what carries its idempotency key with it, all else
    /// only if no byte left.
    pub const fn once(self) -> Self {
        self.policy(Policy::NEVER)
    }

    /// The token for this call: a user's (`/sns/*`), a robot's key, or any other instead of the
    /// client's. It is not renewed.
    pub fn token(mut self, token: impl Into<AccessToken>) -> Self {
        self.options.token = Some(token.into());
        self
    }

    /// Sends the call and gives the answer as a file that is still arriving.
    ///
    /// # Errors
    /// As awaiting the call; an answer that is an error in JSON is an [`Error::Api`], one that only says where the
    /// file lies an [`Error::Fields`].
    pub async fn stream(mut self) -> Result<FileStream, Error> {
        let (_, prepared) = self.prepare().await?;
        self.client.execute_stream(&prepared, &self.options).await
    }

    /// Sends the call and gives the answer as a file in memory.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub async fn download(self) -> Result<Download, Error> {
        let is_file = self
            .endpoint
            .as_ref()
            .is_ok_and(|known| response::is_file(content(known.answer)));
        let answer = self.answer().await?;
        let answer = if is_file { answer.only_file()? } else { answer };
        Ok(answer.into_download())
    }

    /// Lays the fields out, and encrypts those that must travel encrypted.
    async fn prepare(&mut self) -> Result<(&'static Endpoint, Prepared), Error> {
        let endpoint = std::mem::replace(&mut self.endpoint, Err(Error::Config("".into())))?;
        let entropy = &*self.client.inner.settings.entropy;
        let (fields, files) = (self.fields.take(), std::mem::take(&mut self.files));
        let fields = self.client.fill_chatbot(endpoint, fields);
        let mut prepared = prepare(endpoint, fields, files, entropy)?;
        if let Some(merchant) = &self.client.inner.merchant {
            let marks = Marks::Catalog(endpoint.product, &endpoint.request.fields);
            merchant.seal(&self.client, marks, &mut prepared).await?;
        }
        self.client.seal_chatbot(&mut prepared)?;
        Ok((endpoint, prepared))
    }

    /// Sends the call and gives the answer as it came.
    ///
    /// # Errors
    /// As awaiting the call.
    pub async fn answer(mut self) -> Result<Answer, Error> {
        let (endpoint, prepared) = self.prepare().await?;
        let mut answer = self.client.execute(&prepared, &self.options).await?;
        if let Some(merchant) = &self.client.inner.merchant {
            let marks = Marks::Catalog(endpoint.product, &endpoint.response.fields);
            if let Some(body) = merchant.unseal(endpoint.id, marks, &answer).await? {
                answer.body = body;
            }
        }
        Ok(answer)
    }
}

impl IntoFuture for FreeCall {
    type Output = Result<Value, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.answer().await?.json() })
    }
}

/// Lays free fields out over path, query and body, as the catalog says.
fn prepare(
    endpoint: &'static Endpoint,
    fields: Value,
    files: Vec<(String, FilePart)>,
    entropy: &dyn Entropy,
) -> Result<Prepared, Error> {
    let refuse = |reason: String| Error::Preflight {
        endpoint: endpoint.id,
        reason: Refusal::Request(reason.into()),
    };
    let mut fields = match fields {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        bare if endpoint.request_bare => {
            Map::from_iter([(first_name(&endpoint.request.fields).to_owned(), bare)])
        }
        _ => return Err(refuse("the fields must be a JSON object".to_owned())),
    };
    precheck::fields(endpoint.id, || Value::Object(fields.clone()))?;
    let kind = fields
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    for (_, file) in &files {
        precheck::check(endpoint.id, kind, file)?;
    }
    let path = url::fill(endpoint.path, |name| {
        let value = fields.get(name)?;
        Some(Cow::Owned(plain(value, None)))
    })
    .map_err(|name| refuse(format!("the path needs `{name}`")))?;
    for param in &endpoint.path_params.fields {
        fields.shift_remove(param.name);
    }
    let mut query = Vec::new();
    if let Some(when) = endpoint.when
        && !when.in_body
    {
        query.push((when.name.to_owned(), when.value.to_owned()));
        fields.shift_remove(when.name);
    }
    // Fields that stand in query and body alike (`clear_quota/v2`) go into the body.
    let in_body = |name: &str| endpoint.request.field(name).is_some();
    for field in endpoint
        .query
        .fields
        .iter()
        .filter(|field| !in_body(field.name))
    {
        if let Some(value) = fields.shift_remove(field.name) {
            query.push((field.name.to_owned(), plain(&value, Some(field))));
        }
    }
    let keyed = fields.iter().any(|(name, value)| {
        is_idempotency_key(name) && value.as_str().is_some_and(|key| !key.is_empty())
    });
    let auth = auth(endpoint);
    if let Auth::Sns(param) | Auth::WebhookKey(param) = auth
        && let Some(value) = fields.shift_remove(param)
    {
        query.push((param.to_owned(), plain(&value, None)));
    }
    let mut signed = None;
    let (content_type, body) = match endpoint.content {
        Content::None => {
            // Nothing goes into a body, so what is left belongs into the query too.
            query.extend(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), plain(value, None))),
            );
            (None, Body::default())
        }
        Content::Json => {
            if let Some(when) = endpoint.when.filter(|when| when.in_body) {
                fields.entry(when.name).or_insert_with(|| when.value.into());
            }
            let value = match fields.values().next() {
                Some(bare) if endpoint.request_bare => bare.clone(),
                _ => Value::Object(fields),
            };
            (
                Some("application/json; charset=utf-8".to_owned()),
                Body::from(value.to_string()),
            )
        }
        Content::Form => {
            let pairs: Vec<_> = fields
                .iter()
                .map(|(name, value)| (name.clone(), plain(value, None)))
                .collect();
            let form = url::join("", "", &pairs, None)
                .trim_start_matches('?')
                .to_owned();
            (
                Some("application/x-www-form-urlencoded".to_owned()),
                Body::from(form),
            )
        }
        Content::Multipart => {
            let parts = parts(endpoint, &fields, files);
            signed = parts.iter().find_map(|part| match part {
                Part::Text {
                    value,
                    content_type: Some(_),
                    ..
                } => Some(Bytes::from(value.clone())),
                _ => None,
            });
            let (kind, body) = multipart::write(parts, entropy).map_err(refuse)?;
            (Some(kind), body)
        }
        Content::Raw | Content::Binary | Content::Csv => {
            let text = || Some("text/plain; charset=utf-8".to_owned());
            match (files.into_iter().next(), fields.values().next()) {
                (Some((_, file)), _) => {
                    let kind = file.media_type().to_owned();
                    let piece = multipart::content(file).map_err(refuse)?;
                    (Some(kind), Body::from_iter([piece]))
                }
                (None, Some(Value::String(plain))) => (text(), Body::from(plain.clone())),
                (None, Some(value)) => (text(), Body::from(value.to_string())),
                (None, None) => (text(), Body::default()),
            }
        }
        Content::Xml => (
            Some("text/xml; charset=utf-8".to_owned()),
            Body::from(xml(endpoint, &fields)),
        ),
    };
    Ok(Prepared {
        method: endpoint.method.name(),
        host: endpoint.host,
        path,
        query,
        headers: Vec::new(),
        content_type,
        body,
        signed,
        auth,
        repeat: endpoint.retry,
        keyed,
        permissions: &endpoint.permissions,
        envelope: Envelope {
            endpoint: endpoint.id,
            code_field: endpoint.code_field(),
            message_field: message_field(endpoint),
            answer: content(endpoint.answer),
        },
    })
}

/// Fields as XML. What the client fills in stands there, empty if it was not given.
fn xml(endpoint: &Endpoint, fields: &Map<String, Value>) -> String {
    let mut xml = Writer::with_capacity(512);
    xml.open("xml");
    for (name, value) in fields {
        xml.cdata(name, &plain(value, endpoint.request.field(name)));
    }
    let ours = |field: &&Field| matches!(field.origin, Origin::Auto | Origin::Credential);
    for field in endpoint.request.fields.iter().filter(ours) {
        if field.required && !fields.contains_key(field.name) {
            xml.cdata(field.name, "");
        }
    }
    xml.close("xml");
    xml.finish()
}

fn first_name(fields: &[Field]) -> &'static str {
    fields.first().map_or("", |field| field.name)
}

fn parts(
    endpoint: &Endpoint,
    fields: &Map<String, Value>,
    files: Vec<(String, FilePart)>,
) -> Vec<Part> {
    let text = fields.iter().map(|(name, value)| {
        let field = endpoint.request.field(name);
        let is_json = field.is_some_and(|field| field.wire == Spelling::JsonPart);
        let content_type = is_json.then_some("application/json");
        Part::Text {
            name: name.clone(),
            value: plain(value, field),
            content_type,
        }
    });
    let mut parts: Vec<Part> = text.collect();
    parts.extend(files.into_iter().map(|(name, file)| {
        // A part without a name is the endpoint's only file.
        let name = match name.as_str() {
            "" => {
                let file = endpoint
                    .request
                    .fields
                    .iter()
                    .find(|field| field.ty == TypeRef::File);
                file.map_or("media", |field| field.name).to_owned()
            }
            _ => name,
        };
        Part::File { name, file }
    }));
    parts
}

/// A value as it stands in a path, a query or a form.
fn plain(value: &Value, field: Option<&Field>) -> String {
    let spelling = field.map(|field| field.wire).unwrap_or_default();
    let separator = match spelling {
        Spelling::Pipe => "|",
        Spelling::Semicolon => ";",
        _ => ",",
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(value) => match spelling {
            Spelling::BoolInt => if *value { "1" } else { "0" }.to_owned(),
            Spelling::BoolYn => if *value { "Y" } else { "N" }.to_owned(),
            _ => value.to_string(),
        },
        Value::Array(items)
            if matches!(
                spelling,
                Spelling::Comma | Spelling::Pipe | Spelling::Semicolon
            ) =>
        {
            items
                .iter()
                .map(|item| plain(item, None))
                .collect::<Vec<_>>()
                .join(separator)
        }
        other => other.to_string(),
    }
}

fn auth(endpoint: &'static Endpoint) -> Auth {
    let param = endpoint.auth.param;
    match endpoint.auth.kind {
        AuthKind::None => Auth::None,
        AuthKind::AccessToken => Auth::AccessToken(param),
        AuthKind::ComponentAccessToken => Auth::ComponentAccessToken(param),
        AuthKind::SuiteAccessToken => Auth::SuiteAccessToken(param),
        AuthKind::ProviderAccessToken => Auth::ProviderAccessToken(param),
        AuthKind::DeviceAccessToken => Auth::DeviceAccessToken(param),
        AuthKind::ModelAccessToken => Auth::ModelAccessToken(param),
        AuthKind::Sns => Auth::Sns(param),
        AuthKind::Merchant => Auth::Merchant,
        AuthKind::WebhookKey => Auth::WebhookKey(param),
        AuthKind::Chatbot => Auth::Chatbot,
        AuthKind::Openai => Auth::Openai,
    }
}

fn content(content: Content) -> WireContent {
    match content {
        Content::None => WireContent::None,
        Content::Json => WireContent::Json,
        Content::Xml => WireContent::Xml,
        Content::Multipart => WireContent::Multipart,
        Content::Form => WireContent::Form,
        Content::Raw => WireContent::Raw,
        Content::Binary => WireContent::Binary,
        Content::Csv => WireContent::Csv,
    }
}
