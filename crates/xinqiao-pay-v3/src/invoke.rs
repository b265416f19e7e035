//! What a client needs to open the cashier (调起支付), signed where it must be.
//!
//! What a page hears afterwards (`ok`, `cancel`, `fail`) is a hint: the truth is a query or a notice.
//! In partner mode `appid` is the sub-merchant's if the order was placed for it; the key is always the
//! caller's.
//!
//! Source: doc pages "JSAPI调起支付", "APP调起支付", "小程序调起支付", "H5调起支付".

use serde_json::{Value, json};
use xinqiao_client::{Client, Error, Merchant};
use xinqiao_crypto::pay_v3::invoke_message;
use xinqiao_types::percent;
use xinqiao_types::{AppId, MchId};

/// Parameters for a page inside WeChat (`getBrandWCPayRequest`) or a mini program (`wx.requestPayment`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Jsapi {
    /// The account whose page or mini program this is.
    pub appid: AppId,
    /// Seconds since 1970, as text.
    pub timestamp: String,
    /// Random text.
    pub nonce: String,
    /// `prepay_id=…`.
    pub package: String,
    /// The signature.
    pub pay_sign: String,
}

impl Jsapi {
    /// The object to give to `WeixinJSBridge.invoke` or `wx.requestPayment`.
    ///
    /// WECHAT: `wx.chooseWXPay` wants the time as `timestamp`, everything else as `timeStamp`.
    pub fn to_json(&self) -> Value {
        json!({
            "appId": self.appid.as_str(),
            "timeStamp": self.timestamp,
            "nonceStr": self.nonce,
            "package": self.package,
            "signType": "RSA",
            "paySign": self.pay_sign,
        })
    }
}

/// Parameters for an app (`PayReq`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct App {
    /// The app.
    pub appid: AppId,
    /// The merchant.
    pub partnerid: MchId,
    /// The order's prepay id.
    pub prepayid: String,
    /// Random text.
    pub nonce: String,
    /// Seconds since 1970, as text.
    pub timestamp: String,
    /// The signature.
    pub sign: String,
}

impl App {
    /// The fields of `PayReq`.
    pub fn to_json(&self) -> Value {
        json!({
            "appid": self.appid.as_str(),
            "partnerid": self.partnerid.as_str(),
            "prepayid": self.prepayid,
            "package": "Sign=WXPay",
            "noncestr": self.nonce,
            "timestamp": self.timestamp,
            "sign": self.sign,
        })
    }
}

/// Parameters for a page inside WeChat.
///
/// Cancel safety: nothing happens but lost work.
///
/// # Errors
/// The client has no merchant of the third generation.
pub async fn jsapi(
    client: &Client,
    appid: impl Into<AppId>,
    prepay_id: &str,
) -> Result<Jsapi, Error> {
    let appid = appid.into();
    let package = format!("prepay_id={prepay_id}");
    let signed = sign(client, &appid, &package).await?;
    Ok(Jsapi {
        appid,
        timestamp: signed.timestamp,
        nonce: signed.nonce,
        package,
        pay_sign: signed.signature,
    })
}

/// Parameters for a mini program: the same as for a page.
///
/// # Errors
/// As [`jsapi`].
pub async fn mini_program(
    client: &Client,
    appid: impl Into<AppId>,
    prepay_id: &str,
) -> Result<Jsapi, Error> {
    jsapi(client, appid, prepay_id).await
}

/// Parameters for an app. `partnerid` is the merchant's number that the app belongs to.
///
/// # Errors
/// As [`jsapi`].
pub async fn app(
    client: &Client,
    appid: impl Into<AppId>,
    partnerid: impl Into<MchId>,
    prepay_id: &str,
) -> Result<App, Error> {
    let appid = appid.into();
    // WECHAT: an app signs the bare id, and sends another `package` than it signs.
    let signed = sign(client, &appid, prepay_id).await?;
    Ok(App {
        appid,
        partnerid: partnerid.into(),
        prepayid: prepay_id.to_owned(),
        nonce: signed.nonce,
        timestamp: signed.timestamp,
        sign: signed.signature,
    })
}

/// The address that a browser outside WeChat opens, and where it goes afterwards.
pub fn h5(h5_url: &str, redirect_url: Option<&str>) -> String {
    match redirect_url {
        Some(back) => format!("{h5_url}&redirect_url={}", percent::encode(back)),
        None => h5_url.to_owned(),
    }
}

/// The text of the QR code that the payer scans; none if `code_url` is no such text.
pub fn native(code_url: &str) -> Option<&str> {
    code_url.starts_with("weixin://").then_some(code_url)
}

struct Signed {
    timestamp: String,
    nonce: String,
    signature: String,
}

async fn sign(client: &Client, appid: &AppId, package: &str) -> Result<Signed, Error> {
    let Some(Merchant::V3(merchant)) = client.merchant() else {
        return Err(Error::Config(
            "the client has no merchant of APIv3 to sign with".into(),
        ));
    };
    let timestamp = client.clock().unix().0.to_string();
    let nonce = client.nonce();
    let message = invoke_message(appid.as_str(), &timestamp, &nonce, package);
    let signature = merchant.sign_off_thread(message).await;
    Ok(Signed {
        timestamp,
        nonce,
        signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_back() {
        assert_eq!(h5("https://h/x?a=1", None), "https://h/x?a=1");
        assert_eq!(
            h5("https://h/x?a=1", Some("https://shop.example.com/done?n=1")),
            "https://h/x?a=1&redirect_url=https%3A%2F%2Fshop.example.com%2Fdone%3Fn%3D1"
        );
        assert_eq!(
            native("weixin://wxpay/bizpayurl?pr=x"),
            Some("weixin://wxpay/bizpayurl?pr=x")
        );
        assert_eq!(native("https://example.com"), None);
    }
}
