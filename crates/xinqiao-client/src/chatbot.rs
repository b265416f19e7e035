//! The credential of the chatbot (微信对话开放平台).
//!
//! Of the interface of today (`openaiapi`) every request is signed with the bot's token and carries an
//! access token that lives two hours; it is fetched with the bot's appid. Of the older one the token stands
//! in the path and what is sent is encrypted like a callback, under the bot's `EncodingAESKey`.
//!
//! Source: doc pages "接入智能对话", "第三方客服系统接入".

use std::{fmt, sync::Arc};

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Endpoint, id::chatbot as id};
use xinqiao_crypto::{AesKey, AesKeyError, MessageCipher};
use xinqiao_types::{AccessToken, AppId, AppSecret};
use xinqiao_wire::{Auth, xml::Writer};

use crate::{
    client::Client,
    error::{Error, Refusal},
    execute::Prepared,
    merchant::secret_header,
    token::{Fetch, Fetched, Flies, Flight, TokenKind, Want},
    transport::Outgoing,
};

/// Seconds that an access token lives; the answer does not tell.
const LIFETIME: i64 = 7200;
/// Calls of the older interface that are sent as they are.
const PLAIN: [&str; 3] = [id::base::AI_BOT, id::base::SIGN, id::base::GET_BIND_LIST];

/// A bot's credential. Cheap to clone; clones share the access token.
#[derive(Clone)]
pub struct Chatbot(Arc<Inner>);

struct Inner {
    flight: Flight,
    own: Own,
    cipher: Option<MessageCipher>,
}

#[derive(Debug, Clone)]
struct Own {
    appid: AppId,
    token: AppSecret,
    account: Option<String>,
}

impl fmt::Debug for Chatbot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chatbot")
            .field("appid", &self.0.own.appid)
            .finish_non_exhaustive()
    }
}

impl Chatbot {
    /// A bot with the appid and the token that its page shows, and the account that acts: the name of the
    /// bot's manager or developer.
    pub fn new(
        appid: impl Into<AppId>,
        token: impl Into<AppSecret>,
        account: impl Into<String>,
    ) -> Self {
        Self(Arc::new(Inner {
            flight: Flight::default(),
            own: Own {
                appid: appid.into(),
                token: token.into(),
                account: Some(account.into()).filter(|account| !account.is_empty()),
            },
            cipher: None,
        }))
    }

    /// With the bot's `EncodingAESKey`, which calls of the older interface are encrypted with.
    ///
    /// # Errors
    /// The key has not 43 characters.
    pub fn with_aes_key(self, key: &str) -> Result<Self, AesKeyError> {
        let own = self.0.own.clone();
        let cipher = MessageCipher::new(&AesKey::parse(key)?, own.appid.as_str());
        Ok(Self(Arc::new(Inner {
            flight: Flight::default(),
            own,
            cipher: Some(cipher),
        })))
    }

    /// The bot.
    pub fn appid(&self) -> &AppId {
        &self.0.own.appid
    }

    /// Puts the headers in that every call of today's interface carries.
    pub(crate) fn sign(
        &self,
        client: &Client,
        request: &Prepared,
        token: Option<&AccessToken>,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        let own = &self.0.own;
        let nonce = client.nonce().to_ascii_lowercase();
        let timestamp = client.inner.settings.clock.unix().0;
        let body = outgoing.body.concat();
        let sign = xinqiao_crypto::chatbot::sign(own.token.expose(), timestamp, &nonce, &body);
        let mut put = |name: &'static str, value: Option<HeaderValue>| {
            let value = value.ok_or_else(|| Error::Credential {
                endpoint: request.envelope.endpoint,
                reason: format!("what stands in `{name}` is no text for a header").into(),
            })?;
            outgoing
                .headers
                .insert(HeaderName::from_static(name), value);
            Ok(())
        };
        match token {
            Some(token) => put("x-openai-token", secret_header(token.expose()))?,
            None => put("x-appid", HeaderValue::from_str(own.appid.as_str()).ok())?,
        }
        put("request_id", HeaderValue::from_str(&client.nonce()).ok())?;
        put("timestamp", Some(HeaderValue::from(timestamp)))?;
        put("nonce", HeaderValue::from_str(&nonce).ok())?;
        put("sign", HeaderValue::from_str(sign.as_str()).ok())
    }
}

impl Flies for Chatbot {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.0.flight, &self.0.own)
    }
}

impl Fetch for Own {
    async fn fetch(&self, client: &Client, _want: Want) -> Result<Fetched, Error> {
        let endpoint = id::v2::TOKEN;
        let account = self.account.as_ref().ok_or_else(|| Error::Credential {
            endpoint,
            reason: "the account that acts is missing: name it in `Chatbot::new`".into(),
        })?;
        let answer = client.call(endpoint, json!({"account": account})).await?;
        let token = answer.pointer("/data/access_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| Error::Decode {
            endpoint,
            path: "data.access_token".into(),
            source: "the field is missing".into(),
        })?;
        Ok(Fetched {
            token: AccessToken::new(token),
            lifetime: LIFETIME,
        })
    }
}

impl Client {
    /// The bot, for a call that needs it.
    pub(crate) fn chatbot(&self, endpoint: &'static str) -> Result<&Chatbot, Error> {
        let bot = self.inner.sources.chatbot.as_ref();
        bot.ok_or_else(|| Error::Credential {
            endpoint,
            reason: TokenKind::Chatbot.remedy().into(),
        })
    }

    /// Puts the bot's token among the fields of a call of the older interface, unless it is there.
    pub(crate) fn fill_chatbot(&self, endpoint: &Endpoint, mut fields: Value) -> Value {
        if endpoint.auth.kind == AuthKind::Chatbot
            && let Some(bot) = &self.inner.sources.chatbot
            && let Some(param) = endpoint.path_params.fields.first()
        {
            if fields.is_null() {
                fields = json!({});
            }
            if let Some(object) = fields.as_object_mut() {
                let token = bot.0.own.token.expose();
                object.entry(param.name).or_insert_with(|| token.into());
            }
        }
        fields
    }

    /// Encrypts a call of the older interface: its fields become XML, and that one field of JSON.
    pub(crate) fn seal_chatbot(&self, request: &mut Prepared) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        let is_json = request
            .content_type
            .as_deref()
            .is_some_and(|kind| kind.starts_with("application/json"));
        if request.auth != Auth::Chatbot || !is_json || PLAIN.contains(&endpoint) {
            return Ok(());
        }
        let Some(cipher) = &self.chatbot(endpoint)?.0.cipher else {
            return Err(Error::Credential {
                endpoint,
                reason: "this call is encrypted: give the bot its `EncodingAESKey` with \
                         `Chatbot::with_aes_key`"
                    .into(),
            });
        };
        let body = request.body.concat();
        let fields = serde_json::from_slice(&body).map_err(|error| Error::Preflight {
            endpoint,
            reason: Refusal::Request(error.to_string().into()),
        })?;
        let mut xml = Writer::with_capacity(body.len() * 2);
        xml.open("xml");
        write(&mut xml, &fields);
        xml.close("xml");
        let entropy = &self.inner.settings.entropy;
        let mut random = [0; 16];
        random[..8].copy_from_slice(&entropy.next_u64().to_be_bytes());
        random[8..].copy_from_slice(&entropy.next_u64().to_be_bytes());
        let sealed = cipher.encrypt(random, xml.finish().as_bytes());
        request.body = json!({"encrypt": sealed}).to_string().into();
        Ok(())
    }
}

/// Writes the fields of an object, lists as elements of one name.
fn write(xml: &mut Writer, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => {
                for item in items {
                    element(xml, name, item);
                }
            }
            one => element(xml, name, one),
        }
    }
}

fn element(xml: &mut Writer, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) => {
            xml.cdata(name, text);
        }
        Value::Object(_) => {
            xml.open(name);
            write(xml, value);
            xml.close(name);
        }
        other => {
            xml.text(name, &other.to_string());
        }
    }
}
