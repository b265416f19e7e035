//! What the platform answers, and what a page sends from a phone.

use serde_json::Value;
use xinqiao_crypto::{
    encrypted_data,
    secure_api::{Binding, Sealed, SecureApiKey},
};
use xinqiao_wire::{Auth, Content, EndpointInfo, Free, Keep, Record, Retry, response};

use super::records;

const fn endpoint(answer: Content) -> EndpointInfo {
    EndpointInfo {
        id: "fuzz.answer",
        method: "POST",
        host: "example.invalid",
        path: "/answer",
        when: None,
        auth: Auth::None,
        content: Content::Json,
        answer,
        retry: Retry::Never,
        code_field: "errcode",
        message_field: "errmsg",
        client_cert: false,
        permissions: &[],
    }
}

const TYPES: [&str; 4] = [
    "application/json",
    "text/plain",
    "image/jpeg",
    "application/octet-stream",
];

/// Any bytes as an answer: the error code is looked for, and the rest read as each form that an endpoint may answer in.
pub(super) fn answer(data: &[u8]) {
    let found = response::envelope(data, "errcode", "errmsg");
    if let (Some((code, _)), Ok(Value::Object(whole))) = (&found, serde_json::from_slice(data)) {
        // Of names that came twice the two readers may take another one.
        assert!(whole.contains_key("errcode"), "{code} came from nowhere");
    }
    for content_type in TYPES {
        for form in [Content::Json, Content::Xml, Content::Binary, Content::Csv] {
            let info = endpoint(form);
            read::<records::Scalars>(&info, content_type, data);
            read::<records::Tree>(&info, content_type, data);
            read::<Free>(&info, content_type, data);
        }
    }
    let mended = response::mend(data);
    assert_eq!(response::mend(mended.as_bytes()), mended, "mending ends");
    let _ = (response::value(data), response::looks_like_object(data));
}

fn read<T: Record + Default>(info: &EndpointInfo, content_type: &str, data: &[u8]) {
    for keep in [Keep::Typed, Keep::Raw] {
        let mut record = T::default();
        let _ = response::decode(&mut record, info, content_type, None, data, keep);
    }
}

/// Three lines of text: a key, data and a vector; and the whole as data that is sealed and opened.
pub(super) fn encrypted_data(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (key, sealed, iv) = (next(), next(), next());
    let _ = encrypted_data::decrypt(key, sealed, iv);
    let secure = SecureApiKey::parse("otUpngOjU+nVQaWJIC3D/yMLV17RKaP6t4Ot9tbnzLY=", "fa05");
    let secure = secure.expect("a key");
    let binding = Binding {
        url: key,
        appid: "wxba6223c06417af7b",
        timestamp: 1_635_927_954,
    };
    let parts = Sealed {
        iv: iv.to_owned(),
        data: sealed.to_owned(),
        authtag: key.to_owned(),
    };
    let _ = secure.decrypt(&parts, binding);
    let closed = secure.encrypt(data, [7; 12], binding);
    assert_eq!(secure.decrypt(&closed, binding).as_deref(), Ok(data));
    let session_key = "AAECAwQFBgcICQoLDA0ODw==";
    let closed = encrypted_data::encrypt(session_key, data, &[0; 16]).expect("a key of 16 bytes");
    let opened = encrypted_data::decrypt(session_key, &closed, "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(opened.as_deref(), Ok(data));
}
