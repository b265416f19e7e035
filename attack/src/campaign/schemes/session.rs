//! What pages and mini programs bring: page signatures, session signatures, encrypted server calls.

use std::sync::LazyLock;

use xinqiao_crypto::{
    jssdk,
    secure_api::{Binding, Sealed, SecureApiKey},
    session,
};

use super::{NOW, Sent, param, params};
use crate::{campaign::Verdict, chance::Chance};

const TICKET: &str =
    "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg";
const SESSION_KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "no UTF-8".to_owned())
}

pub(super) fn page(chance: &mut Chance) -> Sent {
    let nonce = format!("{:016x}", chance.draw());
    let url = format!(
        "https://shop.example.com/p/{}?from=a&b={}",
        chance.below(1000),
        chance.below(10)
    );
    let time = NOW - chance.below(60) as i64;
    let signature = jssdk::signature(TICKET, &nonce, time, &url);
    let fields = [
        ("noncestr", nonce.as_str()),
        ("timestamp", &time.to_string()),
        ("url", &url),
        ("signature", signature.as_str()),
    ];
    Sent {
        params: params(&fields),
        body: Vec::new(),
    }
}

/// The platform's check, whose text is what the signature covers: a nonce that holds `&timestamp=` is the same text.
pub(super) fn judge_page(sent: &Sent) -> Verdict {
    let text = |name| utf8(param(sent, name));
    let time = text("timestamp")?
        .parse::<i64>()
        .map_err(|_| "no time".to_owned())?;
    let (nonce, url) = (text("noncestr")?, text("url")?);
    if jssdk::signature(TICKET, nonce, time, url).as_str() != text("signature")? {
        return Err("another signature".to_owned());
    }
    let signed = jssdk::string_to_sign(TICKET, nonce, time, url);
    Ok(vec![("signed".to_owned(), signed.into_bytes())])
}

/// `rawData` of `wx.getUserInfo`, and the user's session signature over the same.
pub(super) fn raw_data(chance: &mut Chance) -> Sent {
    let body = format!("{{\"nickName\":\"{}\",\"gender\":1}}", chance.draw());
    let fields = [
        (
            "signature",
            session::raw_data_signature(&body, SESSION_KEY).to_string(),
        ),
        (
            "hmac",
            session::hmac(SESSION_KEY, body.as_bytes()).to_string(),
        ),
    ];
    let pairs = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    Sent {
        params: params(&pairs),
        body: body.into_bytes(),
    }
}

/// Accepted if either signature proves it.
pub(super) fn judge_raw_data(sent: &Sent) -> Verdict {
    let signature = utf8(param(sent, "signature"))?;
    let by_hmac = session::verify_hmac(SESSION_KEY, &sent.body, utf8(param(sent, "hmac"))?);
    let by_data = utf8(&sent.body).and_then(|body| {
        session::verify_raw_data(body, SESSION_KEY, signature)
            .map_err(|_| "the signature".to_owned())
    });
    if by_hmac.is_err() {
        let _proof = by_data?;
    }
    Ok(vec![("data".to_owned(), sent.body.clone())])
}

static SECURE: LazyLock<SecureApiKey> = LazyLock::new(|| {
    let key = SecureApiKey::parse(
        "otUpngOjU+nVQaWJIC3D/yMLV17RKaP6t4Ot9tbnzLY=",
        "fa05fe1e5bcc79b81ad5ad4b58acf787",
    );
    key.expect("a key of 32 bytes")
});

pub(super) fn secure(chance: &mut Chance) -> Sent {
    let (url, appid) = (
        "https://api.weixin.qq.com/wxa/getuserriskrank",
        "wxba6223c06417af7b",
    );
    let time = NOW - chance.below(60) as i64;
    let plain = format!(
        "{{\"_n\":\"{:x}\",\"_appid\":\"{appid}\",\"_timestamp\":{time}}}",
        chance.draw()
    );
    let sealed = SECURE.encrypt(
        plain.as_bytes(),
        chance.bytes(),
        Binding {
            url,
            appid,
            timestamp: time,
        },
    );
    let time = time.to_string();
    let fields = [
        ("url", url),
        ("appid", appid),
        ("timestamp", &*time),
        ("iv", &sealed.iv),
        ("data", &sealed.data),
        ("authtag", &sealed.authtag),
    ];
    Sent {
        params: params(&fields),
        body: Vec::new(),
    }
}

/// The text and the call that it belongs to; a URL's query is not part of it.
pub(super) fn judge_secure(sent: &Sent) -> Verdict {
    let text = |name| utf8(param(sent, name));
    let timestamp = text("timestamp")?
        .parse()
        .map_err(|_| "no time".to_owned())?;
    let binding = Binding {
        url: text("url")?,
        appid: text("appid")?,
        timestamp,
    };
    let sealed = Sealed {
        iv: text("iv")?.to_owned(),
        data: text("data")?.to_owned(),
        authtag: text("authtag")?.to_owned(),
    };
    let plain = SECURE.decrypt(&sealed, binding).map_err(|error| {
        let text = format!("{error:?}");
        text.split([' ', '{']).next().unwrap_or_default().to_owned()
    })?;
    let bound = SECURE.authenticated_data(binding);
    Ok(vec![
        ("plain".to_owned(), plain),
        ("bound".to_owned(), bound.into_bytes()),
    ])
}
