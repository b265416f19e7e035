//! Finding things by name.

use crate::blob;
use crate::model::{
    Code, DedupRecipe, Diagnosis, Endpoint, EnumId, EnumValue, Enumeration, ErrorCode, ErrorFamily,
    Event, EventKind, Field, Grant, Host, Issuing, Limit, Meaning, MediaLimit, Module, Page,
    PermissionRow, PermissionTable, Product, Quota, Route, Text, TypeDef, TypeId,
};

/// The endpoint of that id.
///
/// Whether a word of the path is a module or a part of the verb depends on its neighbours, and where the platform runs
/// words together the id does not: nobody should have to know either. An id that is no id counts without its dots and
/// underscores, if that leaves one endpoint.
#[must_use]
pub fn endpoint(id: &str) -> Option<&'static Endpoint> {
    let all = endpoints(Product::of_id(id)?);
    match all.binary_search_by(|endpoint| endpoint.id.cmp(id)) {
        Ok(found) => all.get(found),
        Err(_) => {
            let mut alike = all.iter().filter(|endpoint| same_letters(endpoint.id, id));
            alike.next().filter(|_| alike.next().is_none())
        }
    }
}

fn same_letters(one: &str, other: &str) -> bool {
    fn letters(id: &str) -> impl Iterator<Item = u8> {
        id.bytes().filter(|byte| !matches!(byte, b'.' | b'_'))
    }
    letters(one).eq(letters(other))
}

/// All endpoints of a product, sorted by id.
#[must_use]
pub fn endpoints(product: Product) -> &'static [Endpoint] {
    &blob::product(product).endpoints
}

/// The named types of a product.
#[must_use]
pub fn types(product: Product) -> &'static [TypeDef] {
    &blob::product(product).types
}

/// The named type behind a [`TypeId`] of that product.
#[must_use]
pub fn type_def(product: Product, id: TypeId) -> Option<&'static TypeDef> {
    types(product).get(id.0 as usize)
}

/// The enumerations of a product.
#[must_use]
pub fn enumerations(product: Product) -> &'static [Enumeration] {
    &blob::product(product).enums
}

/// The enumeration behind an [`EnumId`] of that product.
#[must_use]
pub fn enumeration(product: Product, id: EnumId) -> Option<&'static Enumeration> {
    enumerations(product).get(id.0 as usize)
}

/// The values that a field of that product may have; none = any.
#[must_use]
pub fn values(product: Product, field: &Field) -> &'static [EnumValue] {
    let known = field.enumeration.and_then(|id| enumeration(product, id));
    known.map_or(&[], |known| &known.values)
}

/// What a field or value of that product means, by the number that it holds; empty texts where nobody has written it.
///
/// The first call for a product unpacks the product's glossary.
#[must_use]
pub fn meaning(product: Product, number: u32) -> &'static Meaning {
    static NONE: Meaning = Meaning {
        text: Text { zh: "", en: "" },
        unit: "",
        format: "",
        example: "",
        from: Text { zh: "", en: "" },
    };
    let Some(at) = number.checked_sub(1) else {
        return &NONE;
    };
    let all = &blob::meanings(product).meanings;
    all.get(at as usize).unwrap_or(&NONE)
}

/// The route index: every path with its method, host and discriminator.
#[must_use]
pub fn routes() -> &'static [Route] {
    &blob::index().routes
}

/// All platform hosts.
#[must_use]
pub fn hosts() -> &'static [Host] {
    &blob::outline().hosts
}

/// The platform host that a `Host` header or the authority of a URL names, in any case, with or without a port or a
/// final dot.
#[must_use]
pub fn host(authority: &str) -> Option<&'static Host> {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    hosts()
        .iter()
        .find(|host| host.name.eq_ignore_ascii_case(name))
}

/// All modules, sorted by product and name.
#[must_use]
pub fn modules() -> &'static [Module] {
    &blob::outline().modules
}

/// Pages that people open in a browser.
#[must_use]
pub fn pages() -> &'static [Page] {
    &blob::rules().pages
}

/// The page of that id.
#[must_use]
pub fn page(id: &str) -> Option<&'static Page> {
    pages().iter().find(|page| page.id == id)
}

/// All callbacks of all products, sorted by id within a product.
pub fn events() -> impl Iterator<Item = &'static Event> {
    Product::ALL
        .into_iter()
        .flat_map(|product| blob::events(product).events.iter())
}

/// The callback of that id.
#[must_use]
pub fn event(id: &str) -> Option<&'static Event> {
    let all = &blob::events(Product::of_id(id)?).events;
    all.binary_search_by(|event| event.id.cmp(id))
        .ok()
        .and_then(|found| all.get(found))
}

/// The callback with these wire values; `field` reads a further field where several share them, as text, empty for
/// one that is there and no text.
///
/// `event` is the value of `Event`, or of `InfoType` for component and suite pushes, or empty for messages.
/// WeChat is not consistent about upper and lower case, so names are compared without it.
pub fn recognise_event<'a>(
    product: Product,
    msg_type: &str,
    event: &str,
    field: impl Fn(&str) -> Option<&'a str>,
) -> Option<&'static Event> {
    let mut plain = None;
    for candidate in &blob::events(product).events {
        if candidate.kind == EventKind::Reply {
            continue;
        }
        let is_info = !candidate.info_type.is_empty()
            && (candidate.kind == EventKind::Info || msg_type.is_empty())
            && candidate.info_type.eq_ignore_ascii_case(event);
        let matches = is_info
            || candidate.kind != EventKind::Info
                && candidate.kind != EventKind::Notify
                && candidate.event.eq_ignore_ascii_case(event)
                && candidate.msg_type.eq_ignore_ascii_case(msg_type);
        if !matches {
            continue;
        }
        match candidate.when {
            Some((name, value)) => {
                if field(name).is_some_and(|found| value == "*" || found == value) {
                    return Some(candidate);
                }
            }
            None => plain = plain.or(Some(candidate)),
        }
    }
    plain
}

/// All error codes of a family, sorted by code.
#[must_use]
pub fn errors(family: ErrorFamily) -> &'static [ErrorCode] {
    let all = &blob::errors().codes;
    let start = all.partition_point(|error| error.family < family);
    let end = all.partition_point(|error| error.family <= family);
    all.get(start..end).unwrap_or_default()
}

/// What a code means in that product.
#[must_use]
pub fn error<'a>(product: Product, code: impl Into<Code<'a>>) -> Option<&'static ErrorCode> {
    error_of(product.errors(), code)
}

/// What a code means in that family.
#[must_use]
pub fn error_of<'a>(family: ErrorFamily, code: impl Into<Code<'a>>) -> Option<&'static ErrorCode> {
    let code: Code<'a> = code.into();
    let all = errors(family);
    all.binary_search_by(|error| error.code.cmp(&code))
        .ok()
        .and_then(|found| all.get(found))
}

/// All permission rows.
#[must_use]
pub fn permissions() -> &'static [PermissionRow] {
    &blob::rules().permissions
}

/// The permission row of that id.
#[must_use]
pub fn permission(row: &str) -> Option<&'static PermissionRow> {
    permissions().iter().find(|permission| permission.id == row)
}

/// States of the permission table; the first is the usual one.
#[must_use]
pub fn permission_tables() -> &'static [PermissionTable] {
    &blob::rules().permission_tables
}

/// All quotas.
#[must_use]
pub fn quotas() -> &'static [Quota] {
    &blob::rules().quotas
}

/// The quotas of that id: one for each sort of account.
pub fn quotas_of(id: &str) -> impl Iterator<Item = &'static Quota> {
    quotas().iter().filter(move |quota| quota.id == id)
}

/// All endpoints that hand out credentials or take a secret, sorted by id.
#[must_use]
pub fn issuing_endpoints() -> &'static [Issuing] {
    &blob::rules().issuing
}

/// What the endpoint of that id issues, if it does.
#[must_use]
pub fn issuing(id: &str) -> Option<&'static Issuing> {
    let all = issuing_endpoints();
    let at = all.binary_search_by(|issuing| issuing.id.cmp(id)).ok()?;
    all.get(at)
}

/// All interaction grants.
#[must_use]
pub fn grants() -> &'static [Grant] {
    &blob::rules().grants
}

/// What an event (id) allows the account to send.
#[must_use]
pub fn grant(event_id: &str) -> Option<&'static Grant> {
    grants()
        .iter()
        .find(|grant| grant.events.contains(&event_id))
}

/// All dedup recipes.
#[must_use]
pub fn dedup_recipes() -> &'static [DedupRecipe] {
    &blob::rules().dedup
}

/// The dedup recipe of that id.
#[must_use]
pub fn dedup_recipe(id: &str) -> Option<&'static DedupRecipe> {
    dedup_recipes().iter().find(|recipe| recipe.id == id)
}

/// All media limits.
#[must_use]
pub fn media_limits() -> &'static [MediaLimit] {
    &blob::rules().media
}

/// The media limit of that id (`temporary.image` …).
#[must_use]
pub fn media(id: &str) -> Option<&'static MediaLimit> {
    media_limits().iter().find(|limit| limit.id == id)
}

/// All limits, sorted by id.
#[must_use]
pub fn limits() -> &'static [Limit] {
    &blob::rules().limits
}

/// All diagnoses, sorted by rule.
#[must_use]
pub fn diagnoses() -> &'static [Diagnosis] {
    &blob::rules().diagnoses
}

/// Cause and remedy of a named mistake.
#[must_use]
pub fn diagnosis(rule: &str) -> Option<&'static Diagnosis> {
    let all = diagnoses();
    all.binary_search_by(|diagnosis| diagnosis.rule.cmp(rule))
        .ok()
        .and_then(|at| all.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_however_it_is_named() {
        let name = |authority| host(authority).map(|host| host.name);
        for authority in [
            "api.weixin.qq.com",
            "API.weixin.qq.com",
            "api.weixin.qq.com.",
            "api.weixin.qq.com:443",
            "api.weixin.qq.com.:80",
        ] {
            assert_eq!(name(authority), Some("api.weixin.qq.com"), "{authority}");
        }
        for authority in [
            "",
            ".",
            ":",
            "evil-api.weixin.qq.com",
            "api.weixin.qq.com:x",
            "[::1]:80",
        ] {
            assert_eq!(name(authority), None, "{authority}");
        }
    }

    #[test]
    fn an_endpoint_is_found_by_its_words_however_they_are_joined() {
        for id in [
            "channels.basics.img_upload",
            "channels.basics.img.upload",
            "channels.basics_img_upload",
        ] {
            let found = endpoint(id).map(|endpoint| endpoint.id);
            assert_eq!(found, Some("channels.basics.img_upload"), "{id}");
        }
        assert!(endpoint("channels.basics.img").is_none());
        // Two endpoints have these words: only their own ids find them.
        assert!(endpoint("pay_v3.pay_transactions.exposure").is_none());
        assert!(endpoint("pay_v3.pay.check_acquiring_bank_exposure").is_some());
    }
}
