//! What is generated for endpoints whose answers are pages.

use std::fmt::Write as _;

use xinqiao_catalog::{
    Endpoint, Shape, TypeId, TypeRef,
    rules::paging::{self, Advance, Path},
};

use super::{Writer, field_name};

impl Writer<'_> {
    /// The endpoint's `paged!`, or nothing.
    pub(super) fn paged(&self, endpoint: &Endpoint, name: &str, up: &str) -> String {
        let Some(paging) = paging::of(endpoint, self.types) else {
            return String::new();
        };
        let advance = match paging.advance {
            Advance::Cursor => "Cursor".to_owned(),
            Advance::Offset => "Offset".to_owned(),
            Advance::Page { first } => format!("Page {{ first: {first} }}"),
        };
        let joined =
            |path: &Option<Path>| path.as_ref().map(|path| path.join(".")).unwrap_or_default();
        let lists: Vec<String> = paging
            .lists
            .iter()
            .map(|path| format!("\"{}\"", path.join(".")))
            .collect();
        let mut out = format!(
            "\nw::paged! {{\n    {name},\n    w::Paging {{\n        advance: w::Advance::{advance},\n        at: \"{}\",\n        next: \"{}\",\n        more: \"{}\",\n        end: \"{}\",\n        total: \"{}\",\n        pages: \"{}\",\n        lists: &[{}],\n    }}",
            paging.at.join("."),
            joined(&paging.next),
            joined(&paging.more),
            joined(&paging.end),
            joined(&paging.total),
            joined(&paging.pages),
            lists.join(", "),
        );
        if let [list] = paging.lists.as_slice()
            && let Some((access, item)) = self.items(&endpoint.response, list, None, up)
        {
            let _ = write!(out, ",\n    |answer| answer{access} => {item}");
        }
        out.push_str("\n}\n");
        out
    }

    /// How the list is taken out of an answer, and the type of its items.
    fn items(
        &self,
        shape: &Shape,
        path: &[&'static str],
        owner: Option<TypeId>,
        up: &str,
    ) -> Option<(String, String)> {
        let (name, below) = path.split_first()?;
        let field = shape.field(name)?;
        let ty = self.base_type(field, owner, up);
        let mut access = format!(".{}", field_name(field));
        if !field.required || field.numbered {
            access.push_str(".unwrap_or_default()");
        }
        if below.is_empty() {
            let item = ty.strip_prefix("Vec<")?.strip_suffix('>')?;
            return Some((access, item.to_owned()));
        }
        match field.ty {
            TypeRef::Named(id) if !ty.starts_with("w::Nested<") => {
                let inner = self.types.get(id.0 as usize)?;
                let (rest, item) = self.items(&inner.shape, below, Some(id), up)?;
                Some((access + &rest, item))
            }
            _ => None,
        }
    }
}
