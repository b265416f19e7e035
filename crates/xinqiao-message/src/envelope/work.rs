//! WeCom's four kinds of receive id (企业微信 receiveid).
//!
//! WeCom seals every callback for somebody: a corp, a provider, an application, or nobody. Which one it is
//! follows from the URL that the callback came to, never from its content: the outer `ToUserName` may name
//! the provider on a grant of a corp.
//!
//! Source: doc pages 91144 and 97172; "WeCom differences" of the callback rules.

use xinqiao_crypto::{AesKey, callback, message::RANDOM_LEN};
use xinqiao_types::{CallbackToken, CorpId, percent::encode_into};

use super::{EnvelopeError, Keys, SealedPush};
use crate::inbound::Form;

/// Whom a WeCom callback is sealed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkReceiver<'a> {
    /// An agent of one's own corp (自建应用): the corp.
    Agent {
        /// The corp.
        corp: &'a CorpId,
    },
    /// A provider's URL when it is saved (both URLs): the provider's own corp.
    ProviderCheck {
        /// The provider.
        provider: &'a CorpId,
    },
    /// A provider's data URL (数据回调): the corp that installed the application. Put `$CORPID$` into the URL
    /// to learn which one.
    Data {
        /// The corp.
        corp: &'a CorpId,
    },
    /// A provider's command URL (指令回调): the application.
    Command {
        /// The suite.
        suite: &'a str,
    },
    /// A third-party application of a person, not of a company: nobody.
    Personal,
}

impl WorkReceiver<'_> {
    /// What the ciphertext carries.
    pub fn id(&self) -> &str {
        match self {
            Self::Agent { corp } | Self::Data { corp } => corp.as_str(),
            Self::ProviderCheck { provider } => provider.as_str(),
            Self::Command { suite } => suite,
            Self::Personal => "",
        }
    }
}

impl Keys {
    /// Settings of a WeCom URL, which is always encrypted.
    ///
    /// A provider's URLs have one token and key but several receivers: [`Keys::work_suite`] takes them
    /// all; or make keys for each callback, with [`WorkReceiver::ProviderCheck`] for GET and the URL's own
    /// kind for POST.
    pub fn work(token: CallbackToken, key: &AesKey, receiver: WorkReceiver<'_>) -> Self {
        Self::new(token, receiver.id()).with_aes_key(key)
    }

    /// Settings of both URLs of a provider's application, data and commands, with all their receivers.
    pub fn work_suite(token: CallbackToken, key: &AesKey, suite: &str, provider: &CorpId) -> Self {
        Self::new(token, suite)
            .with_aes_key(key)
            .with_provider(provider.as_str())
    }
}

/// The query of the check that the console makes when an agent's URL is saved: `echostr` is sealed for the keys'
/// receiver, and the answer must be what is in it.
///
/// Fails only if there is no key.
pub fn work_url_query(
    keys: &Keys,
    timestamp: i64,
    nonce: &str,
    echostr: &str,
    random: [u8; RANDOM_LEN],
) -> Result<String, EnvelopeError> {
    let cipher = keys.cipher.as_ref().ok_or(EnvelopeError::NoAesKey)?;
    let sealed = cipher.encrypt(random, echostr.as_bytes());
    let mut query = signed(keys, timestamp, nonce, &sealed);
    query.push_str("&echostr=");
    encode_into(&sealed, &mut query);
    Ok(query)
}

/// Wraps an agent's message: `corp` and `agent` stand outside, sealed is it for the keys' receiver.
///
/// Fails only if there is no key.
pub fn seal_work_push(
    keys: &Keys,
    plain: &str,
    corp: &str,
    agent: &str,
    timestamp: i64,
    nonce: &str,
    random: [u8; RANDOM_LEN],
) -> Result<SealedPush, EnvelopeError> {
    let cipher = keys.cipher.as_ref().ok_or(EnvelopeError::NoAesKey)?;
    let sealed = cipher.encrypt(random, plain.as_bytes());
    let room = sealed.len() + corp.len() + agent.len() + 128;
    let mut out = xinqiao_wire::xml::Writer::with_capacity(room);
    out.open("xml")
        .cdata("ToUserName", corp)
        .cdata("Encrypt", &sealed)
        .cdata("AgentID", agent)
        .close("xml");
    Ok(SealedPush {
        query: signed(keys, timestamp, nonce, &sealed),
        body: out.finish(),
        content_type: Form::Xml.content_type(),
    })
}

/// WECHAT: a WeCom query has no plain signature and does not say that the body is encrypted; it always is.
fn signed(keys: &Keys, timestamp: i64, nonce: &str, sealed: &str) -> String {
    let time = timestamp.to_string();
    let signature = callback::signature(&[keys.token.expose(), &time, nonce, sealed]);
    let mut query = format!("msg_signature={signature}&timestamp={time}&nonce=");
    encode_into(nonce, &mut query);
    query
}

#[cfg(test)]
mod tests {
    use xinqiao_types::UnixSeconds;

    use super::*;
    use crate::envelope::{CallbackQuery, EnvelopeError, Push, open, seal_push, verify_url};

    fn sealed_and_opened(
        by: WorkReceiver<'_>,
        with: WorkReceiver<'_>,
    ) -> Result<(), EnvelopeError> {
        let key =
            AesKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").expect("43 characters");
        let token = || CallbackToken::new("token");
        let push = Push {
            plain: "<xml><ToUserName>ww1</ToUserName><MsgType>text</MsgType></xml>",
            // WECHAT: the outer name does not tell the receiver.
            to_user_name: "wwprovider",
            openid: "",
        };
        let keys = Keys::work(token(), &key, by);
        let pushed = seal_push(&keys, &push, 1_700_000_000, "n", [1; 16])?;
        let keys = Keys::work(token(), &key, with);
        let query = CallbackQuery::parse(&pushed.query);
        open(
            &keys,
            &query,
            pushed.body.as_bytes(),
            UnixSeconds(1_700_000_000),
        )
        .map(|_| ())
    }

    #[test]
    fn each_of_the_four_receivers_opens_its_own_only() {
        let (corp, provider) = (CorpId::new("ww1"), CorpId::new("wwprovider"));
        let all = [
            WorkReceiver::Agent { corp: &corp },
            WorkReceiver::ProviderCheck {
                provider: &provider,
            },
            WorkReceiver::Command { suite: "ww-suite" },
            WorkReceiver::Personal,
        ];
        for by in all {
            for with in all {
                let opened = sealed_and_opened(by, with);
                assert_eq!(opened.is_ok(), by == with, "{by:?} {with:?}: {opened:?}");
            }
        }
        assert!(sealed_and_opened(all[0], WorkReceiver::Data { corp: &corp }).is_ok());
    }

    #[test]
    fn an_agents_check_and_push_are_opened_with_its_keys() {
        let key =
            AesKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").expect("43 characters");
        let corp = CorpId::new("ww1");
        let keys = Keys::work("token".into(), &key, WorkReceiver::Agent { corp: &corp });
        let now = UnixSeconds(1_700_000_000);
        let asked = work_url_query(&keys, now.0, "n", "4711", [2; 16]).expect("there is a key");
        let echo = verify_url(&keys, &CallbackQuery::parse(&asked), now).expect("it is ours");
        assert_eq!(echo.body(), "4711");
        let plain = "<xml><MsgType>text</MsgType></xml>";
        let pushed = seal_work_push(&keys, plain, "ww1", "1000002", now.0, "n", [3; 16])
            .expect("there is a key");
        assert!(
            pushed
                .body
                .contains("<AgentID><![CDATA[1000002]]></AgentID>")
        );
        assert!(!pushed.query.starts_with("signature"), "{}", pushed.query);
        let query = CallbackQuery::parse(&pushed.query);
        let opened = open(&keys, &query, pushed.body.as_bytes(), now).expect("it is ours");
        assert_eq!(opened.xml, plain.as_bytes());
    }

    #[test]
    fn a_suites_address_has_a_receiver_for_each_kind_and_method() {
        let key =
            AesKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").expect("43 characters");
        let provider = CorpId::new("wwprovider");
        let suite = Keys::work_suite("token".into(), &key, "ww-suite", &provider);
        let now = UnixSeconds(1_700_000_000);
        for (by, receiver, is_check) in [
            ("ww-suite", Some(None), false),
            ("ww1", Some(Some("ww1")), false),
            ("wpAbc-_9", Some(Some("wpAbc-_9")), false),
            ("wwprovider", Some(Some("wwprovider")), true),
            ("", None, false),
            ("></xml>ww1", None, false),
        ] {
            let sealed = Keys::new("token".into(), by).with_aes_key(&key);
            let push = Push {
                plain: "<xml><MsgType>text</MsgType></xml>",
                to_user_name: "wwprovider",
                openid: "",
            };
            let pushed = seal_push(&sealed, &push, now.0, "n", [1; 16]).expect("there is a key");
            let query = CallbackQuery::parse(&pushed.query);
            let opened = open(&suite, &query, pushed.body.as_bytes(), now);
            let found = opened.map(|opened| opened.receiver.map(String::from));
            assert_eq!(found.as_ref().ok().map(Option::as_deref), receiver, "{by}");
            let echo = sealed
                .cipher
                .as_ref()
                .expect("it has")
                .encrypt([2; 16], b"4711");
            let signature =
                xinqiao_crypto::callback::signature(&["token", "1700000000", "n", &*echo]);
            let query = CallbackQuery {
                msg_signature: Some(signature.as_str().into()),
                timestamp: Some("1700000000".into()),
                nonce: Some("n".into()),
                echostr: Some(echo.into()),
                ..CallbackQuery::default()
            };
            let checked = verify_url(&suite, &query, now);
            assert_eq!(checked.is_ok(), is_check, "{by}: {checked:?}");
            if let Err(EnvelopeError::ReceiverId { found, expected }) = checked {
                assert_eq!((&*found, &*expected), (by, "wwprovider"));
            }
        }
    }
}
