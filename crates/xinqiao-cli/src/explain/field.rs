//! What a field means, wherever it stands.
//!
//! A field's name has one meaning in most places and others in some: each is said once, with the products that have it.

use std::collections::BTreeSet;

use serde_json::json;
use xinqiao_catalog as catalog;
use xinqiao_catalog::{Field, Product, Shape};

use crate::lang::Lang;
use crate::talk;

/// How many meanings and how many places are shown.
const SHOWN: usize = 6;

/// A field's name with all that it means.
#[derive(Debug)]
pub(super) struct Found {
    name: &'static str,
    meanings: Vec<Meaning>,
    /// Ids of endpoints and callbacks that have it at their top.
    places: BTreeSet<&'static str>,
}

#[derive(Debug)]
struct Meaning {
    text: catalog::Text,
    products: BTreeSet<&'static str>,
    times: usize,
}

/// What the catalog says about a field in its place: the one door to the glossary.
fn meaning(product: Product, field: &Field) -> catalog::Text {
    catalog::meaning(product, field.meaning).text
}

/// The field of that name on the wire, in any product.
pub(super) fn find(name: &str) -> Option<Found> {
    let mut found: Option<Found> = None;
    visit(|product, place, field| {
        if field.name != name {
            return;
        }
        let found = found.get_or_insert_with(|| Found {
            name: field.name,
            meanings: Vec::new(),
            places: BTreeSet::new(),
        });
        found.places.extend(place);
        let text = meaning(product, field);
        if text.is_empty() {
            return;
        }
        let at = found
            .meanings
            .iter()
            .position(|known| known.text.zh == text.zh);
        let at = at.unwrap_or_else(|| {
            found.meanings.push(Meaning {
                text,
                products: BTreeSet::new(),
                times: 0,
            });
            found.meanings.len() - 1
        });
        found.meanings[at].products.insert(product.name());
        found.meanings[at].times += 1;
    });
    if let Some(found) = &mut found {
        found
            .meanings
            .sort_by_key(|meaning| std::cmp::Reverse(meaning.times));
    }
    found
}

/// Every name of a field.
pub(crate) fn names() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    visit(|_, _, field| {
        names.insert(field.name);
    });
    names
}

/// Every field of every endpoint, callback and type; the place is the id of the former two.
fn visit(mut each: impl FnMut(Product, Option<&'static str>, &'static Field)) {
    let mut shape = |product, place, shape: &'static Shape| {
        for field in &shape.fields {
            each(product, place, field);
        }
    };
    for product in Product::ALL {
        for endpoint in catalog::endpoints(product) {
            for (_, part) in endpoint.shapes() {
                shape(product, Some(endpoint.id), part);
            }
        }
        for def in catalog::types(product) {
            shape(product, None, &def.shape);
        }
    }
    for event in catalog::events() {
        shape(event.product, Some(event.id), &event.shape);
    }
}

impl Found {
    pub(super) fn print(&self, as_json: bool, lang: Lang) {
        if as_json {
            let meanings: Vec<_> = self
                .meanings
                .iter()
                .map(|one| json!({"text": one.text, "products": one.products, "times": one.times}))
                .collect();
            talk::data(json!({
                "kind": "field", "name": self.name, "meanings": meanings, "places": self.places,
            }));
            return;
        }
        talk::data(format_args!(
            "{} [{}]",
            self.name,
            lang.pick("字段", "field")
        ));
        for one in self.meanings.iter().take(SHOWN) {
            let products: Vec<&str> = one.products.iter().copied().collect();
            let products = products.join(" ");
            let text = one.text.get(lang == Lang::Zh);
            talk::data(match lang {
                Lang::Zh => format!("  {text}（{products}）"),
                Lang::En => format!("  {text} ({products})"),
            });
        }
        if let Some(more) = self
            .meanings
            .len()
            .checked_sub(SHOWN)
            .filter(|more| *more > 0)
        {
            talk::data(match lang {
                Lang::Zh => format!("  …… 另有 {more} 种含义，--json 列出全部"),
                Lang::En => format!("  … {more} more meanings, --json lists all"),
            });
        }
        if self.meanings.is_empty() {
            talk::data(lang.pick("  还没有说明", "  nobody has described it yet"));
        }
        for place in self.places.iter().take(SHOWN) {
            talk::data(format_args!("  · {place}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_wherever_it_stands() {
        let found = find("openid").expect("known");
        assert!(
            found.places.contains("official_account.user.info"),
            "{found:?}"
        );
        assert!(find("no_such_field_at_all").is_none());
        assert!(names().len() > 5000);
    }
}
