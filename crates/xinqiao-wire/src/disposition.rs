//! `Content-Disposition` headers: what a file or a part is called.
//!
//! Names come in every form that clients and servers write: plain UTF-8 in quotes, with the escapes of browsers
//! (`%22`) or of mail (`\"`), without quotes, and per RFC 5987 in `filename*`, which counts most.

use xinqiao_types::percent;

/// The value of a parameter, without its quotes and with `\"` read as `"`.
#[must_use]
pub fn parameter(header: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(';')?;
    loop {
        let end = rest.find(['=', ';'])?;
        let name = rest[..end].trim();
        let is_wanted = name.eq_ignore_ascii_case(wanted);
        if rest.as_bytes()[end] == b';' {
            rest = &rest[end + 1..];
            continue;
        }
        let (value, after) = value(&rest[end + 1..]);
        if is_wanted {
            return Some(value);
        }
        rest = after.split_once(';')?.1;
    }
}

/// A value, and what follows it.
fn value(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim_end().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => {
                let escaped = characters.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(escaped.map_or('\\', |(_, escaped)| escaped));
            }
            other => value.push(other),
        }
    }
    (value, "")
}

/// The name of a file. Only the last segment of a path is kept: a name from outside must not choose a folder.
#[must_use]
pub fn file_name(header: &str) -> Option<String> {
    let extended = parameter(header, "filename*");
    let extended = extended.and_then(|value| {
        let mut parts = value.splitn(3, '\'');
        let charset = parts.next()?;
        let name = parts.nth(1)?;
        charset
            .eq_ignore_ascii_case("utf-8")
            .then(|| percent::decode(name).into_owned())
    });
    let name = extended.or_else(|| {
        let plain = parameter(header, "filename")?;
        Some(
            plain
                .replace("%22", "\"")
                .replace("%0D", "\r")
                .replace("%0A", "\n"),
        )
    })?;
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    (!base.is_empty() && base != "." && base != "..").then(|| base.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(header: &str, want: Option<&str>) {
        assert_eq!(file_name(header).as_deref(), want, "{header}");
    }

    #[test]
    fn names_are_read_in_every_form() {
        check(r#"attachment; filename="a.jpg""#, Some("a.jpg"));
        check("attachment; filename=a.jpg", Some("a.jpg"));
        check("attachment;FileName = 图 1.jpg ; size=3", Some("图 1.jpg"));
        check(
            r#"form-data; name="media"; filename="图 1; b=c.png""#,
            Some("图 1; b=c.png"),
        );
        check(
            r#"form-data; name="a;filename=x"; filename="b.png""#,
            Some("b.png"),
        );
        check(r#"form-data; filename="a%22b.png""#, Some("a\"b.png"));
        check(r#"form-data; filename="a\"b.png""#, Some("a\"b.png"));
        check(
            "attachment; filename=\"x\"; filename*=UTF-8''%E6%A1%A5.jpg",
            Some("桥.jpg"),
        );
        check(
            "attachment; filename*=utf-8'zh'%E6%A1%A5.jpg",
            Some("桥.jpg"),
        );
        check(
            "attachment; filename=\"a.jpg\"; filename*=GBK''%C7%C5.jpg",
            Some("a.jpg"),
        );
        check("inline", None);
        check("attachment; filename", None);
    }

    #[test]
    fn a_name_chooses_no_folder() {
        check(r#"a; filename="../../etc/passwd""#, Some("passwd"));
        check(r#"a; filename="C:\x\图.png""#, Some("图.png"));
        check("a; filename*=UTF-8''..%2F..%2Fx", Some("x"));
        check(r#"a; filename="..""#, None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_harm(header in ".{0,80}") {
            let name = file_name(&header).unwrap_or_default();
            prop_assert!(!name.contains(['/', '\\']));
        }
    }
}
