//! `xinqiao explain`: what an error code or a diagnosis rule means, and what to do about it.

use serde_json::json;
use xinqiao_catalog as catalog;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

/// Explains `what`: a code of any product or its name, the name of a rule, or a whole answer that holds a code.
pub(crate) fn run(what: &str, as_json: bool, lang: Lang) -> Outcome {
    let what = what.trim();
    if let Some(rule) = catalog::diagnosis(what) {
        if as_json {
            talk::data(json!(rule));
        } else {
            print_rule(rule, lang);
        }
        return Ok(());
    }
    let mut found = codes(what);
    if found.is_empty() {
        found = inside(what)
            .into_iter()
            .flat_map(|code| codes(&code))
            .collect();
    }
    if found.is_empty() {
        return Err(Fail::usage(unknown(what, lang)));
    }
    for code in found {
        if as_json {
            talk::data(json!(code));
        } else {
            print_code(code, lang);
        }
    }
    Ok(())
}

/// The code, by number, word or name, in every table that has it; one table serves several products.
fn codes(what: &str) -> Vec<&'static catalog::ErrorCode> {
    let mut found: Vec<&'static catalog::ErrorCode> = Vec::new();
    for family in FAMILIES {
        found.extend(
            catalog::errors(family)
                .iter()
                .filter(|error| match error.code {
                    catalog::Code::Number(number) => {
                        what.parse() == Ok(number)
                            || (!error.name.is_empty() && error.name.eq_ignore_ascii_case(what))
                    }
                    catalog::Code::Word(word) => word.eq_ignore_ascii_case(what),
                }),
        );
    }
    found.extend(catalog::error_of(catalog::ErrorFamily::SampleCode, what));
    found
}

const FAMILIES: [catalog::ErrorFamily; 5] = [
    catalog::ErrorFamily::Weixin,
    catalog::ErrorFamily::Work,
    catalog::ErrorFamily::PayV2,
    catalog::ErrorFamily::PayV3,
    catalog::ErrorFamily::PayBusiness,
];

/// The code inside an answer or a line of a log: `{"errcode":40001,…}`, `errcode=45015`, `err_code ORDERPAID`.
fn inside(text: &str) -> Option<String> {
    const KEYS: [&str; 5] = ["errcode", "err_code", "error_code", "code", "ret"];
    let lower = text.to_ascii_lowercase();
    let token = |rest: &str| -> Option<String> {
        let rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '\'' | ':' | '=' | '>' | '[' | '(')
        });
        let rest = rest.strip_prefix("<![CDATA[").unwrap_or(rest);
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    };
    let named = KEYS.iter().find_map(|key| {
        let at = lower.find(key)?;
        token(text.get(at + key.len()..)?).filter(|found| !codes(found).is_empty())
    });
    named.or_else(|| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .find(|word| word.len() >= 4 && !codes(word).is_empty())
            .map(str::to_owned)
    })
}

fn print_rule(rule: &catalog::Diagnosis, lang: Lang) {
    let chinese = lang == Lang::Zh;
    talk::data(rule.rule);
    talk::data(format_args!("  {}", rule.cause.get(chinese)));
    for step in lang.pick(&rule.remedy_zh, &rule.remedy_en) {
        talk::data(format_args!("  → {step}"));
    }
}

fn print_code(code: &catalog::ErrorCode, lang: Lang) {
    let chinese = lang == Lang::Zh;
    talk::data(format_args!(
        "{} {} [{}]",
        code.code,
        code.text,
        products(code.family)
    ));
    let derived = if code.derived {
        lang.pick(
            "（由程序归类，尚无人工说明）",
            " (classified by a program; nobody has written about it yet)",
        )
    } else {
        ""
    };
    if !code.meaning.is_empty() {
        talk::data(format_args!("  {}{derived}", code.meaning.get(chinese)));
    }
    if !code.remedy.is_empty() {
        talk::data(format_args!("  → {}", code.remedy.get(chinese)));
    }
    talk::data(format_args!("  {}", retry(code.retry, lang)));
    for path in code.paths.iter().take(PATHS) {
        talk::data(format_args!("  · {path}"));
    }
}

/// How many of the paths that list a code are shown.
const PATHS: usize = 8;

/// The products whose answers use a table.
fn products(family: catalog::ErrorFamily) -> String {
    let all: Vec<&str> = catalog::Product::ALL
        .into_iter()
        .filter(|product| product.errors() == family)
        .map(catalog::Product::name)
        .collect();
    all.join(" ")
}

fn retry(class: catalog::RetryClass, lang: Lang) -> &'static str {
    use catalog::RetryClass as Class;
    match class {
        Class::Never => lang.pick(
            "重试无用：同样的请求还会失败",
            "never retry: the same request fails again",
        ),
        Class::Now => lang.pick("可以立即再试一次", "try once more at once"),
        Class::Later => lang.pick("稍后再试：平台繁忙", "try later: the platform is busy"),
        Class::RefreshToken => {
            lang.pick("换新的 access_token 后再试", "try again with a new token")
        }
        Class::NextQuotaWindow => lang.pick(
            "等下一个配额周期（上海时间）",
            "wait for the next quota window (Shanghai time)",
        ),
    }
}

fn unknown(what: &str, lang: Lang) -> String {
    let near = nearest(what);
    let near = if near.is_empty() {
        String::new()
    } else {
        format!(": {}", near.join(", "))
    };
    // A whole answer is not repeated: it may hold a token.
    let what = if what.chars().count() > 60 || what.contains(['{', '<']) {
        lang.pick("（在这段文字里）", "in this text")
    } else {
        what
    };
    match lang {
        Lang::Zh => format!("目录里没有错误码或规则 {what}{near}"),
        Lang::En => format!("the catalog has no code or rule {what}{near}"),
    }
}

/// Rules of the same part, else codes and rules that look alike or whose text contains the words.
fn nearest(what: &str) -> Vec<String> {
    const NEAR: usize = 8;
    let lower = what.to_ascii_lowercase();
    let head = what.split('.').next().unwrap_or(what);
    let rules = catalog::diagnoses().iter().map(|rule| rule.rule);
    let mut near: Vec<(f64, String)> = rules
        .map(|rule| {
            let same = if what.contains('.') && rule.starts_with(head) {
                0.3
            } else {
                0.0
            };
            (
                same + strsim::normalized_damerau_levenshtein(rule, &lower),
                rule.to_owned(),
            )
        })
        .collect();
    if lower.parse::<i64>().is_err() {
        for error in FAMILIES.into_iter().flat_map(catalog::errors) {
            let code = error.code.to_string();
            let shown = if error.name.is_empty() {
                code.clone()
            } else {
                format!("{code} {}", error.name)
            };
            let looks = [code.as_str(), error.name].map(|name| {
                strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), &lower)
            });
            let says = lower.chars().count() >= 2
                && (error.text.to_ascii_lowercase().contains(&lower)
                    || error.meaning.zh.contains(&lower)
                    || error.meaning.en.to_ascii_lowercase().contains(&lower));
            near.push((
                looks[0].max(looks[1]).max(if says { 0.7 } else { 0.0 }),
                shown,
            ));
        }
    }
    near.retain(|(score, _)| *score > 0.6);
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(NEAR).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn families(what: &str) -> Vec<&'static str> {
        codes(what).iter().map(|code| code.family.name()).collect()
    }

    #[test]
    fn a_code_is_found_in_every_table_that_has_it() {
        assert_eq!(families("40001"), ["weixin", "work"]);
        assert_eq!(families("-1"), ["weixin", "work"]);
        assert_eq!(families("ORDERPAID"), ["pay_v2", "pay_v3"]);
        assert_eq!(families("param_error"), families("PARAM_ERROR"));
        assert_eq!(codes("OUT_OF_RESPONSE_WINDOW")[0].code, 45015.into());
        assert!(families("nonsense").is_empty());
    }

    #[test]
    fn a_code_is_found_inside_an_answer() {
        for (text, code) in [
            (
                r#"{"errcode":45015,"errmsg":"response out of time limit rid: 1-2"}"#,
                "45015",
            ),
            (
                "wechatpy.exceptions: Error code: 40001, message: invalid credential",
                "40001",
            ),
            ("errcode=-1 system error", "-1"),
            ("<err_code><![CDATA[ORDERPAID]]></err_code>", "ORDERPAID"),
            (r#"{"code":"PARAM_ERROR","message":"x"}"#, "PARAM_ERROR"),
        ] {
            assert_eq!(inside(text).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_has_neighbours() {
        assert!(
            nearest("callback.signature.tokn").contains(&"callback.signature.token".to_owned())
        );
        assert!(nearest("PARAM_EROR").contains(&"PARAM_ERROR".to_owned()));
        assert!(nearest("99999999").is_empty());
    }
}
