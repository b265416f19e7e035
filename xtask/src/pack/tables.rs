//! The tables: error codes, permissions, quotas, grants, recipes, limits, diagnoses, pages, hosts.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use xinqiao_catalog::blob::Rules;
use xinqiao_catalog::{
    Bearing, Code, DedupRecipe, Diagnosis, ErrorCode, ErrorFamily, Grant, Host, IssuedKey, Issuing,
    Limit, LimitAt, MediaLimit, Page, PermissionRow, PermissionTable, Product, Quota, QuotaWindow,
    RetryClass, Right, RightsElsewhere, Text,
};

use super::lower::or;
use super::{all, intern, prose};
use crate::source::{Ordered, Prose, read};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ErrorSpec {
    name: String,
    text: String,
    status: u16,
    retry: String,
    meaning: Prose,
    remedy: Prose,
    derived: String,
    action: String,
    paths: Vec<String>,
    confidence: String,
}

pub(super) fn errors() -> Result<Vec<ErrorCode>> {
    let root = read::root().join("errors");
    let mut out: BTreeMap<(ErrorFamily, Code<'static>), ErrorCode> = BTreeMap::new();
    let mut paths = read::files(&root)?;
    for family in ["weixin", "work"] {
        paths.extend(read::files(&root.join(family))?);
    }
    for path in paths {
        let relative = path.strip_prefix(&root)?.with_extension("");
        let relative = relative.to_string_lossy().into_owned();
        let (family, domain) = relative.split_once('/').unwrap_or((&relative, ""));
        let family =
            ErrorFamily::parse(family).ok_or_else(|| anyhow!("unknown error family `{family}`"))?;
        for (code, spec) in read::toml::<Ordered<ErrorSpec>>(&path)?.0 {
            let code = match code.parse::<i64>() {
                Ok(number) => Code::Number(number),
                Err(_) => Code::Word(intern(&code)),
            };
            let by_hand = !spec.meaning.is_empty();
            let meaning = if by_hand {
                prose(&spec.meaning)
            } else {
                Text {
                    zh: "",
                    en: intern(&spec.derived),
                }
            };
            let error = ErrorCode {
                family,
                code,
                name: intern(&spec.name),
                domain: intern(domain),
                text: intern(&spec.text),
                status: spec.status,
                meaning,
                remedy: prose(&spec.remedy),
                retry: match spec.retry.as_str() {
                    "" | "never" => RetryClass::Never,
                    "now" => RetryClass::Now,
                    "later" => RetryClass::Later,
                    "refresh_token" => RetryClass::RefreshToken,
                    "next_quota_window" => RetryClass::NextQuotaWindow,
                    other => bail!("unknown retry class `{other}` in {}", path.display()),
                },
                derived: !by_hand,
                paths: all(&spec.paths),
                confidence: intern(&spec.confidence),
            };
            if out.insert((family, code), error).is_some() {
                bail!("code {code} of {} stands in two files", family.name());
            }
        }
    }
    Ok(out.into_values().collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RuleFiles {
    permission: Vec<PermissionSpec>,
    table: Vec<TableSpec>,
    quota: Vec<QuotaSpec>,
    grant: Vec<GrantSpec>,
    dedup: Vec<DedupSpec>,
    media: Vec<MediaSpec>,
    limit: Vec<LimitSpec>,
    diagnosis: Vec<DiagnosisSpec>,
    page: Vec<PageSpec>,
    host: Vec<HostSpec>,
    issuing: Vec<IssuingSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuingSpec {
    id: String,
    gives: String,
    issued_key: IssuedKey,
    #[serde(default)]
    seals: BTreeMap<String, Bearing>,
    #[serde(default)]
    opens: Vec<String>,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionSpec {
    id: String,
    title: Prose,
    unverified_subscription: Right,
    verified_subscription: Right,
    unverified_service: Right,
    verified_service: Right,
    test_account: Right,
    mini_program: Right,
    covers: Vec<String>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    elsewhere: Vec<ElsewhereSpec>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    confidence: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableSpec {
    id: String,
    title: Prose,
    #[serde(default)]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ElsewhereSpec {
    table: String,
    unverified_subscription: Option<Right>,
    verified_subscription: Option<Right>,
    unverified_service: Option<Right>,
    verified_service: Option<Right>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaSpec {
    id: String,
    /// Not counted by each call: some behaviour of the platform counts it.
    #[serde(default)]
    special: bool,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    applies_to: String,
    limit: u64,
    window: QuotaWindow,
    #[serde(default)]
    code: i64,
    #[serde(default)]
    note: String,
    #[serde(default)]
    confidence: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantSpec {
    id: String,
    product: Product,
    events: Vec<String>,
    messages: u32,
    seconds: u32,
    title: Prose,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DedupSpec {
    id: String,
    fields: Vec<String>,
    keep_hours: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MediaSpec {
    id: String,
    max_bytes: u64,
    formats: Vec<String>,
    #[serde(default)]
    max_seconds: u32,
    size_code: i64,
    format_code: i64,
    #[serde(default)]
    keep_seconds: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitSpec {
    id: String,
    subject: String,
    value: String,
    unit: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    confidence: String,
    endpoint: Option<String>,
    #[serde(default)]
    path: String,
    when: Option<String>,
    #[serde(default)]
    alphabet: String,
    #[serde(default)]
    must: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    zh: Vec<String>,
    en: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiagnosisSpec {
    rule: String,
    cause: Prose,
    remedy: Steps,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageSpec {
    id: String,
    host: String,
    path: String,
    #[serde(default)]
    query: Vec<String>,
    #[serde(default)]
    scope: Vec<String>,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    fragment: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostSpec {
    name: String,
    #[serde(default)]
    canonical: String,
    face: String,
}

fn rule_files() -> Result<RuleFiles> {
    let root = read::root();
    let mut out = RuleFiles::default();
    let mut paths = read::files(&root)?;
    paths.extend(read::files(&root.join("diagnoses"))?);
    for path in paths {
        if ["auth.toml", "overrides.toml", "tasks.toml"]
            .iter()
            .any(|other| path.ends_with(other))
        {
            continue;
        }
        let mut file: RuleFiles = read::toml(&path)?;
        out.permission.append(&mut file.permission);
        out.table.append(&mut file.table);
        out.quota.append(&mut file.quota);
        out.grant.append(&mut file.grant);
        out.dedup.append(&mut file.dedup);
        out.media.append(&mut file.media);
        out.limit.append(&mut file.limit);
        out.diagnosis.append(&mut file.diagnosis);
        out.page.append(&mut file.page);
        out.host.append(&mut file.host);
        out.issuing.append(&mut file.issuing);
    }
    Ok(out)
}

pub(super) fn hosts() -> Result<Vec<Host>> {
    Ok(rule_files()?
        .host
        .iter()
        .map(|host| Host {
            name: intern(&host.name),
            canonical: intern(or(&host.canonical, &host.name)),
            face: intern(&host.face),
        })
        .collect())
}

pub(super) fn rules() -> Result<Rules> {
    let files = rule_files()?;
    let mut rules = Rules::default();
    for row in &files.permission {
        rules.permissions.push(PermissionRow {
            id: intern(&row.id),
            title: prose(&row.title),
            unverified_subscription: row.unverified_subscription,
            verified_subscription: row.verified_subscription,
            unverified_service: row.unverified_service,
            verified_service: row.verified_service,
            test_account: row.test_account,
            mini_program: row.mini_program,
            covers: all(&row.covers),
            events: all(&row.events),
            elsewhere: (row.elsewhere.iter())
                .map(|other| RightsElsewhere {
                    table: intern(&other.table),
                    unverified_subscription: other.unverified_subscription,
                    verified_subscription: other.verified_subscription,
                    unverified_service: other.unverified_service,
                    verified_service: other.verified_service,
                })
                .collect(),
            note: intern(&row.note),
            source: "",
            confidence: intern(&row.confidence),
        });
    }
    for table in &files.table {
        rules.permission_tables.push(PermissionTable {
            id: intern(&table.id),
            title: prose(&table.title),
            source: intern(&table.source),
        });
    }
    for quota in &files.quota {
        rules.quotas.push(Quota {
            id: intern(&quota.id),
            scope: intern(&quota.scope),
            subject: intern(&quota.subject),
            applies_to: intern(&quota.applies_to),
            limit: quota.limit,
            window: quota.window,
            code: quota.code,
            special: quota.special,
            also: all(&quota.also),
            note: intern(&quota.note),
            confidence: intern(&quota.confidence),
        });
    }
    for issuing in &files.issuing {
        rules.issuing.push(Issuing {
            id: intern(&issuing.id),
            gives: intern(&issuing.gives),
            issued_key: issuing.issued_key,
            seals: (issuing.seals.iter())
                .map(|(field, bearing)| (intern(field), *bearing))
                .collect(),
            opens: all(&issuing.opens),
            note: intern(&issuing.note),
        });
    }
    rules.issuing.sort_by_key(|issuing| issuing.id);
    for grant in &files.grant {
        rules.grants.push(Grant {
            id: intern(&grant.id),
            events: all(&grant.events),
            messages: grant.messages,
            seconds: grant.seconds,
            product: grant.product,
            title: prose(&grant.title),
        });
    }
    for recipe in &files.dedup {
        rules.dedup.push(DedupRecipe {
            id: intern(&recipe.id),
            fields: all(&recipe.fields),
            keep_hours: recipe.keep_hours,
        });
    }
    for media in &files.media {
        rules.media.push(MediaLimit {
            id: intern(&media.id),
            max_bytes: media.max_bytes,
            formats: all(&media.formats),
            max_seconds: media.max_seconds,
            size_code: media.size_code,
            format_code: media.format_code,
            keep_seconds: media.keep_seconds,
        });
    }
    for limit in &files.limit {
        rules.limits.push(Limit {
            id: intern(&limit.id),
            subject: intern(&limit.subject),
            value: intern(&limit.value),
            unit: intern(&limit.unit),
            note: intern(&limit.note),
            confidence: intern(&limit.confidence),
            at: limit.endpoint.as_ref().map(|endpoint| LimitAt {
                endpoint: intern(endpoint),
                path: intern(&limit.path),
                when: limit.when.as_ref().and_then(|when| {
                    let (field, value) = when.split_once('=')?;
                    Some((intern(field), intern(value)))
                }),
                alphabet: intern(&limit.alphabet),
                must: limit.must,
            }),
        });
    }
    rules.limits.sort_by_key(|limit| limit.id);
    if let Some(pair) = rules
        .limits
        .windows(2)
        .find(|pair| pair[0].id == pair[1].id)
    {
        bail!("limit `{}` stands twice", pair[0].id);
    }
    for diagnosis in &files.diagnosis {
        rules.diagnoses.push(Diagnosis {
            rule: intern(&diagnosis.rule),
            cause: prose(&diagnosis.cause),
            remedy_zh: all(&diagnosis.remedy.zh),
            remedy_en: all(&diagnosis.remedy.en),
        });
    }
    rules.diagnoses.sort_by_key(|diagnosis| diagnosis.rule);
    if let Some(pair) = rules
        .diagnoses
        .windows(2)
        .find(|pair| pair[0].rule == pair[1].rule)
    {
        bail!("diagnosis `{}` stands twice", pair[0].rule);
    }
    for page in &files.page {
        rules.pages.push(Page {
            id: intern(&page.id),
            host: intern(&page.host),
            path: intern(&page.path),
            query: all(&page.query),
            fragment: intern(&page.fragment),
            scopes: all(&page.scope),
            lines: all(&page.products),
        });
    }
    Ok(rules)
}
