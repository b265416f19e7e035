//! Writes URLs.

use xinqiao_types::percent;

/// Fills `{name}` in a path template. Gives the name that has no value, if there is one.
pub(crate) fn fill<'v>(
    template: &str,
    value: impl Fn(&str) -> Option<std::borrow::Cow<'v, str>>,
) -> Result<String, String> {
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
        match value(name) {
            Some(value) => percent::encode_into(&value, &mut out),
            None => return Err(name.to_owned()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Origin, path and query as one URL.
pub(crate) fn join(
    origin: &str,
    path: &str,
    query: &[(String, String)],
    token: Option<(&str, &str)>,
) -> String {
    let mut url = String::with_capacity(origin.len() + path.len() + 64 + query.len() * 32);
    url.push_str(origin.trim_end_matches('/'));
    url.push_str(path);
    let pairs = token.into_iter().chain(
        query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    for (at, (name, value)) in pairs.enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        percent::pair_into(name, value, &mut url);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        let query = [("next_openid".to_owned(), "a b&c=桥".to_owned())];
        assert_eq!(
            join(
                "http://h:1/",
                "/cgi-bin/user/get",
                &query,
                Some(("access_token", "t+/="))
            ),
            "http://h:1/cgi-bin/user/get?access_token=t%2B%2F%3D&next_openid=a%20b%26c%3D%E6%A1%A5"
        );
    }

    #[test]
    fn path_parameters_are_filled_and_escaped() {
        let value = |name: &str| (name == "id").then(|| "a/b".into());
        assert_eq!(
            fill("/v3/pay/{id}/close", value).as_deref(),
            Ok("/v3/pay/a%2Fb/close")
        );
        assert_eq!(fill("/v3/{other}", value), Err("other".to_owned()));
    }
}
