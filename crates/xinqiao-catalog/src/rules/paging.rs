//! Which endpoints give a list in pages, and by which fields one goes from page to page.
//!
//! There are three ways: a cursor that each answer gives for the next request, an offset and a page's number. They are
//! told from the names that the platform uses; what breaks the rule stands in `BY_HAND`.
//!
//! Invariant: a cursor is only one if the answer gives the next; an answer without a list is no page.

use crate::model::{Endpoint, Field, Shape, TypeDef, TypeRef};

/// Cursors that are not named so, with the field of the answer that gives the next.
const BY_HAND: &[(&str, &str, &str)] = &[(
    "official_account.custom_service.msg_record.get_msg_list",
    "msgid",
    "msgid",
)];
/// Endpoints that count pages from 0.
const FROM_ZERO: &[&str] = &[
    "official_account.guide.get_group_info",
    "official_account.guide.get_guide_buyer_chat_record",
    "official_account.guide.get_guide_buyer_relation_list",
];
/// Names of cursors. The answer gives the next under the same name or with `next_` in front.
const CURSORS: &[&str] = &[
    "cursor",
    "next_cursor",
    "next_openid",
    "begin_openid",
    "next_key",
    "last_buffer",
    "page_ctx",
    "page_context",
    "page_token",
    "page_break",
    "last_index",
    "last_id",
    "begin_id",
    "start_id",
    "next_page_info",
];
/// Names of offsets.
const OFFSETS: &[&str] = &["offset", "page_offset", "start", "begin", "from"];
/// Names of pages' numbers.
const PAGES: &[&str] = &["page", "page_num", "page_index", "pageNo"];
/// Names of the number of items that a page has: without one, an offset or a number is something else.
const SIZES: &[&str] = &[
    "limit",
    "page_size",
    "count",
    "num",
    "size",
    "pageSize",
    "page_limit",
    "page_rows",
];
/// Fields of the answer that say whether there is more, and those that say whether this is the end.
const MORE: &[&str] = &["has_more", "have_more", "has_next_page"];
const END: &[&str] = &["ending", "endflag", "is_last"];
/// Fields of the answer with the number of all items, and of all pages.
const TOTALS: &[&str] = &[
    "total",
    "total_count",
    "total_num",
    "totalNum",
    "totalCount",
    "total_cnt",
    "total_number",
    "total_size",
];
const PAGE_TOTALS: &[&str] = &["total_page", "totalPages"];
/// Objects beside a list that say where its page stands.
const PAGERS: &[&str] = &["page_info", "pager", "next_page"];

/// How one goes from page to page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// Each answer gives the cursor of the next request.
    Cursor,
    /// The request says how many items come before.
    Offset,
    /// The request says the page's number.
    Page {
        /// The first page's.
        first: i64,
    },
}

/// The names of fields from the outside in.
pub type Path = Vec<&'static str>;

/// The fields by which a list in pages is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// How one goes on.
    pub advance: Advance,
    /// The request's field that moves.
    pub at: Path,
    /// The answer's field with the next value of it.
    pub next: Option<Path>,
    /// The answer's field that is true if there is more.
    pub more: Option<Path>,
    /// The answer's field that is true at the end.
    pub end: Option<Path>,
    /// The answer's field with the number of all items.
    pub total: Option<Path>,
    /// The answer's field with the number of all pages.
    pub pages: Option<Path>,
    /// The answer's lists: mostly one.
    pub lists: Vec<Path>,
}

/// How the answers of an endpoint are read page by page, if they come in pages. `types` are those of its product.
#[must_use]
pub fn of(endpoint: &Endpoint, types: &[TypeDef]) -> Option<Paging> {
    let lists = lists(&endpoint.response, types);
    let outer = lists.first()?.split_last()?.1.to_vec();
    let answer = Fields::of(&[&endpoint.response], types);
    let (advance, at, next) = BY_HAND
        .iter()
        .find(|(id, ..)| *id == endpoint.id)
        .map(|(_, at, next)| (Advance::Cursor, vec![*at], Some(vec![*next])))
        .or_else(|| asked(endpoint, types, &answer))?;
    // Where the fields stand that speak of the list: beside it, above it, or in an object beside it.
    let mut places = vec![Path::new(), outer.clone()];
    for place in [Path::new(), outer] {
        places.extend(PAGERS.iter().map(|pager| {
            let mut place = place.clone();
            place.push(*pager);
            place
        }));
    }
    let beside = |names: &[&str]| {
        answer.find(|path, name| names.contains(&name) && places.contains(&path.to_vec()))
    };
    Some(Paging {
        advance,
        at,
        next,
        more: beside(MORE),
        end: beside(END),
        total: beside(TOTALS),
        pages: beside(PAGE_TOTALS),
        lists,
    })
}

/// The request's field that moves, and where the answer gives its next value.
fn asked(
    endpoint: &Endpoint,
    types: &[TypeDef],
    answer: &Fields,
) -> Option<(Advance, Path, Option<Path>)> {
    let request = Fields::of(&[&endpoint.query, &endpoint.request], types);
    let next = |name: &str| {
        let given = match name {
            "begin_openid" => "next_openid".to_owned(),
            _ => format!("next_{name}"),
        };
        answer.find(|_, known| known == given).or_else(|| {
            let same = || answer.find(|_, known| known == name);
            CURSORS.contains(&name).then(same).flatten()
        })
    };
    for (path, name) in request.named(CURSORS) {
        if let Some(next) = next(name) {
            return Some((Advance::Cursor, path, Some(next)));
        }
    }
    let sized = |path: &Path| {
        request.find(|place, name| SIZES.contains(&name) && place == &path[..path.len() - 1])
    };
    let offset = request
        .named(OFFSETS)
        .find(|(path, _)| sized(path).is_some());
    if let Some((path, name)) = offset {
        let after = next(name).or_else(|| {
            answer.find(|place, known| match place {
                [] => known == "next",
                place => known == name && place.last() == Some(&"next_page"),
            })
        });
        return Some((Advance::Offset, path, after));
    }
    let first = i64::from(!FROM_ZERO.contains(&endpoint.id));
    // The size may be the platform's own choice, which the answer tells.
    let told = answer.named(SIZES).next().is_some();
    let mut pages = request.named(PAGES);
    let page = pages.find(|(path, _)| told || sized(path).is_some());
    page.map(|(path, _)| (Advance::Page { first }, path, None))
}

/// The lists of an answer that lie least deep, without those inside of lists.
fn lists(shape: &Shape, types: &[TypeDef]) -> Vec<Path> {
    let mut layer: Vec<(Path, &Shape)> = vec![(Path::new(), shape)];
    for _ in 0..4 {
        let mut found = Vec::new();
        let mut below = Vec::new();
        for (path, shape) in &layer {
            for field in &shape.fields {
                let mut path = path.clone();
                path.push(field.name);
                match &field.ty {
                    _ if !field.alternatives.is_empty() => {}
                    TypeRef::List(_) => found.push(path),
                    ty => below.extend(inside(ty, types).map(|shape| (path, shape))),
                }
            }
        }
        if !found.is_empty() {
            return found;
        }
        layer = below;
    }
    Vec::new()
}

fn inside<'t>(ty: &TypeRef, types: &'t [TypeDef]) -> Option<&'t Shape> {
    match ty {
        TypeRef::Named(id) => types.get(id.0 as usize).map(|ty| &ty.shape),
        _ => None,
    }
}

/// Single values of a shape, the outer ones first.
struct Fields(Vec<Path>);

impl Fields {
    fn of(shapes: &[&Shape], types: &[TypeDef]) -> Self {
        let mut out = Vec::new();
        let mut layer: Vec<(Path, &Shape)> =
            shapes.iter().map(|shape| (Path::new(), *shape)).collect();
        for _ in 0..4 {
            let mut below = Vec::new();
            for (path, shape) in &layer {
                for field in shape.fields.iter().filter(|field| is_single(field)) {
                    let mut path = path.clone();
                    path.push(field.name);
                    match inside(&field.ty, types) {
                        Some(shape) => below.push((path, shape)),
                        None => out.push(path),
                    }
                }
            }
            layer = below;
        }
        Self(out)
    }

    fn find(&self, is: impl Fn(&[&'static str], &str) -> bool) -> Option<Path> {
        let found = self.0.iter().find(|path| match path.split_last() {
            Some((name, place)) => is(place, name),
            None => false,
        });
        found.cloned()
    }

    /// Fields with one of these names, in the names' order. Deeper than in one object they are something else.
    fn named(&self, names: &[&'static str]) -> impl Iterator<Item = (Path, &'static str)> {
        names.iter().filter_map(|name| {
            let path = self.find(|place, known| known == *name && place.len() < 2)?;
            Some((path, *name))
        })
    }
}

fn is_single(field: &Field) -> bool {
    field.alternatives.is_empty() && !field.numbered && !matches!(field.ty, TypeRef::List(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Product;

    fn paging(id: &str) -> Option<Paging> {
        let endpoint = crate::endpoint(id).unwrap();
        of(endpoint, crate::types(endpoint.product))
    }

    #[track_caller]
    fn check(id: &str, advance: Advance, at: &str, next: &str, lists: &str) {
        let found = paging(id).unwrap();
        let joined = |path: &Path| path.join(".");
        assert_eq!(found.advance, advance, "{id}");
        assert_eq!(joined(&found.at), at, "{id}");
        assert_eq!(
            found.next.as_ref().map(joined).unwrap_or_default(),
            next,
            "{id}"
        );
        let found: Vec<_> = found.lists.iter().map(joined).collect();
        assert_eq!(found.join(" "), lists, "{id}");
    }

    #[test]
    fn the_three_ways_are_told_apart() {
        let page = Advance::Page { first: 1 };
        check(
            "official_account.user.get",
            Advance::Cursor,
            "next_openid",
            "next_openid",
            "data.openid",
        );
        check(
            "official_account.tags.members.get_blacklist",
            Advance::Cursor,
            "begin_openid",
            "next_openid",
            "data.openid",
        );
        check(
            "work.kf.sync_msg",
            Advance::Cursor,
            "cursor",
            "next_cursor",
            "msg_list",
        );
        check(
            "channels.store.classification.tree.product_get",
            Advance::Cursor,
            "req.page_context",
            "resp.page_context",
            "resp.product_ids",
        );
        check(
            "official_account.card.sub_merchant.batch_get",
            Advance::Cursor,
            "begin_id",
            "next_begin_id",
            "info_list",
        );
        check(
            "work.wedrive.file_list",
            Advance::Offset,
            "start",
            "next_start",
            "file_list.item",
        );
        check(
            "channels.order.drop_ship.list",
            Advance::Offset,
            "page_info.offset",
            "next_page.offset",
            "ds_order_id_list",
        );
        check(
            "official_account.material.batch_get_material",
            Advance::Offset,
            "offset",
            "",
            "item",
        );
        check("ads.campaigns.get", page, "page", "", "data.list");
        check(
            "official_account.guide.get_group_info",
            Advance::Page { first: 0 },
            "page",
            "",
            "guide_list",
        );
        assert_eq!(paging("official_account.user.info"), None);
        assert_eq!(paging("official_account.menu.get"), None);
        assert_eq!(paging("official_account.card.gift_card.page.get"), None);
    }

    #[test]
    fn sums_of_money_are_no_number_of_items() {
        let refunds = paging("pay_global.base.list_refunds").unwrap();
        assert_eq!(refunds.total, Some(vec!["total_num"]));
    }

    /// Endpoints that look as if they came in pages, with why no rule reads them so.
    const NOT_READ: &[(&str, &str)] = &[
        (
            "mini_program.wxa.get_wxa_game_frame",
            "a range of frames is asked for",
        ),
        (
            "open_platform.component_tcb.get_bucket",
            "the next marker is the last item's key",
        ),
        (
            "open_platform.component_tcb.static_file_list",
            "the next marker is the last item's key",
        ),
        (
            "channels.live_dashboard.get_live_list",
            "nothing can be asked for but a day",
        ),
        (
            "channels.promoter.get_promoter",
            "the answer gives no next start_id",
        ),
        (
            "pay_v2.pay.refund_query_v2",
            "the refunds are numbered fields, not a list",
        ),
        (
            "work.external_contact.get",
            "the request's cursor is unknown to the facts",
        ),
        (
            "work.security.trust_device.get_by_user",
            "the next last_login_userid is the last item's",
        ),
    ];

    #[test]
    fn what_looks_like_pages_is_read_or_listed() {
        let mut unread = Vec::new();
        for product in Product::ALL {
            for endpoint in crate::endpoints(product) {
                let types = crate::types(product);
                let request = Fields::of(&[&endpoint.query, &endpoint.request], types);
                let asks = [
                    CURSORS,
                    OFFSETS,
                    PAGES,
                    &["marker", "last_login_userid", "PostData.PageNumber"],
                ]
                .iter()
                .any(|names| request.named(names).next().is_some());
                let answer = Fields::of(&[&endpoint.response], types);
                let tells = [MORE, END]
                    .iter()
                    .any(|names| answer.named(names).next().is_some())
                    || answer.find(|_, name| name.starts_with("next_")).is_some();
                if (asks || tells)
                    && !lists(&endpoint.response, types).is_empty()
                    && of(endpoint, types).is_none()
                {
                    unread.push(endpoint.id);
                }
            }
        }
        let listed: Vec<_> = NOT_READ.iter().map(|(id, _)| *id).collect();
        assert_eq!(unread, listed);
    }
}
