//! One endpoint on its module's page.

use std::{collections::BTreeSet, fmt::Write as _};

use xinqiao_catalog as catalog;
use xinqiao_catalog::{AuthKind, AuthSource, Code, Content, Endpoint, Retry, permission};

use super::{
    shape,
    text::{Language, code, plain},
};

/// The endpoint's part of the page.
pub(super) fn section(out: &mut String, language: Language, endpoint: &Endpoint) {
    let title = match language.of(endpoint.title) {
        "" => endpoint.verb,
        title => title,
    };
    let _ = writeln!(out, "## {} {{#e-{}}}\n", plain(title), endpoint.verb);
    let about = language.of(endpoint.about);
    if !about.is_empty() {
        let _ = writeln!(out, "{}\n", plain(about));
    }
    if !endpoint.deprecated.is_empty() {
        let since = if endpoint.deprecated == "true" {
            ""
        } else {
            endpoint.deprecated
        };
        let _ = writeln!(out, "> {} {since}\n", language.say("已停用", "Shut down"));
    }
    if endpoint.partial {
        let note = language.say(
            "只知道路径，字段不详：以任意 JSON 调用。",
            "Only the path is known, not the fields: call it with free JSON.",
        );
        let _ = writeln!(out, "> {note}\n");
    }
    out.push_str("| | |\n|---|---|\n");
    facts(out, language, endpoint);
    out.push('\n');
    let product = endpoint.product;
    for (title, fields) in [
        (
            language.say("路径参数", "In the path"),
            &endpoint.path_params,
        ),
        (language.say("查询参数", "In the query"), &endpoint.query),
        (language.say("请求头", "Headers"), &endpoint.headers),
        (language.say("请求", "Request"), &endpoint.request),
        (language.say("应答", "Answer"), &endpoint.response),
    ] {
        shape::table(out, language, product, title, fields);
    }
}

/// What stands in the table at the top.
fn facts(out: &mut String, language: Language, endpoint: &Endpoint) {
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "| {name} | {value} |");
        }
    };
    row("id", code(endpoint.id));
    row(language.say("路由", "route"), route(endpoint));
    for other in &endpoint.path_alt {
        row(language.say("另一写法", "also"), code(other));
    }
    row(
        language.say("凭据", "credential"),
        credential(language, endpoint),
    );
    let body = match endpoint.content_alt {
        Some(second) => format!("{} / {}", content(endpoint.content), content(second)),
        None => content(endpoint.content).to_owned(),
    };
    row(
        language.say("格式", "forms"),
        format!("{body} → {}", content(endpoint.answer)),
    );
    row(
        language.say("权限", "permission"),
        permissions(language, endpoint),
    );
    row(language.say("额度", "quota"), quotas(endpoint));
    row(
        language.say("重试", "retry"),
        retry(language, endpoint.retry).to_owned(),
    );
    if !endpoint.roles.is_empty() {
        row(
            language.say("角色", "roles"),
            plain(&endpoint.roles.join(", ")),
        );
    }
    if endpoint.client_cert {
        row(
            language.say("证书", "certificate"),
            language
                .say("需要商户证书", "the merchant's client certificate")
                .to_owned(),
        );
    }
    row(language.say("错误码", "errors"), errors(endpoint));
    let pages: Vec<String> = endpoint
        .doc
        .iter()
        .map(|page| format!("<{page}>"))
        .collect();
    row(
        language.say("官方文档", "official pages"),
        pages.join("<br>"),
    );
}

fn route(endpoint: &Endpoint) -> String {
    let mut route = code(&format!(
        "{} https://{}{}",
        endpoint.method, endpoint.host, endpoint.path
    ));
    if let Some(when) = endpoint.when {
        let _ = write!(route, " {}", code(&format!("{}={}", when.name, when.value)));
    }
    route
}

fn credential(language: Language, endpoint: &Endpoint) -> String {
    let kind = match endpoint.auth.kind {
        AuthKind::None => language.say("无", "none"),
        AuthKind::AccessToken => "access_token",
        AuthKind::ComponentAccessToken => "component_access_token",
        AuthKind::SuiteAccessToken => "suite_access_token",
        AuthKind::ProviderAccessToken => "provider_access_token",
        AuthKind::DeviceAccessToken => "device_access_token",
        AuthKind::ModelAccessToken => "model_access_token",
        AuthKind::Sns => language.say("网页授权的用户 token", "a user's OAuth token"),
        AuthKind::Merchant => language.say("商户签名", "the merchant's signature"),
        AuthKind::WebhookKey => "webhook key",
        AuthKind::Chatbot => "chatbot token",
        AuthKind::Openai => "openai",
    };
    let from = match endpoint.auth.source {
        AuthSource::Inferred => language.say("（推断）", " (inferred)"),
        AuthSource::Page | AuthSource::Sdk => "",
    };
    format!("{}{from}", plain(kind))
}

const fn content(content: Content) -> &'static str {
    match content {
        Content::None => "–",
        Content::Json => "JSON",
        Content::Xml => "XML",
        Content::Multipart => "multipart",
        Content::Form => "form",
        Content::Raw => "text",
        Content::Binary => "bytes",
        Content::Csv => "CSV",
    }
}

fn permissions(language: Language, endpoint: &Endpoint) -> String {
    let rows: Vec<String> = (endpoint.permissions.iter())
        .map(|row| {
            let title = permission(row).map_or("", |found| language.of(found.title));
            let title = if title.is_empty() { row } else { title };
            format!("[{}](../permissions.md#p-{row})", plain(title))
        })
        .collect();
    rows.join(", ")
}

fn quotas(endpoint: &Endpoint) -> String {
    let rows: Vec<String> = (endpoint.quotas.iter())
        .map(|row| format!("[{}](../quotas.md#q-{row})", plain(row)))
        .collect();
    rows.join(", ")
}

const fn retry(language: Language, retry: Retry) -> &'static str {
    match retry {
        Retry::Safe => language.say("可以", "safe"),
        Retry::Keyed => language.say("带同一幂等键时可以", "with its idempotency key only"),
        Retry::Never => language.say("发出后不重试", "never once a byte has left"),
    }
}

/// The codes that it is known to answer with, and those whose pages name its path.
fn errors(endpoint: &Endpoint) -> String {
    let family = endpoint.product.errors();
    let named = (catalog::errors(family).iter())
        .filter(|error| error.paths.contains(&endpoint.path))
        .map(|error| error.code);
    let own = (endpoint.errors.iter()).map(|code| Code::Number(*code));
    let codes: BTreeSet<Code> = own.chain(named).collect();
    let codes: Vec<String> = (codes.into_iter())
        .map(|code| match catalog::error(endpoint.product, code) {
            Some(_) => format!("[{code}](../errors/{}.md#c{code})", family.name()),
            None => code.to_string(),
        })
        .collect();
    codes.join(", ")
}
