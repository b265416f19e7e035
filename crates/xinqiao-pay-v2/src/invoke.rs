//! What a client needs to open the cashier (调起支付), signed with the APIv2 key, from the order that was placed.
//!
//! Whose page or app pays is what the order says: one that a service provider placed for the sub-merchant's account is
//! paid there. It is signed as the order was. What a page hears afterwards is a hint: the truth is a query or a notice.
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_pay_v2 as pay_v2; }
//! # async fn f(
//! #     client: xinqiao_client::Client, order: xinqiao_pay_v2::pay::UnifiedOrder,
//! # ) -> Result<String, xinqiao_client::Error> {
//! use xinqiao::pay_v2::invoke;
//!
//! let answer = client.send(order.clone()).await?;
//! let page = invoke::jsapi(&client, &order, &answer)?;
//! # Ok(
//! page.to_json().to_string()
//! # ) }
//! ```
//!
//! Source: doc pages "JSAPI支付 调起支付", "APP支付 调起支付", "H5支付 调起支付".

use serde_json::Value;
use xinqiao_client::{
    Client, Endpoint, Error, Merchant as AnyMerchant,
    invoke::{first, payer_appid, stored_h5, stored_qr},
};
use xinqiao_crypto::pay_v2::{SignType, sign};

use xinqiao_client::pay_v2::Merchant;

/// An order and its answer.
pub trait Order: Endpoint {
    /// What the order says.
    fn facts(&self) -> Facts<'_>;
    /// What the answer gives.
    fn given(answer: &Self::Response) -> Given<'_>;
}

/// What an order says about who pays where.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// `appid`, `mch_id` as the order has them; an empty number is the client's.
    pub appid: &'a str,
    /// The merchant who is paid.
    pub mchid: &'a str,
    /// `sub_appid`.
    pub sub_appid: Option<&'a str>,
    /// `sub_mch_id`.
    pub sub_mchid: Option<&'a str>,
    /// `openid`.
    pub openid: Option<&'a str>,
    /// `sub_openid`.
    pub sub_openid: Option<&'a str>,
    /// `sign_type`.
    pub sign_type: Option<&'a str>,
}

/// What an answer gives to pay with.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// `trade_type`: in what the order is paid.
    pub trade_type: &'a str,
    /// `prepay_id`.
    pub prepay_id: &'a str,
    /// `code_url`.
    pub code_url: Option<&'a str>,
    /// `mweb_url`.
    pub mweb_url: Option<&'a str>,
}

macro_rules! orders {
    ($($(#[$cfg:meta])* $order:path)*) => { $(
        $(#[$cfg])*
        impl Order for $order {
            fn facts(&self) -> Facts<'_> {
                Facts {
                    appid: self.appid.as_str(),
                    mchid: self.mch_id.as_str(),
                    sub_appid: xinqiao_client::invoke::text(self.sub_appid.as_ref()),
                    sub_mchid: xinqiao_client::invoke::text(self.sub_mch_id.as_ref()),
                    openid: xinqiao_client::invoke::text(self.openid.as_ref()),
                    sub_openid: xinqiao_client::invoke::text(self.sub_openid.as_ref()),
                    sign_type: self.sign_type.as_ref().map(|how| how.as_str()),
                }
            }

            fn given(answer: &Self::Response) -> Given<'_> {
                Given {
                    trade_type: answer.trade_type.as_str(),
                    prepay_id: answer.prepay_id.as_str(),
                    code_url: xinqiao_client::invoke::text(answer.code_url.as_ref()),
                    mweb_url: xinqiao_client::invoke::text(answer.mweb_url.as_ref()),
                }
            }
        }
    )* };
}

orders! {
    #[cfg(feature = "pay")] crate::pay::UnifiedOrder
    #[cfg(feature = "pay")] crate::pay::ContractOrder
    #[cfg(feature = "deposit")] crate::deposit::UnifiedOrder
}

#[cfg(feature = "pay")]
impl Order for crate::pay::CombinedOrder {
    fn facts(&self) -> Facts<'_> {
        Facts {
            appid: self.combine_appid.as_str(),
            mchid: self.combine_mch_id.as_str(),
            sub_appid: None,
            sub_mchid: None,
            openid: xinqiao_client::invoke::text(self.combine_openid.as_ref()),
            sub_openid: None,
            sign_type: Some(self.sign_type.as_str()),
        }
    }

    fn given(answer: &Self::Response) -> Given<'_> {
        Given {
            trade_type: answer.trade_type.as_str(),
            prepay_id: answer.prepay_id.as_str(),
            code_url: xinqiao_client::invoke::text(answer.code_url.as_ref()),
            mweb_url: xinqiao_client::invoke::text(answer.mweb_url.as_ref()),
        }
    }
}

/// Parameters with their signature, in the order of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// One of them.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.iter();
        all.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The object to give to `WeixinJSBridge.invoke`, `wx.requestPayment`, or the app's `PayReq`.
    ///
    /// WECHAT: `wx.chooseWXPay` wants the time as `timestamp`, everything else in pages as `timeStamp`.
    pub fn to_json(&self) -> Value {
        let pairs = self.iter();
        pairs
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

/// Parameters for a page inside WeChat or a mini program, for an order that was placed.
///
/// # Errors
/// The client has no merchant of the second generation, or the order is paid in another way.
pub fn jsapi<O: Order>(
    client: &Client,
    order: &O,
    answer: &O::Response,
) -> Result<Parameters, Error> {
    let (facts, given) = (order.facts(), O::given(answer));
    let merchant = merchant(client)?;
    paid_in("JSAPI", &given)?;
    let appid = payer_appid(facts.appid, facts.sub_appid, facts.openid, facts.sub_openid);
    let time = client.clock().unix().0;
    Ok(stored_jsapi(
        &as_ordered(merchant, &facts),
        appid,
        given.prepay_id,
        time,
        &client.nonce(),
    ))
}

/// Parameters for an app, for an order that was placed: `appid` is `sub_appid` if the order has one, `partnerid` the
/// sub-merchant if there is one.
///
/// # Errors
/// As [`jsapi`].
pub fn app<O: Order>(
    client: &Client,
    order: &O,
    answer: &O::Response,
) -> Result<Parameters, Error> {
    let (facts, given) = (order.facts(), O::given(answer));
    let merchant = merchant(client)?;
    paid_in("APP", &given)?;
    let time = client.clock().unix().0;
    Ok(stored_app(
        &as_ordered(merchant, &facts),
        first(&[facts.sub_appid, Some(facts.appid)]),
        first(&[
            facts.sub_mchid,
            Some(facts.mchid),
            Some(merchant.mchid().as_str()),
        ]),
        given.prepay_id,
        time,
        &client.nonce(),
    ))
}

/// The address that a browser outside WeChat opens, and where it goes afterwards.
///
/// # Errors
/// The order is paid in another way.
pub fn h5<O: Order>(
    _order: &O,
    answer: &O::Response,
    redirect_url: Option<&str>,
) -> Result<String, Error> {
    let given = O::given(answer);
    paid_in("MWEB", &given)?;
    let url = first(&[given.mweb_url]);
    if url.is_empty() {
        return Err(Error::Config("the answer has no `mweb_url`".into()));
    }
    Ok(stored_h5(url, redirect_url))
}

/// The text of the QR code that the payer scans. None if the answer has no such text: no other text may become a code.
pub fn qr<'a, O: Order>(_order: &O, answer: &'a O::Response) -> Option<&'a str> {
    O::given(answer).code_url.and_then(stored_qr)
}

/// As [`jsapi`], for an order of which only these are kept. `appid` must be the one that the payer's openid belongs to:
/// of a service provider's order `sub_appid`, if it was placed with a `sub_openid`.
///
/// `timestamp` is seconds since 1970, `nonce` random text of up to 32 letters and digits. It is signed in the merchant's
/// way, which must have been the order's.
pub fn stored_jsapi(
    merchant: &Merchant,
    appid: &str,
    prepay_id: &str,
    timestamp: i64,
    nonce: &str,
) -> Parameters {
    let params = vec![
        ("appId", appid.to_owned()),
        ("timeStamp", timestamp.to_string()),
        ("nonceStr", nonce.to_owned()),
        ("package", format!("prepay_id={prepay_id}")),
        ("signType", merchant.sign_type().as_str().to_owned()),
    ];
    signed(merchant, params, "paySign")
}

/// As [`app`], for an order of which only these are kept. Of a service provider's order `appid` is `sub_appid`, if it
/// has one, and `partnerid` is `sub_mch_id`.
pub fn stored_app(
    merchant: &Merchant,
    appid: &str,
    partnerid: &str,
    prepay_id: &str,
    timestamp: i64,
    nonce: &str,
) -> Parameters {
    let params = vec![
        ("appid", appid.to_owned()),
        ("partnerid", partnerid.to_owned()),
        ("prepayid", prepay_id.to_owned()),
        ("package", "Sign=WXPay".to_owned()),
        ("noncestr", nonce.to_owned()),
        ("timestamp", timestamp.to_string()),
    ];
    signed(merchant, params, "sign")
}

fn merchant(client: &Client) -> Result<&Merchant, Error> {
    match client.merchant() {
        Some(AnyMerchant::V2(merchant)) => Ok(merchant),
        _ => Err(Error::Config(
            "the client has no merchant of APIv2 to sign with".into(),
        )),
    }
}

/// WECHAT: the cashier refuses another way of signing than the order's.
fn as_ordered(merchant: &Merchant, facts: &Facts<'_>) -> Merchant {
    let how = facts.sign_type.and_then(SignType::parse);
    let how = how.unwrap_or(merchant.sign_type());
    merchant.clone().with_sign_type(how)
}

fn paid_in(wanted: &str, given: &Given<'_>) -> Result<(), Error> {
    // An answer that doesn't say it is believed.
    if !matches!(given.trade_type, "" if wanted != "MWEB") && given.trade_type != wanted {
        return Err(Error::Config(
            format!(
                "the order's trade_type is {}, which is not paid with the parameters of {wanted}",
                given.trade_type
            )
            .into(),
        ));
    }
    if given.prepay_id.is_empty() {
        return Err(Error::Config("the answer has no prepay_id".into()));
    }
    Ok(())
}

fn signed(
    merchant: &Merchant,
    mut params: Vec<(&'static str, String)>,
    name: &'static str,
) -> Parameters {
    let pairs = params.iter().map(|(name, value)| (*name, value.as_str()));
    let signature = sign(pairs, merchant.key(), merchant.sign_type());
    params.push((name, signature));
    Parameters(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREPAY: &str = "wx201410272009395522657a690389285100";
    const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";

    #[test]
    fn pages_and_apps_sign_other_names() {
        let merchant = Merchant::new("1900000109", "xinqiaoTestOnlyApiV2Key000000002");
        let appid = "wxd678efh567hg6787";
        let page = stored_jsapi(&merchant, appid, PREPAY, 1414561699, NONCE);
        assert_eq!(
            page.get("paySign"),
            Some("1EFFFCF066A38B2C34C17AABE59A5A37")
        );
        let app = stored_app(&merchant, appid, "1900000109", PREPAY, 1414561699, NONCE);
        assert_eq!(app.get("sign"), Some("E26180B7244A504D930E78280B19E5B9"));
    }
}
