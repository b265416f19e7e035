//! The certificate that a merchant shows in TLS to calls of the second generation that move money: which endpoints want one
//! stands in the catalog.
//!
//! WECHAT: a server in front of the platform asks for it, and answers pages of its own where none is shown or one that the
//! platform never issued; whose it is, is judged behind it.
//!
//! Source: doc page "API证书及密钥"; the pages and texts as users met them: zwczou/weixin-python issue 88,
//! binarywang/weixin-java-pay-demo issue 60, supersheep/wechat-pay issue 43.

use base64_simd::STANDARD as BASE64;
use xinqiao_crypto::pay_v3::Certificate;

use super::signature::not_understood;
use crate::{
    accounts::{
        merchant::{MERCHANTS, Merchant},
        rules::{Preset, Rule},
    },
    door::{Front, Refusal, call::Arrival, credential::Asking},
    kernel::World,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.client_certificate",
    rules: &[&PLAIN],
    ..Feature::EMPTY
};

/// What becomes of calls that want a certificate and come where none can be shown.
static PLAIN: Rule = Rule {
    name: "pay.plain_certificate",
    default: Preset::Word("accepted", &["accepted", "refused"]),
    about: (
        "要求商户证书的 v2 调用走明文 HTTP（无法出示证书）时：accepted 接受，时间线注明；refused 像真实平台没收到证书那样拒绝。设在商户上",
        "calls of v2 that want the merchant's certificate and come over plain HTTP, where none can be shown: `accepted`, and \
         the timeline says so; `refused`, as the platform does without one; set on the merchant",
    ),
    source: "the platform has no plain port: the simulator's own choice, so that apps start without TLS",
};

/// Nothing was shown.
const NONE_SHOWN: Front = Front {
    status: 400,
    html: "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body bgcolor=\"white\">\r\n\
        <center><h1>400 Bad Request</h1></center>\r\n<center>No required SSL certificate was sent</center>\r\n\
        <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
};
/// What was shown is none of the platform's.
const NOT_ISSUED: Front = Front {
    status: 400,
    html: "<html>\r\n<head><title>400 The SSL certificate error</title></head>\r\n<body bgcolor=\"white\">\r\n\
        <center><h1>400 Bad Request</h1></center>\r\n<center>The SSL certificate error</center>\r\n\
        <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
};

/// The certificate that was shown.
fn read(shown: &str) -> Option<Certificate> {
    Certificate::from_der(&BASE64.decode_to_vec(shown).ok()?).ok()
}

/// What the server in front says, before anybody reads the call.
pub(super) fn in_front(world: &World, asking: &Asking<'_>) -> Result<(), Refusal> {
    if !asking.endpoint.client_cert {
        return Ok(());
    }
    let shown = match &asking.call.arrival {
        Arrival::Plain => return Ok(()),
        Arrival::Tls { certificate } => certificate.as_deref(),
    };
    let Some(shown) = shown else {
        return Err(none_shown());
    };
    let read = read(shown);
    let issued = read.as_ref().is_some_and(|certificate| {
        // Numbers are compared first: they are many, and texts to be read.
        let mut merchants = MERCHANTS.all(world).map(|(_, merchant)| merchant);
        merchants.any(|own| &*own.serial == certificate.serial() && own.has(certificate.der()))
    });
    if issued {
        return Ok(());
    }
    let received = read.map(|certificate| certificate.serial().to_owned());
    let refuse = Refusal::in_front(NOT_ISSUED);
    Err(refuse.because("pay.certificate.foreign", received, None))
}

/// Whether the certificate is that of the merchant whose call it is.
pub(super) fn behind(asking: &Asking<'_>, merchant: &Merchant) -> Result<(), Refusal> {
    if !asking.endpoint.client_cert {
        return Ok(());
    }
    match &asking.call.arrival {
        Arrival::Plain => match PLAIN.word(Some(&merchant.rules)) {
            "refused" => Err(none_shown()),
            _ => Ok(()),
        },
        Arrival::Tls { certificate } => {
            let read = certificate.as_deref().and_then(read);
            let certificate = read.ok_or_else(none_shown)?;
            if merchant.has(certificate.der()) {
                return Ok(());
            }
            let received = Some(certificate.serial().to_owned());
            let expected = Some(merchant.serial.to_string());
            let refuse = not_understood("certificate not match");
            Err(refuse.because("pay.certificate.other", received, expected))
        }
    }
}

fn none_shown() -> Refusal {
    Refusal::in_front(NONE_SHOWN).because("pay.certificate.missing", None, None)
}
