//! Credentials from environment variables.

use std::fmt;

use xinqiao_crypto::pay_v3::Identity;
use xinqiao_types::{AesKeyText, AppId, AppSecret, CallbackToken, CorpId};

use crate::{
    client::{Client, ClientBuilder},
    error::Error,
    pay_v2, pay_v3,
    token::Component,
};

/// Gives a variable's value.
type Read = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Variables, of this process or of one's own.
///
/// | for | variables |
/// |---|---|
/// | an account | `WECHAT_APPID`, `WECHAT_SECRET` |
/// | its callbacks | `WECHAT_APPID`, `WECHAT_TOKEN`, `WECHAT_AES_KEY` |
/// | a WeCom agent | `WECOM_CORPID`, `WECOM_SECRET` |
/// | a third-party platform | `WECHAT_COMPONENT_APPID`, `WECHAT_COMPONENT_SECRET` |
/// | a merchant, APIv3 | `WECHAT_PAY_MCHID`, `WECHAT_PAY_SERIAL`, `WECHAT_PAY_KEY_FILE` (`apiclient_key.pem`), `WECHAT_PAY_V3_KEY`; in public-key mode also `WECHAT_PAY_PUBLIC_KEY_ID` and `WECHAT_PAY_PUBLIC_KEY_FILE` |
/// | a merchant, APIv2 | `WECHAT_PAY_MCHID`, `WECHAT_PAY_V2_KEY`; for calls that show it, `WECHAT_PAY_CERT_FILE` (`apiclient_cert.p12`) |
/// | another platform | `WECHAT_BASE_URL` stands in for the host of what is read; `XINQIAO_HOST_API_WEIXIN_QQ_COM` and the like for one host each |
///
/// What `xinqiao exec` and `xinqiao env` set (`XINQIAO_APPID`, `XINQIAO_SECRET`, `XINQIAO_TOKEN`, `XINQIAO_AES_KEY`)
/// goes before `WECHAT_…`, all of it or nothing, so that a real secret never goes with a simulated account.
///
/// An error names every variable that is missing, not the first alone. An empty variable is missing.
///
/// What a third-party platform keeps (its ticket, the authorizers' refresh tokens) is lost at a restart unless
/// [`Component`] is given a vault.
pub struct Environment {
    read: Box<Read>,
}

/// What verifies an account's callbacks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallbackSettings {
    /// The account.
    pub appid: AppId,
    /// What signatures are made with.
    pub token: CallbackToken,
    /// What messages are sealed with.
    pub aes_key: AesKeyText,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::process()
    }
}

impl Client {
    /// A client for an account, from `WECHAT_APPID` and `WECHAT_SECRET`: [`Environment`] tells more, and has more.
    ///
    /// # Errors
    /// A variable is missing or cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        Environment::process().account()?.build()
    }
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    /// Variables of one's own.
    ///
    /// ```
    /// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
    /// use xinqiao::Environment;
    ///
    /// let error = Environment::of(|_| None).account().unwrap_err();
    /// let text = error.to_string();
    /// assert!(text.contains("WECHAT_APPID") && text.contains("WECHAT_SECRET"));
    /// ```
    #[must_use]
    pub fn of(read: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            read: Box::new(read),
        }
    }

    /// The variable that names what stands in for a host.
    ///
    /// ```
    /// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
    /// let name = xinqiao::Environment::host_variable("api.weixin.qq.com");
    /// assert_eq!(name, "XINQIAO_HOST_API_WEIXIN_QQ_COM");
    /// ```
    #[must_use]
    pub fn host_variable(host: &str) -> String {
        let name = host.replace(['.', '-'], "_").to_ascii_uppercase();
        format!("XINQIAO_HOST_{name}")
    }

    /// An account.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn account(&self) -> Result<ClientBuilder, Error> {
        let [appid, secret] = self.account_values(["APPID", "SECRET"])?;
        Ok(self.hosts(Client::builder(appid).secret(secret), "api.weixin.qq.com"))
    }

    /// What verifies an account's callbacks.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn callback(&self) -> Result<CallbackSettings, Error> {
        let [appid, token, aes_key] = self.account_values(["APPID", "TOKEN", "AES_KEY"])?;
        Ok(CallbackSettings {
            appid: appid.into(),
            token: token.into(),
            aes_key: aes_key.into(),
        })
    }

    /// An agent of a WeCom corp.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn corp(&self) -> Result<ClientBuilder, Error> {
        let [corpid, secret] = self.values(["WECOM_CORPID", "WECOM_SECRET"])?;
        let builder = Client::corp_builder(CorpId::from(corpid), AppSecret::from(secret));
        Ok(self.hosts(builder, "qyapi.weixin.qq.com"))
    }

    /// A third-party platform, and a client for it.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn component(&self) -> Result<(Component, ClientBuilder), Error> {
        let names = ["WECHAT_COMPONENT_APPID", "WECHAT_COMPONENT_SECRET"];
        let [appid, secret] = self.values(names)?;
        let component = Component::new(appid.as_str(), secret);
        let builder = Client::builder(appid).component(&component);
        Ok((component, self.hosts(builder, "api.weixin.qq.com")))
    }

    /// A merchant of APIv3, and a client for it.
    ///
    /// # Errors
    /// A variable is missing, a file cannot be read, or a key is none.
    pub fn pay_v3(&self) -> Result<(pay_v3::Merchant, ClientBuilder), Error> {
        let [id, file] = ["WECHAT_PAY_PUBLIC_KEY_ID", "WECHAT_PAY_PUBLIC_KEY_FILE"];
        let mut names = vec![
            "WECHAT_PAY_MCHID",
            "WECHAT_PAY_SERIAL",
            "WECHAT_PAY_KEY_FILE",
            "WECHAT_PAY_V3_KEY",
        ];
        // Of these two, one alone is a mistake.
        if self.get(id).is_some() || self.get(file).is_some() {
            names.extend([id, file]);
        }
        let values = self.all(&names)?;
        let [mchid, serial, key, v3_key, public @ ..] = values.as_slice() else {
            return Err(Error::Config("no merchant".into()));
        };
        let wrong = |name: &str, error: &dyn fmt::Display| {
            Error::Config(format!("what {name} names cannot be used: {error}").into())
        };
        let pem = text(names[2], key)?;
        let merchant =
            pay_v3::Merchant::new(mchid.as_str(), serial.as_str(), &pem, v3_key.as_str());
        let mut merchant =
            merchant.map_err(|error| wrong("WECHAT_PAY_KEY_FILE or WECHAT_PAY_V3_KEY", &error))?;
        if let [id, path] = public {
            let pem = text(file, path)?;
            let known = merchant.with_public_key(id.as_str(), &pem);
            merchant = known.map_err(|error| wrong(file, &error))?;
        }
        let builder = Client::builder(mchid.as_str()).merchant(merchant.clone());
        Ok((merchant, self.hosts(builder, "api.mch.weixin.qq.com")))
    }

    /// A merchant of APIv2, and a client for it.
    ///
    /// # Errors
    /// A variable is missing, or the certificate cannot be read.
    pub fn pay_v2(&self) -> Result<(pay_v2::Merchant, ClientBuilder), Error> {
        let [mchid, key] = self.values(["WECHAT_PAY_MCHID", "WECHAT_PAY_V2_KEY"])?;
        let mut merchant = pay_v2::Merchant::new(mchid.as_str(), key);
        let file = "WECHAT_PAY_CERT_FILE";
        if let Some(path) = self.get(file) {
            // WECHAT: the file's password is the merchant's number.
            let identity = Identity::from_pkcs12(&bytes(file, &path)?, &mchid);
            let identity = identity.map_err(|error| {
                Error::Config(format!("what {file} names cannot be used: {error}").into())
            })?;
            merchant = merchant.with_identity(identity);
        }
        let builder = Client::builder(mchid).merchant(merchant.clone());
        Ok((merchant, self.hosts(builder, "api.mch.weixin.qq.com")))
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.read)(name).filter(|value| !value.is_empty())
    }

    /// Values of an account, of the prefix that this environment has.
    fn account_values<const N: usize>(&self, names: [&str; N]) -> Result<[String; N], Error> {
        let simulated = self.get("XINQIAO_APPID").is_some();
        let prefix = if simulated { "XINQIAO" } else { "WECHAT" };
        let names = names.map(|name| format!("{prefix}_{name}"));
        self.values(names.each_ref().map(String::as_str))
    }

    fn values<const N: usize>(&self, names: [&str; N]) -> Result<[String; N], Error> {
        let values = self.all(&names)?;
        values
            .try_into()
            .map_err(|_| Error::Config("the environment changed".into()))
    }

    /// The values of these names, or all of them that are missing.
    fn all(&self, names: &[&str]) -> Result<Vec<String>, Error> {
        let found: Vec<_> = names.iter().map(|name| self.get(name)).collect();
        let missing: Vec<_> = names
            .iter()
            .zip(&found)
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| *name)
            .collect();
        if missing.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        let reason = format!("the environment lacks {}", missing.join(", "));
        Err(Error::Config(reason.into()))
    }

    /// What stands in for hosts: `main` is the one that the credential is for.
    fn hosts(&self, mut builder: ClientBuilder, main: &str) -> ClientBuilder {
        if let Some(origin) = self.get("WECHAT_BASE_URL") {
            builder = builder.endpoint(main, origin);
        }
        for host in xinqiao_catalog::hosts() {
            if let Some(origin) = self.get(&Self::host_variable(host.name)) {
                builder = builder.endpoint(host.name, origin);
            }
        }
        builder
    }
}

fn bytes(name: &str, path: &str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| {
        Error::Config(format!("the file `{path}` of {name} cannot be read: {error}").into())
    })
}

fn text(name: &str, path: &str) -> Result<String, Error> {
    let text = String::from_utf8(bytes(name, path)?);
    text.map_err(|_| Error::Config(format!("the file `{path}` of {name} is no PEM text").into()))
}
