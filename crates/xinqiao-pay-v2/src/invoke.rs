//! What a client needs to open the cashier (调起支付), signed with the APIv2 key.
//!
//! Source: doc pages "JSAPI支付 调起支付", "APP支付 调起支付".

use xinqiao_client::pay_v2::Merchant;
use xinqiao_crypto::pay_v2::sign;

/// A parameter's name and value.
pub type Parameter = (&'static str, String);

/// Parameters for a page inside WeChat or a mini program, in the order of the documentation.
///
/// `timestamp` is seconds since 1970, `nonce` random text of up to 32 letters and digits.
pub fn jsapi(
    merchant: &Merchant,
    appid: &str,
    prepay_id: &str,
    timestamp: i64,
    nonce: &str,
) -> Vec<Parameter> {
    let params = vec![
        ("appId", appid.to_owned()),
        ("timeStamp", timestamp.to_string()),
        ("nonceStr", nonce.to_owned()),
        ("package", format!("prepay_id={prepay_id}")),
        ("signType", merchant.sign_type().as_str().to_owned()),
    ];
    signed(merchant, params, "paySign")
}

/// Parameters for an app.
pub fn app(
    merchant: &Merchant,
    appid: &str,
    prepay_id: &str,
    timestamp: i64,
    nonce: &str,
) -> Vec<Parameter> {
    let params = vec![
        ("appid", appid.to_owned()),
        ("partnerid", merchant.mchid().as_str().to_owned()),
        ("prepayid", prepay_id.to_owned()),
        ("package", "Sign=WXPay".to_owned()),
        ("noncestr", nonce.to_owned()),
        ("timestamp", timestamp.to_string()),
    ];
    signed(merchant, params, "sign")
}

fn signed(merchant: &Merchant, mut params: Vec<Parameter>, name: &'static str) -> Vec<Parameter> {
    let pairs = params.iter().map(|(name, value)| (*name, value.as_str()));
    let signature = sign(pairs, merchant.key(), merchant.sign_type());
    params.push((name, signature));
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREPAY: &str = "wx201410272009395522657a690389285100";
    const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";

    #[test]
    fn pages_and_apps_sign_other_names() {
        let merchant = Merchant::new("1900000109", "xinqiaoTestOnlyApiV2Key000000002");
        let page = jsapi(&merchant, "wxd678efh567hg6787", PREPAY, 1414561699, NONCE);
        assert_eq!(
            page[5],
            ("paySign", "1EFFFCF066A38B2C34C17AABE59A5A37".to_owned())
        );
        let app = app(&merchant, "wxd678efh567hg6787", PREPAY, 1414561699, NONCE);
        assert_eq!(
            app[6],
            ("sign", "E26180B7244A504D930E78280B19E5B9".to_owned())
        );
    }
}
