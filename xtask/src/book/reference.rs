//! The reference: a page for each module, each family of error codes, and each table of rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::Result;
use xinqiao_catalog as catalog;
use xinqiao_catalog::{
    Endpoint, ErrorFamily, Module, Product, Quota, QuotaWindow, RetryClass, Right,
};

use super::{
    Pages, endpoint, event, find, shape, tasks,
    text::{Language, code, plain},
};

/// The pages, and the lines of the summary that list them.
pub(super) struct Reference {
    pub(super) summary: String,
    pub(super) pages: Pages,
}

/// The whole reference in one language.
pub(super) fn pages(language: Language) -> Result<Reference> {
    let mut reference = Reference {
        summary: String::new(),
        pages: Pages::new(),
    };
    let title = tasks::title(language);
    reference.add(0, title, tasks::PAGE.to_owned(), tasks::page(language)?);
    let title = find::title(language);
    reference.add(0, title, find::PAGE.to_owned(), find::page(language));
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
    Ok(reference)
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
        let callbacks = event::page(language, product);
        if callbacks.is_some() {
            let _ = writeln!(index, "| [{}]({}) | |", event::title(language), event::PAGE);
        }
        let heading = format!(
            "{} · {}",
            language.of(product.title()),
            plain(product.name())
        );
        self.add(0, &heading, format!("{folder}/contents.md"), index);
        for (name, endpoints) in modules {
            let path = format!("{folder}/{name}.md");
            self.add(1, &title(name), path, module(language, product, &endpoints));
        }
        if let Some(body) = callbacks {
            self.add(
                1,
                event::title(language),
                format!("{folder}/{}", event::PAGE),
                body,
            );
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

fn module(language: Language, product: Product, endpoints: &[&Endpoint]) -> String {
    let mut out = String::new();
    let mut types = BTreeSet::new();
    for one in endpoints {
        endpoint::section(&mut out, language, one);
        for (_, fields) in one.shapes() {
            shape::reach(product, fields, &mut types);
        }
    }
    shape::types(&mut out, language, product, &types);
    out
}

fn codes(language: Language, family: ErrorFamily) -> String {
    let mut out = String::from(language.say(
        "标 † 的说明由程序从平台的文字推出，未经人工撰写。每格第二行：左为平台的文字，右为能否重试。\n\n\
         | 码 | 含义 | 怎么办 |\n",
        "Texts marked † were derived from the platform's wording by a program. Below the meaning stands the text on the \
         wire, below the remedy whether to try again.\n\n| code | meaning | remedy |\n",
    ));
    out.push_str("|---|---|---|\n");
    for error in catalog::errors(family) {
        let meaning = match (plain(language.of(error.meaning)), error.derived) {
            (text, true) if !text.is_empty() => format!("{text} †"),
            (text, _) => text,
        };
        let text = match error.text {
            "" => String::new(),
            text => code(text),
        };
        let again = format!(
            "{}{}",
            language.say("重试：", "again: "),
            retry(language, error.retry)
        );
        let name = match error.name {
            "" => String::new(),
            name => format!("<br><small>{}</small>", plain(name)),
        };
        let _ = writeln!(
            out,
            "| <a id=\"c{number}\"></a>{number}{name} | {} | {} |",
            lines([meaning, text]),
            lines([plain(language.of(error.remedy)), again]),
            number = error.code,
        );
    }
    out
}

/// Lines of a cell; empty ones are left out.
fn lines(lines: [String; 2]) -> String {
    lines
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("<br>")
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
    out.push_str(language.say(
        "\n## 事件\n\n没有权限的账号收不到。\n\n| | 事件 |\n|---|---|\n",
        "\n## Events\n\nAn account without the right is not pushed them.\n\n| | events |\n|---|---|\n",
    ));
    for row in { catalog::permissions().iter() }.filter(|row| !row.events.is_empty()) {
        let events: Vec<String> = row.events.iter().map(|event| code(event)).collect();
        let _ = writeln!(out, "| {} | {} |", code(row.id), events.join(" "));
    }
    out.push_str(language.say(
        "\n## 时期\n\n上表以第一个时期为准。\n\n| | | 不同的权限 |\n|---|---|---|\n",
        "\n## States\n\nThe table above is the first.\n\n| | | rights that differ |\n|---|---|---|\n",
    ));
    for table in catalog::permission_tables() {
        let rows = catalog::permissions().iter();
        let differ = rows.filter(|row| row.elsewhere.iter().any(|own| own.table == table.id));
        let differ: Vec<String> = differ.map(|row| code(row.id)).collect();
        let title = plain(language.of(table.title));
        let _ = writeln!(
            out,
            "| {} | {title} | {} |",
            code(table.id),
            differ.join(" ")
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
