//! The reference: a page for each module, each family of error codes, and each table of rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use xinqiao_catalog as catalog;
use xinqiao_catalog::{
    Endpoint, ErrorFamily, Module, Product, Quota, QuotaWindow, RetryClass, Right,
};

use super::{
    Pages, endpoint, shape,
    text::{Language, code, plain},
};

/// The pages, and the lines of the summary that list them.
pub(super) struct Reference {
    pub(super) summary: String,
    pub(super) pages: Pages,
}

/// The whole reference in one language.
pub(super) fn pages(language: Language) -> Reference {
    let mut reference = Reference {
        summary: String::new(),
        pages: Pages::new(),
    };
    for product in Product::ALL {
        reference.product(language, product);
    }
    reference.codes(language);
    let tables = [
        (
            "permissions",
            language.say("权限表", "Permissions"),
            permissions(language),
        ),
        ("quotas", language.say("额度表", "Quotas"), quotas(language)),
        (
            "diagnoses",
            language.say("诊断规则", "Diagnosis rules"),
            diagnoses(language),
        ),
    ];
    for (name, title, body) in tables {
        reference.add(0, title, format!("reference/{name}.md"), body);
    }
    reference
}

impl Reference {
    /// Adds a page under a title that becomes its heading.
    fn add(&mut self, depth: usize, title: &str, path: String, body: String) {
        let indent = "  ".repeat(depth + 1);
        let _ = writeln!(self.summary, "{indent}- [{title}]({path})");
        self.pages.insert(path, format!("# {title}\n\n{body}"));
    }

    fn product(&mut self, language: Language, product: Product) {
        let mut modules: BTreeMap<&str, Vec<&Endpoint>> = BTreeMap::new();
        for endpoint in catalog::endpoints(product) {
            modules.entry(endpoint.module).or_default().push(endpoint);
        }
        let known: BTreeMap<&str, &Module> = catalog::modules()
            .iter()
            .filter(|module| module.product == product)
            .map(|module| (module.name, module))
            .collect();
        let title = |name: &str| {
            let text = known
                .get(name)
                .map_or("", |module| language.of(module.title));
            match text {
                "" => plain(name),
                text => format!("{} · {}", plain(text), plain(name)),
            }
        };
        let mut index = String::from("| | |\n|---|---|\n");
        for (name, endpoints) in &modules {
            let count = endpoints.len();
            let _ = writeln!(index, "| [{}]({name}.md) | {count} |", title(name));
        }
        let folder = format!("reference/{product}");
        let heading = format!(
            "{} · {}",
            product_title(language, product),
            plain(product.name())
        );
        self.add(0, &heading, format!("{folder}/contents.md"), index);
        for (name, endpoints) in modules {
            let path = format!("{folder}/{name}.md");
            self.add(1, &title(name), path, module(language, product, &endpoints));
        }
    }

    fn codes(&mut self, language: Language) {
        for (family, title) in [
            (ErrorFamily::Weixin, language.say("微信", "WeChat")),
            (ErrorFamily::Work, language.say("企业微信", "WeCom")),
            (
                ErrorFamily::PayV2,
                language.say("微信支付 v2", "WeChat Pay v2"),
            ),
            (
                ErrorFamily::PayV3,
                language.say("微信支付 v3", "WeChat Pay v3"),
            ),
            (
                ErrorFamily::PayBusiness,
                language.say("微企付", "business pay"),
            ),
            (
                ErrorFamily::SampleCode,
                language.say("官方加解密示例代码", "the platform's sample code"),
            ),
        ] {
            let title = format!("{}: {title}", language.say("错误码", "Error codes"));
            let path = format!("reference/errors/{}.md", family.name());
            self.add(0, &title, path, codes(language, family));
        }
    }
}

const fn product_title(language: Language, product: Product) -> &'static str {
    match product {
        Product::OfficialAccount => language.say("公众号", "Official accounts"),
        Product::MiniProgram => language.say("小程序", "Mini programs"),
        Product::OpenPlatform => language.say("开放平台", "Open platform"),
        Product::Channels => language.say("视频号与小店", "Channels and shop"),
        Product::PayV2 => language.say("微信支付 v2", "WeChat Pay v2"),
        Product::PayV3 => language.say("微信支付 v3", "WeChat Pay v3"),
        Product::PayBusiness => language.say("微企付", "Business pay"),
        Product::PayGlobal => language.say("境外支付", "Cross-border pay"),
        Product::Work => language.say("企业微信", "WeCom"),
        Product::Ads => language.say("广告", "Marketing API"),
        Product::Chatbot => language.say("对话开放平台", "Chatbot"),
    }
}

fn module(language: Language, product: Product, endpoints: &[&Endpoint]) -> String {
    let mut out = String::new();
    let mut types = BTreeSet::new();
    for one in endpoints {
        endpoint::section(&mut out, language, one);
        for fields in [
            &one.path_params,
            &one.query,
            &one.headers,
            &one.request,
            &one.response,
        ] {
            shape::reach(product, fields, &mut types);
        }
    }
    shape::types(&mut out, language, product, &types);
    out
}

fn codes(language: Language, family: ErrorFamily) -> String {
    let mut out = String::from(language.say(
        "标 † 的说明由程序从平台的文字推出，未经人工撰写。\n\n| 码 | 平台文字 | 含义 | 怎么办 | 重试 |\n",
        "Texts marked † were derived from the platform's wording by a program.\n\n\
         | code | text on the wire | meaning | remedy | retry |\n",
    ));
    out.push_str("|---|---|---|---|---|\n");
    for error in catalog::errors(family) {
        let mark = if error.derived { " †" } else { "" };
        let text = match error.text {
            "" => String::new(),
            text => code(text),
        };
        let _ = writeln!(
            out,
            "| <a id=\"c{number}\"></a>{number} | {text} | {}{mark} | {} | {} |",
            plain(language.of(error.meaning)),
            plain(language.of(error.remedy)),
            retry(language, error.retry),
            number = error.code,
        );
    }
    out
}

const fn retry(language: Language, class: RetryClass) -> &'static str {
    match class {
        RetryClass::Never => language.say("不", "never"),
        RetryClass::Now => language.say("立即一次", "once, at once"),
        RetryClass::Later => language.say("稍后", "later"),
        RetryClass::RefreshToken => language.say("换新 token", "with a new token"),
        RetryClass::NextQuotaWindow => language.say("下一额度窗口", "in the next quota window"),
    }
}

fn permissions(language: Language) -> String {
    let mut out = String::from(language.say(
        "| | 未认证订阅号 | 认证订阅号 | 未认证服务号 | 认证服务号 | 测试号 | 小程序 |\n",
        "| | subscription | verified subscription | service | verified service | test account | mini program |\n",
    ));
    out.push_str("|---|---|---|---|---|---|---|\n");
    for row in catalog::permissions() {
        let title = match language.of(row.title) {
            "" => row.id,
            title => title,
        };
        let rights = [
            row.unverified_subscription,
            row.verified_subscription,
            row.unverified_service,
            row.verified_service,
            row.test_account,
            row.mini_program,
        ]
        .map(|right| self::right(language, right))
        .join(" | ");
        let _ = writeln!(
            out,
            "| <a id=\"p-{id}\"></a>{} {} | {rights} |",
            plain(title),
            code(row.id),
            id = row.id
        );
    }
    out
}

const fn right(language: Language, right: Right) -> &'static str {
    match right {
        Right::No => "–",
        Right::Yes => language.say("有", "yes"),
        Right::Limited => language.say("部分", "in part"),
        Right::Apply => language.say("申请", "on application"),
        Right::ViaComponent => language.say("经第三方平台", "through a component"),
        Right::ViaOfficialAccount => language.say("经公众号", "through the official account"),
    }
}

fn quotas(language: Language) -> String {
    let mut out = String::from(language.say(
        "按上海时间的自然日、自然月计。\n\n| | 对象 | 范围 | 上限 | 超出时 |\n",
        "Days and months are those of Shanghai.\n\n| | of what | whom | limit | code |\n",
    ));
    out.push_str("|---|---|---|---|---|\n");
    let mut seen = BTreeSet::new();
    for quota in catalog::quotas() {
        let anchor = if seen.insert(quota.id) {
            format!("<a id=\"q-{}\"></a>", quota.id)
        } else {
            String::new()
        };
        let exceeded = match quota.code {
            0 => String::new(),
            code => code.to_string(),
        };
        let _ = writeln!(
            out,
            "| {anchor}{} | {} | {} {} | {} | {exceeded} |",
            code(quota.id),
            plain(quota.subject),
            plain(quota.scope),
            plain(quota.applies_to),
            limit(language, quota),
        );
    }
    out
}

fn limit(language: Language, quota: &Quota) -> String {
    let window = match quota.window {
        QuotaWindow::Second => language.say("每秒", "a second"),
        QuotaWindow::Minute => language.say("每分钟", "a minute"),
        QuotaWindow::Hour => language.say("每小时", "an hour"),
        QuotaWindow::Day => language.say("每天", "a day"),
        QuotaWindow::Month => language.say("每月", "a month"),
        QuotaWindow::Total => language.say("总共", "in all"),
        QuotaWindow::Other => "",
    };
    let number = match quota.limit {
        0 => plain(quota.note),
        number => number.to_string(),
    };
    format!("{number} {window}").trim().to_owned()
}

fn diagnoses(language: Language) -> String {
    let mut out = String::new();
    for diagnosis in catalog::diagnoses() {
        let remedy = match language {
            Language::Chinese => &diagnosis.remedy_zh,
            Language::English => &diagnosis.remedy_en,
        };
        let cause = plain(language.of(diagnosis.cause));
        let _ = writeln!(
            out,
            "## {} {{#{}}}\n\n{cause}\n",
            code(diagnosis.rule),
            diagnosis.rule
        );
        for step in remedy {
            let _ = writeln!(out, "* {}", plain(step));
        }
        out.push('\n');
    }
    out
}
