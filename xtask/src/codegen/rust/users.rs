//! Who holds a type, for its documentation and for what it needs.

use std::collections::HashSet;

use xinqiao_catalog::blob::Section;
use xinqiao_catalog::{Endpoint, Event, Shape, TypeDef, TypeRef};

use crate::names::type_name;

/// The fields that hold each type, in the order of the section's types.
pub(super) fn of(section: &Section, events: &[Event]) -> Vec<Vec<String>> {
    let mut users = vec![Vec::new(); section.types.len()];
    for endpoint in &section.endpoints {
        let name = format!("{}::{}", path(endpoint.module), type_name(endpoint.verb));
        note(&mut users, &endpoint.request, &name);
        note(&mut users, &endpoint.query, &name);
        note(
            &mut users,
            &endpoint.response,
            &format!("the answer of `{name}`"),
        );
    }
    for event in events {
        note(&mut users, &event.shape, event.id);
    }
    for ty in &section.types {
        let name = match ty.module {
            "" => format!("types::{}", ty.name),
            module => format!("{}::{}", path(module), ty.name),
        };
        note(&mut users, &ty.shape, &name);
    }
    users
}

fn path(module: &str) -> String {
    module.replace('.', "::")
}

fn note(users: &mut [Vec<String>], shape: &Shape, owner: &str) {
    let owner = if owner.contains('`') {
        owner.to_owned()
    } else {
        format!("`{owner}`")
    };
    for field in &shape.fields {
        let what = match &field.ty {
            TypeRef::List(_) => "an item of",
            TypeRef::Map(_) => "a value of",
            _ => "the",
        };
        let text = match what {
            "the" => format!("`{}` of {owner}", field.name),
            _ => format!("{what} `{}` in {owner}", field.name),
        };
        mention(users, &field.ty, text);
    }
    for case in shape.union.iter().flat_map(|union| &union.cases) {
        if let Some(ty) = &case.ty {
            mention(users, ty, format!("the body `{}` of {owner}", case.value));
        }
    }
    if let Some(open) = &shape.open {
        mention(users, open, format!("a further value of {owner}"));
    }
}

fn mention(users: &mut [Vec<String>], ty: &TypeRef, text: String) {
    if let Some(users) = ty.named().and_then(|id| users.get_mut(id.0 as usize))
        && !users.contains(&text)
    {
        users.push(text);
    }
}

/// Types that stand in a request, at any depth.
pub(super) fn sent(types: &[TypeDef], endpoints: &[Endpoint]) -> HashSet<u32> {
    fn named(shape: &Shape, todo: &mut Vec<u32>) {
        let fields = shape.fields.iter().map(|field| &field.ty);
        let cases = shape.union.iter().flat_map(|union| &union.cases);
        let cases = cases.filter_map(|case| case.ty.as_ref());
        todo.extend(
            fields
                .chain(cases)
                .chain(&shape.open)
                .filter_map(TypeRef::named)
                .map(|id| id.0),
        );
    }
    let mut todo = Vec::new();
    for endpoint in endpoints {
        for shape in [&endpoint.request, &endpoint.query, &endpoint.headers] {
            named(shape, &mut todo);
        }
    }
    let mut seen = HashSet::new();
    while let Some(next) = todo.pop() {
        if seen.insert(next)
            && let Some(ty) = types.get(next as usize)
        {
            named(&ty.shape, &mut todo);
        }
    }
    seen
}

/// How much of every value says nothing: `FIELD_TYPE_` of `FIELD_TYPE_TEXT`, `FIELD_TYPE_URL`.
pub(super) fn common_prefix(values: &[&str]) -> usize {
    let [first, _, ..] = values else {
        return 0;
    };
    let ends = first.match_indices('_').map(|(at, _)| at + 1);
    ends.filter(|end| {
        values.iter().all(|value| {
            value.get(..*end) == first.get(..*end)
                && value[*end..].starts_with(|next: char| next.is_ascii_alphabetic())
        })
    })
    .max()
    .unwrap_or(0)
}

/// The types below each type, not through lists: what would make it infinite.
pub(super) fn reach(types: &[TypeDef]) -> Vec<HashSet<u32>> {
    let direct: Vec<Vec<u32>> = types
        .iter()
        .map(|ty| {
            ty.shape
                .fields
                .iter()
                .filter_map(|field| match field.ty {
                    TypeRef::Named(id) => Some(id.0),
                    _ => None,
                })
                .collect()
        })
        .collect();
    (0..types.len())
        .map(|start| {
            let mut seen = HashSet::new();
            let mut todo = direct[start].clone();
            while let Some(next) = todo.pop() {
                if seen.insert(next) {
                    todo.extend(direct.get(next as usize).into_iter().flatten());
                }
            }
            seen
        })
        .collect()
}
