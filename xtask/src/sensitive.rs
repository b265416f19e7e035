//! Which fields hold secrets or personal data, told by their names: these are masked wherever they are shown.
//!
//! Names are read in snake case. What a name does not tell stands in the catalog's files (`secret`, `pii`).

/// Whether a field of this name (in snake case) holds a secret: who has it can act.
pub(crate) fn is_secret(name: &str) -> bool {
    let exact = [
        "secret",
        "appsecret",
        "app_secret",
        "session_key",
        "password",
        "permanent_code",
        "private_key",
        "aes_key",
        "encoding_aes_key",
        "api_ticket",
        "jsapi_ticket",
        "corpsecret",
        "provider_secret",
        "suite_secret",
        "component_appsecret",
        "verify_key",
        "suite_ticket",
        "component_verify_ticket",
        "auth_code",
        "authorization_code",
        "code_secret",
        "codesecret",
        "encoding_aeskey",
        "host_key",
        "pre_auth_code",
        "presign_token",
        "secret_id",
        "secret_key",
        "secretid",
        "secretkey",
        "test_pwd",
        "ticket",
    ];
    let ends = [
        "access_token",
        "refresh_token",
        "_password",
        "_secret",
        "_user_ticket",
        "_wx_token",
        "login_token",
        "push_token",
        "waybill_token",
    ];
    exact.contains(&name) || ends.iter().any(|end| name.ends_with(end))
}

/// Whether a field of this name (in snake case) tells who somebody is, or where.
pub(crate) fn is_personal(name: &str) -> bool {
    let exact = [
        "openid",
        "open_id",
        "unionid",
        "union_id",
        "touser",
        "to_user_name",
        "from_user_name",
        "mobile",
        "phone",
        "phone_number",
        "pure_phone_number",
        "telephone",
        "tel",
        "email",
        "id_card_number",
        "id_card_no",
        "id_number",
        "idcard",
        "id_card",
        "identity_number",
        "real_name",
        "realname",
        "nickname",
        "headimgurl",
        "head_img_url",
        "avatar",
        "birthday",
        "openids",
        "openid_list",
        "external_userid",
        "tel_number",
        "user_phone",
        "receiver_phone",
        "receiver_name",
        "contact_name",
        "contact_phone",
        "contact_email",
        "mobile_phone",
        "bank_account",
        "account_number",
        "address",
        "detail_address",
        "latitude",
        "longitude",
        "account_no",
        "client_ip",
        "detailed_address",
        "head_img",
        "headimg",
        "headimg_url",
        "ip",
    ];
    let ends = [
        "_client_ip",
        "_email",
        "_headimgurl",
        "_mobile",
        "_mobiles",
        "_nickname",
        "_openid",
        "_phone",
        "_real_name",
        "_unionid",
        "address_detail",
        "bank_account_no",
        "bank_account_number",
        "id_card_name",
    ];
    // Whether one is wanted, and how a shop is reached by all the world, is nobody's secret.
    let public = name.starts_with("need_") || name == "service_phone";
    exact.contains(&name) || (!public && ends.iter().any(|end| name.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_end_alike_are_told_apart() {
        for name in [
            "access_token",
            "authorizer_refresh_token",
            "manual_check_password",
            "ticket",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "next_page_token",
            "ticket_class",
            "key",
            "access_token_expire_in",
            "page_token",
        ] {
            assert!(!is_secret(name), "{name}");
        }
        for name in [
            "sub_openid",
            "guide_nickname",
            "payer_client_ip",
            "remark_mobiles",
        ] {
            assert!(is_personal(name), "{name}");
        }
        for name in ["need_unionid", "service_phone", "name", "description"] {
            assert!(!is_personal(name), "{name}");
        }
    }
}
