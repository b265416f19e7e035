//! One rendered record and one enumeration, and where ids get their types.

use super::*;
use crate::source::read;

#[test]
fn a_record_says_what_its_fields_mean_and_an_enumeration_what_its_values_do() {
    let catalog = crate::pack::sample(
        Product::PayV3,
        r#"
        [[endpoint]]
        id = "pay.orders.get"
        http = "GET /v3/pay/orders/{id}"
        host = "api.mch.weixin.qq.com"
        [endpoint.path]
        id = "string!"
        [endpoint.response]
        appid = "string!"
        payer_openids = "[string]"
        tradeState = { type = "string", enum = "TradeState", required = true }
        days = { type = "[int32]", enum = "Day" }
        total = { type = "int64", unit = "fen" }
        unexplained = "string"
        [enums]
        TradeState = ["SUCCESS", "NOTPAY", "OTHER"]
        Day = ["1", "2"]
        "#,
        r#"
        [fields]
        id = { zh = "订单", en = "Number `order[0]` of the order", example = "12", from = { zh = "下单", en = "The answer to the order" } }
        trade_state = { zh = "状态", en = "State of the trade" }
        days = { zh = "日子", en = "Days <of a week>" }
        [values]
        SUCCESS = { zh = "已付", en = "Paid" }
        1 = { zh = "周一", en = "Monday" }
        "#,
    );
    let mut files = Files::new();
    write(&catalog, &mut files).unwrap();
    let path = read::repository().join("crates/xinqiao-pay-v3/src/generated/pay.rs");
    let text = String::from_utf8(files[&path].clone()).unwrap();
    insta::assert_snapshot!(text);
    let root = read::repository().join("crates/xinqiao-pay-v3/src/generated.rs");
    let root = String::from_utf8(files[&root].clone()).unwrap();
    assert!(root.contains("allow(missing_docs"), "{root}");
}

#[test]
fn identifiers_have_their_types_by_the_end_of_their_name() {
    let check = |product: Product, name: &'static str, want: &str| {
        let field = Field {
            name,
            ..any_field()
        };
        let found = text::text_type(product, &field);
        let found = found.strip_prefix("xinqiao_types::").unwrap_or(&found);
        assert_eq!(found, want, "{name}");
    };
    let pay = Product::PayV3;
    check(pay, "openid", "OpenId");
    check(pay, "sub_openid", "OpenId");
    check(pay, "openid_list", "OpenId");
    check(pay, "open_ids", "OpenId");
    check(pay, "sp_mchid", "MchId");
    check(pay, "sub_mch_id", "MchId");
    check(pay, "SubAppId", "AppId");
    check(pay, "auth_corpid", "CorpId");
    check(pay, "thumb_media_id", "MediaId");
    check(pay, "transaction_id", "String");
    check(pay, "userid", "String");
    check(pay, "touser", "String");
    check(Product::OfficialAccount, "touser", "OpenId");
    check(Product::Work, "userid_list", "UserId");
    check(Product::Work, "handover_userid", "UserId");
    check(Product::Work, "external_userid", "ExternalUserId");
    check(Product::Work, "open_userid", "String");
    check(Product::Work, "student_userid", "String");
}
