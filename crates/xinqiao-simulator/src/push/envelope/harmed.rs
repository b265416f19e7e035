//! What a fault does to the bytes of a sealed push: a signature that is wrong, or a body that is torn.

use super::Sealed;
use crate::push::faults::Harm;

impl Sealed {
    /// The same push as a fault of this kind leaves it. Those of time and order leave the bytes alone.
    pub(crate) fn harmed(mut self, harm: Harm) -> Self {
        match harm {
            Harm::WrongSignature => self.sign_wrongly(),
            Harm::TornBody => {
                let middle = self.body.len() / 2;
                let whole = { (0..=middle).rev() }.find(|at| self.body.is_char_boundary(*at));
                self.body.truncate(whole.unwrap_or_default());
            }
            Harm::Duplicate | Harm::Drop | Harm::Late | Harm::Reorder => {}
        }
        self
    }

    /// Wherever envelopes put a signature: in the query, in a header, in an element of the body. It stays one of its form.
    fn sign_wrongly(&mut self) {
        let parts = self
            .query
            .split('&')
            .map(|part| match part.split_once('=') {
                Some((name @ ("signature" | "msg_signature"), value)) => {
                    [name, "=", &another(value)].concat()
                }
                _ => part.to_owned(),
            });
        self.query = parts.collect::<Vec<_>>().join("&");
        for (name, value) in &mut self.headers {
            if name.eq_ignore_ascii_case("wechatpay-signature") {
                *value = another(value);
            }
        }
        const SIGN: &str = "<sign><![CDATA[";
        if let Some(at) = self.body.find(SIGN) {
            let (before, value) = self.body.split_at(at + SIGN.len());
            self.body = [before, &another(value)].concat();
        }
        if let Some(facts) = &mut self.signature {
            facts.received = Some(another(&facts.expected));
        }
    }
}

/// The text with another first character, of those that hexadecimal and base64 have in common.
fn another(text: &str) -> String {
    let first = if text.starts_with('0') { "1" } else { "0" };
    let rest = text.chars().skip(1);
    first.chars().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_wrong_wherever_it_stands_and_keeps_its_form() {
        let sealed = Sealed {
            query: "signature=0a&timestamp=1&nonce=signature&msg_signature=ff".to_owned(),
            headers: vec![
                ("Wechatpay-Nonce", "n".to_owned()),
                ("Wechatpay-Signature", "q+/=".to_owned()),
            ],
            body: "<xml><a>签</a><sign><![CDATA[E0]]></sign></xml>".to_owned(),
            ..Sealed::default()
        };
        let torn = sealed.clone().harmed(Harm::TornBody);
        assert_eq!(torn.body, "<xml><a>签</a><sign><![");
        assert_eq!(torn.query, sealed.query);
        let wrong = sealed.harmed(Harm::WrongSignature);
        assert_eq!(
            wrong.query,
            "signature=1a&timestamp=1&nonce=signature&msg_signature=0f"
        );
        assert_eq!(wrong.headers[0].1, "n");
        assert_eq!(wrong.headers[1].1, "0+/=");
        assert_eq!(
            wrong.body,
            "<xml><a>签</a><sign><![CDATA[00]]></sign></xml>"
        );
    }
}
