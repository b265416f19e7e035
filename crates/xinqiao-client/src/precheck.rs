//! Checks files against the platform's limits before a byte leaves (`media.precheck`).

use xinqiao_catalog::{
    MediaLimit,
    id::official_account::{custom_service::kf_account, material, media},
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
