//! A mini program's log-in (小程序登录) and what its session key opens.
//!
//! A session key never leaves the server and never prints. Data that does not decrypt was mostly encrypted
//! with another key than the newest: a new log-in may replace it while the page still holds the old one. So
//! keep the last two, and try both ([`decrypt_with`]). A phone number needs no session key at all
//! ([`phone_number`]).
//!
//! Invariant: decrypted data is given out only if its watermark names the account.
//!
//! Source: `mini_program.sns.js_code_2_session`, `mini_program.wxa.check_session`,
//! `mini_program.wxa.business.get_user_phone_number` of the catalog.

use std::fmt;

use serde_json::{Value, json};
use xinqiao_catalog::id::{mini_program, open_platform, work};
use xinqiao_crypto::{Genuine, Mismatch, encrypted_data, session};
use xinqiao_types::{AppId, AppSecret, CorpId, OpenId, UnionId};
use xinqiao_wire::response;

use crate::{client::Client, error::Error, token::text};

/// The key of a user's session. `Debug` does not show it.
#[derive(Clone)]
pub struct SessionKey(AppSecret);

impl SessionKey {
    /// A key that was stored.
    pub fn new(text: impl Into<String>) -> Self {
        Self(AppSecret::new(text))
    }

    /// The key itself, to store it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Checks the signature that came with `rawData` (`signature` of `wx.getUserInfo`).
    ///
    /// # Errors
    /// The data was changed, or signed with another key.
    pub fn verify_raw_data(&self, raw_data: &str, signature: &str) -> Result<Genuine, Mismatch> {
        session::verify_raw_data(raw_data, self.expose(), signature)
    }

    /// The user's session signature (用户登录态签名) over a body that may be empty.
    pub fn sign(&self, body: &[u8]) -> String {
        session::hmac(self.expose(), body).to_string()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(***)")
    }
}

/// A user who has logged in to a mini program.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Session {
    /// The user, for this program.
    pub openid: OpenId,
    /// The user, for every account of the same open-platform account, if there is one.
    pub unionid: Option<UnionId>,
    /// What the user's data is encrypted with.
    pub key: SessionKey,
}

/// Why encrypted data was not given out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A text was damaged on its way to us: no key can open it, and no new log-in helps.
    #[error("{rule}: {0}", rule = .0.rule())]
    Damaged(encrypted_data::EncryptedDataError),
    /// It does not decrypt with any key that was given.
    #[error("session_key.stale: {0}; log in again, or use a code where the platform offers one")]
    Decrypt(encrypted_data::EncryptedDataError),
    /// What came out is no JSON: it was another key, with which the padding happens to look right.
    #[error("session_key.stale: what was decrypted is no JSON; log in again")]
    Json(#[from] xinqiao_wire::DecodeError),
    /// It was made for another account.
    #[error("the data was made for `{found}`, not for this account")]
    Watermark {
        /// The account it names.
        found: Box<str>,
    },
    /// No key was given.
    #[error("no session key was given")]
    NoKey,
}

impl From<encrypted_data::EncryptedDataError> for OpenError {
    fn from(error: encrypted_data::EncryptedDataError) -> Self {
        match error {
            encrypted_data::EncryptedDataError::Padding => Self::Decrypt(error),
            _ => Self::Damaged(error),
        }
    }
}

/// Exchanges the code of `wx.login`.
///
/// The client needs its secret, or the third-party platform that acts for the program.
///
/// # Errors
/// 40029 the code is not known, 40163 it was used, 40226 the platform blocks the user.
pub async fn login(client: &Client, code: &str) -> Result<Session, Error> {
    let appid = client.appid().as_str();
    let mut fields = json!({"grant_type": "authorization_code", "appid": appid, "js_code": code});
    let endpoint = if let Some(component) = client.component() {
        fields["component_appid"] = component.appid().as_str().into();
        open_platform::sns::COMPONENT_JS_CODE_2_SESSION
    } else {
        let endpoint = mini_program::sns::JS_CODE_2_SESSION;
        fields["secret"] = client.secret_for(endpoint)?.expose().into();
        endpoint
    };
    let answer = client.call(endpoint, fields).await?;
    let unionid = answer.get("unionid").and_then(Value::as_str);
    Ok(Session {
        openid: OpenId::from(text(endpoint, &answer, "openid")?),
        unionid: unionid.filter(|id| !id.is_empty()).map(UnionId::from),
        key: SessionKey::new(text(endpoint, &answer, "session_key")?),
    })
}

/// A member who has logged in to a mini program inside WeCom (企业微信).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkSession {
    /// The member's corp.
    pub corpid: CorpId,
    /// The member, for this corp; encrypted for a third-party application.
    pub userid: String,
    /// The member, for a provider across its applications; of a third-party application only.
    pub open_userid: Option<String>,
    /// What the member's data is encrypted with.
    pub key: SessionKey,
}

/// Exchanges the code of `wx.qy.login`: with the agent's token, or with the application's for a client of a
/// suite.
///
/// # Errors
/// 40029 the code is not known, or was used.
pub async fn login_work(client: &Client, code: &str) -> Result<WorkSession, Error> {
    let endpoint = if client.is_suite() {
        work::service::MINI_PROGRAM_JS_CODE_2_SESSION
    } else {
        work::mini_program::JS_CODE_2_SESSION
    };
    let fields = json!({"js_code": code, "grant_type": "authorization_code"});
    let answer = client.call(endpoint, fields).await?;
    let open_userid = answer.get("open_userid").and_then(Value::as_str);
    Ok(WorkSession {
        corpid: CorpId::from(text(endpoint, &answer, "corpid")?),
        userid: text(endpoint, &answer, "userid")?.to_owned(),
        open_userid: open_userid.filter(|id| !id.is_empty()).map(str::to_owned),
        key: SessionKey::new(text(endpoint, &answer, "session_key")?),
    })
}

/// Asks the platform whether a session key is still the user's.
///
/// # Errors
/// 87009 it is not.
pub async fn check(client: &Client, openid: &OpenId, key: &SessionKey) -> Result<(), Error> {
    let fields = json!({
        "openid": openid.as_str(),
        "signature": key.sign(b""),
        "sig_method": "hmac_sha256",
    });
    let call = client.call(mini_program::wxa::CHECK_SESSION, fields);
    call.await.map(|_| ())
}

/// A user's phone number.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneNumber {
    /// With country code, if it is abroad.
    pub number: String,
    /// Without country code.
    pub pure: String,
    /// Country code.
    pub country: String,
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber(+{} ***)", self.country)
    }
}

impl PhoneNumber {
    /// Reads what [`decrypt`] gave for `getPhoneNumber`, or what the platform answered for a code.
    fn read(info: &Value) -> Option<Self> {
        let of = |name: &str| info.get(name).and_then(Value::as_str).map(str::to_owned);
        // WECHAT: the country code is a number in some answers.
        let country = info.get("countryCode").map(|code| match code {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        Some(Self {
            number: of("phoneNumber")?,
            pure: of("purePhoneNumber")?,
            country: country.unwrap_or_default(),
        })
    }
}

/// Exchanges the code of the phone-number button. It is not the code of `wx.login`.
///
/// # Errors
/// 40029 the code is not known: used, older than five minutes, or of `wx.login`.
pub async fn phone_number(client: &Client, code: &str) -> Result<PhoneNumber, Error> {
    let endpoint = mini_program::wxa::business::GET_USER_PHONE_NUMBER;
    let answer = client.call(endpoint, json!({"code": code})).await?;
    let info = answer.get("phone_info").unwrap_or(&Value::Null);
    PhoneNumber::read(info).ok_or_else(|| Error::Decode {
        endpoint,
        path: "phone_info".into(),
        source: "the number is missing".into(),
    })
}

/// Decrypts what a page got from `wx.getUserInfo` and the like, for this account.
///
/// # Errors
/// Another key or another account.
pub fn decrypt(
    appid: &AppId,
    key: &SessionKey,
    encrypted_data: &str,
    iv: &str,
) -> Result<Value, OpenError> {
    decrypt_with(appid, &[key], encrypted_data, iv)
}

/// As [`decrypt`], with the first of several keys that fits: the newest first.
///
/// # Errors
/// No key fits, or the data was made for another account.
pub fn decrypt_with(
    appid: &AppId,
    keys: &[&SessionKey],
    encrypted_data: &str,
    iv: &str,
) -> Result<Value, OpenError> {
    let mut first = None;
    for key in keys {
        // A wrong key can leave a padding that looks right: what it gives is no JSON then.
        let opened = encrypted_data::decrypt(key.expose(), encrypted_data, iv)
            .map_err(OpenError::from)
            .and_then(|plain| Ok(response::value(&plain)?));
        match opened {
            Ok(data) => {
                let found = data.pointer("/watermark/appid").and_then(Value::as_str);
                let found = found.unwrap_or_default();
                return if found == appid.as_str() {
                    Ok(data)
                } else {
                    Err(OpenError::Watermark {
                        found: found.into(),
                    })
                };
            }
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    Err(first.unwrap_or(OpenError::NoKey))
}

/// Decrypts the phone number of an old page (`encryptedData` of `getPhoneNumber`).
///
/// # Errors
/// As [`decrypt_with`]; data that holds no number is [`OpenError::Json`]'s neighbour `None`.
pub fn decrypt_phone(
    appid: &AppId,
    keys: &[&SessionKey],
    encrypted_data: &str,
    iv: &str,
) -> Result<Option<PhoneNumber>, OpenError> {
    let data = decrypt_with(appid, keys, encrypted_data, iv)?;
    Ok(PhoneNumber::read(&data))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IV: [u8; 16] = [7; 16];

    fn sealed(key: &SessionKey, appid: &str) -> String {
        let plain = json!({
            "phoneNumber": "13800000000", "purePhoneNumber": "13800000000", "countryCode": 86,
            "watermark": {"appid": appid, "timestamp": 1_700_000_000},
        });
        encrypted_data::encrypt(key.expose(), plain.to_string().as_bytes(), &IV).unwrap()
    }

    #[test]
    fn the_older_of_two_keys_is_tried_too() {
        let old = SessionKey::new("AAAAAAAAAAAAAAAAAAAAAA==");
        let new = SessionKey::new("BBBBBBBBBBBBBBBBBBBBBA==");
        let appid = AppId::new("wx1");
        let iv = "BwcHBwcHBwcHBwcHBwcHBw==";
        let data = sealed(&old, "wx1");
        let phone = decrypt_phone(&appid, &[&new, &old], &data, iv).unwrap();
        assert_eq!(phone.unwrap().country, "86");
        let error = decrypt(&appid, &new, &data, iv).unwrap_err();
        assert!(matches!(error, OpenError::Decrypt(_) | OpenError::Json(_)));
        let error = decrypt(&AppId::new("wx2"), &old, &data, iv).unwrap_err();
        assert!(matches!(error, OpenError::Watermark { found } if &*found == "wx1"));
        assert!(matches!(
            decrypt_with(&appid, &[], &data, iv),
            Err(OpenError::NoKey)
        ));
    }

    #[test]
    fn damaged_texts_are_not_blamed_on_the_session_key() {
        let key = SessionKey::new("+/+/AAAAAAAAAAAAAAAAAA==");
        let appid = AppId::new("wx1");
        let iv = "BwcHBwcHBwcHBwcHBwcHBw==";
        let data = sealed(&key, "wx1");
        assert!(decrypt(&appid, &key, &data, iv).is_ok());
        let form = |text: &str| text.replace('+', " ");
        let twice = |text: &str| {
            text.replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D")
        };
        #[track_caller]
        fn check(opened: Result<Value, OpenError>, rule: &str, field: &str) {
            let error = opened.unwrap_err();
            assert!(matches!(error, OpenError::Damaged(_)), "{error}");
            let text = error.to_string();
            assert!(text.starts_with(rule) && text.contains(field), "{text}");
            assert!(
                !text.contains("stale") && !text.contains("log in"),
                "{text}"
            );
        }
        let blank = format!("{} {}", &data[..9], &data[10..]);
        check(
            decrypt(&appid, &key, &blank, iv),
            "base64.space: ",
            "`encryptedData`",
        );
        check(
            decrypt(&appid, &key, &twice(&data), iv),
            "base64.percent: ",
            "`encryptedData`",
        );
        check(
            decrypt(&appid, &key, &data, &form("Bwc+BwcHBwcHBwcHBwcHBw==")),
            "base64.space: ",
            "`iv`",
        );
        check(
            decrypt(&appid, &key, &data, &twice(iv)),
            "base64.percent: ",
            "`iv`",
        );
        check(
            decrypt(&appid, &key, &data, &iv[..20]),
            "encrypted_data.length: ",
            "`iv`",
        );
        check(
            decrypt(&appid, &key, &data[..20], iv),
            "encrypted_data.length: ",
            "",
        );
        let broken = SessionKey::new(form(key.expose()));
        check(
            decrypt(&appid, &broken, &data, iv),
            "base64.space: ",
            "`session_key`",
        );
        let broken = SessionKey::new(twice(key.expose()));
        check(
            decrypt(&appid, &broken, &data, iv),
            "base64.percent: ",
            "`session_key`",
        );
        // The key really is another.
        let other = SessionKey::new("BBBBBBBBBBBBBBBBBBBBBA==");
        let error = decrypt(&appid, &other, &data, iv).unwrap_err();
        assert!(
            error.to_string().starts_with("session_key.stale: "),
            "{error}"
        );
    }

    #[test]
    fn keys_and_numbers_do_not_print() {
        let key = SessionKey::new("AAAAAAAAAAAAAAAAAAAAAA==");
        assert_eq!(format!("{key:?}"), "SessionKey(***)");
        let phone = PhoneNumber {
            number: "138".to_owned(),
            pure: "138".to_owned(),
            country: "86".to_owned(),
        };
        assert_eq!(format!("{phone:?}"), "PhoneNumber(+86 ***)");
    }
}
