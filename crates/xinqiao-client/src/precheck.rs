//! Checks files and fields against the platform's limits before a byte leaves (`media.precheck`, `field.limit`).

use serde_json::Value;
use xinqiao_catalog::{
    MediaLimit,
    id::{
        mini_program::{wxa, wxa_app},
        official_account::{custom_service::kf_account, material, media, message, qr_code},
        work::kf,
    },
    rules,
};
use xinqiao_wire::FilePart;

use crate::error::{Error, Refusal};

/// How many of a file's first bytes tell its type.
const HEAD: usize = 32;

/// Refuses a file that the platform would refuse. `kind` is the request's `type`, where it has one.
pub(crate) fn check(endpoint: &'static str, kind: &str, file: &FilePart) -> Result<(), Error> {
    let Some(limit) = limit(endpoint, kind) else {
        return Ok(());
    };
    let seen = rules::media::File {
        name: &file.file_name,
        content_type: &file.content_type,
        head: file.head(HEAD),
        bytes: file.size(),
        seconds: None,
    };
    match rules::media::check(limit, &seen) {
        Ok(_) => Ok(()),
        Err(violation) => Err(Error::Preflight {
            endpoint,
            reason: Refusal::Media(violation),
        }),
    }
}

/// The limit for the files of an endpoint.
fn limit(endpoint: &str, kind: &str) -> Option<&'static MediaLimit> {
    let id = match endpoint {
        media::UPLOAD => format!("temporary.{kind}"),
        material::ADD_MATERIAL => format!("permanent.{kind}"),
        media::UPLOAD_IMG => "article.image".to_owned(),
        kf_account::UPLOAD_HEAD_IMG => "kf.avatar".to_owned(),
        _ => return None,
    };
    xinqiao_catalog::media(&id)
}

/// The endpoints with fields that are checked: what others send is not even looked at.
const LIMITED: [&str; 6] = [
    kf::ADD_CONTACT_WAY,
    message::template::SUBSCRIBE,
    qr_code::CREATE,
    wxa::GET_WXA_CODE,
    wxa::GET_WXA_CODE_UNLIMIT,
    wxa_app::CREATE_WXA_QR_CODE,
];

/// Refuses fields that the platform would refuse.
pub(crate) fn fields(endpoint: &'static str, fields: impl FnOnce() -> Value) -> Result<(), Error> {
    if !LIMITED.contains(&endpoint) {
        return Ok(());
    }
    rules::limit::check(endpoint, &fields()).map_err(|violation| Error::Preflight {
        endpoint,
        reason: Refusal::Limit(Box::new(violation)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_catalog_is_asked_for() {
        let rows = xinqiao_catalog::limits().iter();
        let mut known: Vec<_> = rows
            .filter_map(|row| Some(row.at.as_ref()?.endpoint))
            .collect();
        known.sort_unstable();
        known.dedup();
        let mut asked = LIMITED.to_vec();
        asked.sort_unstable();
        assert_eq!(asked, known);
    }
}
