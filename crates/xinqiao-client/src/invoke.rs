//! What a client needs to open the cashier (调起支付), signed with APIv3, from the order that was placed.
//!
//! Whose page, mini program or app pays is what the order says: a service provider's order that was placed for the
//! sub-merchant's account is paid there. An [order](PageOrder) therefore gives the appid itself, and takes the prepay id
//! from its own answer only. The order types of `pay_v3` and `pay_global` are such orders.
//!
//! What a page hears afterwards (`ok`, `cancel`, `fail`) is a hint: the truth is a query or a notice.
//!
//! Source: doc pages "JSAPI调起支付", "APP调起支付", "小程序调起支付", "H5调起支付".

use serde_json::{Value, json};
use xinqiao_crypto::pay_v3::invoke_message;
use xinqiao_types::{AppId, MchId, percent};
use xinqiao_wire::Endpoint;

use crate::{client::Client, error::Error, merchant::Merchant};

/// An order that is paid in a page inside WeChat or in a mini program.
pub trait PageOrder: Endpoint {
    /// The account whose page or mini program it is: the one that the payer's openid belongs to.
    fn appid(&self) -> &str;
    /// The prepay id of the answer.
    fn prepay_id(answer: &Self::Response) -> &str;
}

/// An order that is paid in an app.
pub trait AppOrder: Endpoint {
    /// The app: the sub-merchant's, if the order was placed for one.
    fn appid(&self) -> &str;
    /// The merchant who is paid: of a service provider's order the sub-merchant.
    fn partnerid(&self) -> &str;
    /// The prepay id of the answer.
    fn prepay_id(answer: &Self::Response) -> &str;
}

/// An order that is paid in a browser outside WeChat.
pub trait H5Order: Endpoint {
    /// The address in the answer.
    fn h5_url(answer: &Self::Response) -> &str;
}

/// An order that is paid by scanning a QR code.
pub trait QrOrder: Endpoint {
    /// The code's text in the answer.
    fn code_url(answer: &Self::Response) -> &str;
}

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
    /// The merchant who is paid.
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

/// Parameters for a page inside WeChat, for an order that was placed.
///
/// Cancel safety: nothing happens but lost work.
///
/// # Errors
/// The client has no merchant of the third generation, or the answer has no prepay id.
pub async fn jsapi<O: PageOrder>(
    client: &Client,
    order: &O,
    answer: &O::Response,
) -> Result<Jsapi, Error> {
    stored_jsapi(client, order.appid(), O::prepay_id(answer)).await
}

/// Parameters for a mini program: the same as for a page.
///
/// # Errors
/// As [`jsapi`].
pub async fn mini_program<O: PageOrder>(
    client: &Client,
    order: &O,
    answer: &O::Response,
) -> Result<Jsapi, Error> {
    jsapi(client, order, answer).await
}

/// Parameters for an app, for an order that was placed.
///
/// # Errors
/// As [`jsapi`].
pub async fn app<O: AppOrder>(
    client: &Client,
    order: &O,
    answer: &O::Response,
) -> Result<App, Error> {
    stored_app(
        client,
        order.appid(),
        order.partnerid(),
        O::prepay_id(answer),
    )
    .await
}

/// The address that a browser outside WeChat opens, and where it goes afterwards.
pub fn h5<O: H5Order>(_order: &O, answer: &O::Response, redirect_url: Option<&str>) -> String {
    stored_h5(O::h5_url(answer), redirect_url)
}

/// The text of the QR code that the payer scans. None if the answer has no such text: no other text may become a code.
pub fn qr<'a, O: QrOrder>(_order: &O, answer: &'a O::Response) -> Option<&'a str> {
    stored_qr(O::code_url(answer))
}

/// As [`jsapi`], for an order of which only these two are kept. `appid` must be the one that the payer's openid belongs
/// to: of a service provider's order `sub_appid`, if it was placed with a `sub_openid`.
///
/// # Errors
/// As [`jsapi`].
pub async fn stored_jsapi(
    client: &Client,
    appid: impl Into<AppId>,
    prepay_id: &str,
) -> Result<Jsapi, Error> {
    let appid = appid.into();
    let package = format!("prepay_id={}", there(prepay_id)?);
    let signed = sign(client, &appid, &package).await?;
    Ok(Jsapi {
        appid,
        timestamp: signed.timestamp,
        nonce: signed.nonce,
        package,
        pay_sign: signed.signature,
    })
}

/// As [`app`], for an order of which only these three are kept. Of a service provider's order `appid` is `sub_appid`, if
/// it has one, and `partnerid` is `sub_mchid`.
///
/// # Errors
/// As [`jsapi`].
pub async fn stored_app(
    client: &Client,
    appid: impl Into<AppId>,
    partnerid: impl Into<MchId>,
    prepay_id: &str,
) -> Result<App, Error> {
    let appid = appid.into();
    // WECHAT: an app signs the bare id, and sends another `package` than it signs.
    let signed = sign(client, &appid, there(prepay_id)?).await?;
    Ok(App {
        appid,
        partnerid: partnerid.into(),
        prepayid: prepay_id.to_owned(),
        nonce: signed.nonce,
        timestamp: signed.timestamp,
        sign: signed.signature,
    })
}

/// As [`h5`], for an order of which only the address is kept.
pub fn stored_h5(h5_url: &str, redirect_url: Option<&str>) -> String {
    match redirect_url {
        Some(back) => format!("{h5_url}&redirect_url={}", percent::encode(back)),
        None => h5_url.to_owned(),
    }
}

/// As [`qr`], for an order of which only the text is kept.
pub fn stored_qr(code_url: &str) -> Option<&str> {
    code_url.starts_with("weixin://").then_some(code_url)
}

fn there(prepay_id: &str) -> Result<&str, Error> {
    if prepay_id.is_empty() {
        return Err(Error::Config(
            "the answer has no prepay_id: this order is paid in another way".into(),
        ));
    }
    Ok(prepay_id)
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
    if appid.as_str().is_empty() {
        return Err(Error::Config(
            "the order names no account that it is paid in".into(),
        ));
    }
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

/// The account that a service provider's order is paid in: that of the openid which it was placed with.
pub fn payer_appid<'a>(
    sp_appid: &'a str,
    sub_appid: Option<&'a str>,
    sp_openid: Option<&str>,
    sub_openid: Option<&str>,
) -> &'a str {
    let given = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    match sub_appid.filter(|appid| !appid.is_empty()) {
        Some(sub_appid) if given(sub_openid) || !given(sp_openid) => sub_appid,
        _ => sp_appid,
    }
}

/// The text of a field that may be left out, of whatever type.
pub fn text<T: AsRef<str>>(field: Option<&T>) -> Option<&str> {
    field.map(AsRef::as_ref)
}

/// The first of these that is there and not empty, else nothing.
pub fn first<'a>(texts: &[Option<&'a str>]) -> &'a str {
    let mut texts = texts.iter().copied().flatten();
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_back() {
        assert_eq!(stored_h5("https://h/x?a=1", None), "https://h/x?a=1");
        assert_eq!(
            stored_h5("https://h/x?a=1", Some("https://shop.example.com/done?n=1")),
            "https://h/x?a=1&redirect_url=https%3A%2F%2Fshop.example.com%2Fdone%3Fn%3D1"
        );
        assert_eq!(
            stored_qr("weixin://wxpay/bizpayurl?pr=x"),
            Some("weixin://wxpay/bizpayurl?pr=x")
        );
        assert_eq!(stored_qr("https://example.com"), None);
    }

    #[test]
    fn the_payers_openid_says_whose_page_it_is() {
        let of = |sub_appid, sp, sub| payer_appid("wxsp", sub_appid, sp, sub);
        assert_eq!(of(Some("wxsub"), None, Some("o")), "wxsub");
        assert_eq!(of(Some("wxsub"), Some("o"), None), "wxsp");
        assert_eq!(of(Some("wxsub"), None, None), "wxsub");
        assert_eq!(of(Some(""), None, None), "wxsp");
        assert_eq!(of(None, None, Some("o")), "wxsp");
    }
}
