//! Typed requests, written by hand as the generator writes them.

use serde_json::json;
use xinqiao_client::{Error, FilePart, Refusal};
use xinqiao_wire::{
    Auth, Content, Download, Endpoint, EndpointInfo, RecordExt, Retry, built, record,
};

use crate::platform::{Platform, Script};

record! {
    /// Asks about a user.
    pub struct GetUser {
        0 openid: String => "openid: must query",
        1 lang: Option<String> => "lang: query",
    }
}

built! {
    GetUser
    new(openid: impl Into<String>)
    text(lang: String)
}

record! {
    /// A user.
    pub struct User {
        0 openid: String => "openid: must",
        1 subscribe: i64 => "subscribe: must",
    }
}

const USER: EndpointInfo = EndpointInfo {
    id: "official_account.user.info",
    method: "GET",
    host: "api.weixin.qq.com",
    path: "/cgi-bin/user/info",
    when: None,
    auth: Auth::AccessToken("access_token"),
    content: Content::None,
    answer: Content::Json,
    retry: Retry::Safe,
    code_field: "errcode",
    message_field: "errmsg",
    client_cert: false,
    permissions: &["user.info"],
};

impl Endpoint for GetUser {
    type Response = User;
    const INFO: &'static EndpointInfo = &USER;
}

record! {
    /// Uploads media.
    pub struct Upload {
        0 kind: String => "type: must query",
        1 media: FilePart => "media: must",
    }
}

built! {
    Upload
    new(kind: impl Into<String>, media: FilePart)
}

record! {
    /// Uploaded media.
    pub struct Uploaded {
        0 media_id: String => "media_id: must",
    }
}

impl Endpoint for Upload {
    type Response = Uploaded;
    const INFO: &'static EndpointInfo = &EndpointInfo {
        id: "official_account.media.upload",
        method: "POST",
        path: "/cgi-bin/media/upload",
        content: Content::Multipart,
        retry: Retry::Never,
        permissions: &["material"],
        ..USER
    };
}

record! {
    /// Asks for a user's own profile.
    pub struct Profile {
        0 openid: String => "openid: must query",
    }
}

built! {
    Profile
    new(openid: impl Into<String>)
}

impl Endpoint for Profile {
    type Response = User;
    const INFO: &'static EndpointInfo = &EndpointInfo {
        id: "open_platform.sns.user_info",
        path: "/sns/userinfo",
        auth: Auth::Sns("access_token"),
        permissions: &[],
        ..USER
    };
}

#[tokio::test]
async fn a_typed_call_gives_a_typed_answer() {
    let platform = Platform::new();
    platform.script([Script::Json(
        json!({"openid": "o1", "subscribe": "1", "new_field": 7}),
    )]);
    let user = platform
        .client()
        .send(GetUser::new("o1").lang("zh_CN"))
        .await
        .unwrap();
    assert_eq!((user.openid.as_str(), user.subscribe), ("o1", 1));
    assert!(user.rest().is_none_or(xinqiao_wire::Rest::is_empty));
    let url = platform.with(|state| state.calls[0].url.clone());
    assert!(
        url.ends_with("/cgi-bin/user/info?access_token=80_token1&openid=o1&lang=zh_CN"),
        "{url}"
    );
}

#[tokio::test]
async fn what_the_type_does_not_know_is_kept_on_request() {
    let platform = Platform::new();
    platform.script([Script::Json(
        json!({"openid": "o1", "subscribe": 1, "new_field": 7}),
    )]);
    let user = platform
        .client()
        .send(GetUser::new("o1"))
        .keep_raw()
        .await
        .unwrap();
    let rest: Vec<_> = user.rest().unwrap().unknown().collect();
    assert_eq!(rest, [("new_field", &json!(7))]);
}

#[tokio::test]
async fn a_typed_upload_is_checked_and_sent() {
    let platform = Platform::new();
    let client = platform.client();
    platform.script([Script::Json(
        json!({"type": "image", "media_id": "m1", "created_at": 1}),
    )]);
    let picture = FilePart::new("桥.png", b"\x89PNG\r\n\x1a\n0123".to_vec());
    let uploaded = client
        .send(Upload::new("image", picture.clone()))
        .await
        .unwrap();
    assert_eq!(uploaded.media_id, "m1");
    let error = client
        .send(Upload::new("voice", picture))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Preflight {
                reason: Refusal::Media(_),
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_users_token_is_given_by_the_caller_and_never_renewed() {
    let platform = Platform::new();
    let client = platform.client();
    let error = client.send(Profile::new("o1")).await.unwrap_err();
    assert!(matches!(error, Error::Credential { .. }), "{error}");
    let error = client
        .send(Profile::new("o1"))
        .token("80_users")
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().0, 40001);
    assert_eq!(
        platform.with(|state| (state.fetches, state.calls.len())),
        (0, 1)
    );
    assert!(platform.with(|state| state.calls[0].url.contains("access_token=80_users")));
}

#[tokio::test]
async fn an_answer_that_is_not_as_the_catalog_says_is_told() {
    let platform = Platform::new();
    platform.script([Script::Json(json!({"openid": {"deep": true}}))]);
    let error = platform
        .client()
        .send(GetUser::new("o1"))
        .await
        .unwrap_err();
    let Error::Decode { endpoint, path, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (*endpoint, &**path),
        ("official_account.user.info", "openid")
    );
}

#[test]
fn downloads_are_records_slots_too() {
    let download = Download {
        content_type: "image/png".to_owned(),
        ..Download::default()
    };
    assert!(format!("{download:?}").contains("image/png"));
}
