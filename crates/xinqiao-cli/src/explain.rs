//! `xinqiao explain`: what an error code or a diagnosis rule means, and what to do about it.

use serde_json::json;
use xinqiao_catalog as catalog;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

/// Explains `what`: a code of any product, or the name of a rule.
pub(crate) fn run(what: &str, as_json: bool, lang: Lang) -> Outcome {
    if let Some(rule) = catalog::diagnosis(what) {
        if as_json {
            talk::data(json!(rule));
        } else {
            print_rule(rule, lang);
        }
        return Ok(());
    }
    let found = codes(what);
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

/// The code in every table that has it; one table serves several products.
fn codes(what: &str) -> Vec<&'static catalog::ErrorCode> {
    let mut found: Vec<&'static catalog::ErrorCode> = Vec::new();
    for product in catalog::Product::ALL {
        if let Some(code) = catalog::error(product, what)
            && !found.iter().any(|known| known.family == code.family)
        {
            found.push(code);
        }
    }
    found
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
        code.family.name()
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
    let near: Vec<&str> = catalog::diagnoses()
        .iter()
        .map(|rule| rule.rule)
        .filter(|rule| {
            let head = what.split('.').next().unwrap_or(what);
            !head.is_empty() && rule.starts_with(head)
        })
        .collect();
    let near = if near.is_empty() {
        String::new()
    } else {
        format!(": {}", near.join(", "))
    };
    match lang {
        Lang::Zh => format!("目录里没有错误码或规则 {what}{near}"),
        Lang::En => format!("the catalog has no code or rule {what}{near}"),
    }
}
