//! Enumerations: their names in Rust, and their text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use xinqiao_catalog::{EnumId, Enumeration, Field, Shape, TypeRef};

use super::text::{doc, is_whole};
use super::{Stock, users};
use crate::names::{camel, snake, split, type_name};

/// Longest name of a value.
const LONGEST: usize = 32;

/// The enumerations of a product: those of a file that say the same are one type.
pub(crate) struct Enums {
    /// By id: the module, and the name in Rust.
    names: Vec<(&'static str, &'static str)>,
    /// By id: what its fields need it to be.
    uses: Vec<Uses>,
}

#[derive(Default, Clone)]
struct Uses {
    /// The fields that have it, with their owner.
    fields: Vec<String>,
    /// A number of the catalog says what the first of them means.
    meaning: u32,
    whole: bool,
}

impl Enums {
    pub(crate) fn of(
        Stock {
            section, events, ..
        }: Stock<'_>,
    ) -> Self {
        // Equal are values with their meanings: `SUCCESS` of an order is not `SUCCESS` of a refund.
        type Values<'v> = BTreeSet<(&'v str, u32)>;
        let mut groups: BTreeMap<(&str, Values), Vec<usize>> = BTreeMap::new();
        for (at, known) in section.enums.iter().enumerate() {
            let values = known.values.iter();
            let values = values.map(|value| (value.value, value.meaning)).collect();
            groups.entry((known.module, values)).or_default().push(at);
        }
        let mut chosen: Vec<usize> = (0..section.enums.len()).collect();
        for same in groups.values() {
            let best = same.iter().min_by_key(|at| section.enums[**at].name.len());
            for at in same {
                chosen[*at] = best.copied().unwrap_or(*at);
            }
        }
        let mut uses = vec![Uses::default(); section.enums.len()];
        let mut note = |shape: &Shape, owner: &str| {
            for field in &shape.fields {
                let Some(EnumId(id)) = field.enumeration else {
                    continue;
                };
                let Some(uses) = chosen
                    .get(id as usize)
                    .and_then(|chosen| uses.get_mut(*chosen))
                else {
                    continue;
                };
                if uses.fields.is_empty() {
                    uses.meaning = field.meaning;
                }
                uses.fields.push(format!("`{}` of `{owner}`", field.name));
                uses.whole |= is_whole(&field.ty);
            }
        };
        for endpoint in &section.endpoints {
            let path = endpoint.module.replace('.', "::");
            let name = format!("{path}::{}", type_name(endpoint.verb));
            note(&endpoint.path_params, &name);
            note(&endpoint.query, &name);
            note(&endpoint.headers, &name);
            note(&endpoint.request, &name);
            note(&endpoint.response, &format!("{name}Response"));
        }
        for ty in &section.types {
            note(&ty.shape, ty.name);
        }
        for event in events {
            note(&event.shape, event.id);
        }
        let names = chosen.into_iter().map(|at| {
            let known = &section.enums[at];
            (known.module, known.name)
        });
        Enums {
            names: names.collect(),
            uses,
        }
    }

    /// The type of an enumeration, seen from a module that lies `up` below its file.
    pub(super) fn path(&self, EnumId(id): EnumId, up: &str) -> String {
        match self.names.get(id as usize) {
            Some(("", name)) => format!("crate::types::{name}"),
            Some((_, name)) => format!("{up}{name}"),
            None => "String".into(),
        }
    }

    /// Its module (empty: the product's shared types) and name.
    pub(crate) fn name(&self, EnumId(id): EnumId) -> Option<(&'static str, &'static str)> {
        self.names.get(id as usize).copied()
    }

    /// How many enumerations have a type: those that a field has.
    pub(crate) fn covered(&self) -> usize {
        let used = |&(module, name): &(&str, &str)| {
            let mut names = self.names.iter().zip(&self.uses);
            names.any(|(own, uses)| *own == (module, name) && !uses.fields.is_empty())
        };
        self.names.iter().filter(|name| used(name)).count()
    }

    /// The text of each, with its file.
    pub(super) fn print(&self, stock: Stock<'_>) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (at, known) in stock.section.enums.iter().enumerate() {
            let own = self.names.get(at) == Some(&(known.module, known.name));
            let Some(uses) = self
                .uses
                .get(at)
                .filter(|uses| own && !uses.fields.is_empty())
            else {
                continue;
            };
            let file = match known.module {
                "" => "types",
                module => module,
            };
            out.push((file.to_owned(), print(stock, known, uses)));
        }
        out
    }
}

fn print(stock: Stock<'_>, known: &Enumeration, uses: &Uses) -> String {
    let mut out = String::from("\nw::open_enum! {\n");
    let english = |number: u32| {
        let said = stock.meaning(number);
        said.map_or("", |said| said.text.get(false))
    };
    match english(uses.meaning) {
        "" => {}
        text => {
            let _ = writeln!(out, "    /// {}.\n    ///", doc(text));
        }
    }
    let shown = uses.fields[..uses.fields.len().min(2)].join(", ");
    let more = match uses.fields.len() {
        0..=2 => String::new(),
        all => format!(" and {} more", all - 2),
    };
    let _ = writeln!(out, "    /// What {shown}{more} may be.");
    let _ = writeln!(out, "    pub enum {} {{", known.name);
    for (variant, value) in variants(known).iter().zip(&known.values) {
        let _ = match english(value.meaning) {
            "" => writeln!(out, "        /// `{}` on the wire.", value.value),
            text => writeln!(out, "        /// {} (`{}`).", doc(text), value.value),
        };
        let _ = writeln!(out, "        {variant} = \"{}\",", value.value);
    }
    out.push_str("    }\n");
    if uses.whole {
        out.push_str("    numbers\n");
    }
    out.push_str("}\n");
    out
}

/// The names of an enumeration's values in Rust: what all begin with left out, words apart.
pub(crate) fn variants(known: &Enumeration) -> Vec<String> {
    let values: Vec<&str> = known.values.iter().map(|value| value.value).collect();
    let prefix = users::common_prefix(&values);
    let mut out: Vec<String> = Vec::new();
    for value in &values {
        let mut name = short(&variant(&value[prefix..]));
        if out.contains(&name) {
            name = variant(value);
        }
        while out.contains(&name) {
            name.push_str("Again");
        }
        out.push(name);
    }
    out
}

/// A name that is too long without words of its middle: what is left and the value beside it say enough.
fn short(name: &str) -> String {
    let snaked = snake(name);
    let mut words: Vec<&str> = snaked.split('_').collect();
    let length = |words: &[&str]| words.iter().map(|word| word.len()).sum::<usize>();
    if length(&words) <= LONGEST {
        return name.to_owned();
    }
    while length(&words) > LONGEST && words.len() > 2 {
        words.remove(words.len() / 2);
    }
    camel(&words.join("_"))
}

/// Whether a field has one value of an enumeration, so that its setter takes texts too.
pub(super) fn is_one(field: &Field, base: &str) -> bool {
    let single = matches!(field.ty, TypeRef::String | TypeRef::Int32 | TypeRef::Int64);
    field.enumeration.is_some() && single && !base.starts_with("Vec<") && !base.starts_with("w::")
}

fn variant(value: &str) -> String {
    let number = value.replace('.', "");
    if !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit()) {
        // A version keeps its points apart; any other number is one.
        return if value.contains('.') {
            format!("V{}", value.replace('.', "_"))
        } else {
            format!("N{value}")
        };
    }
    let mut name = camel(&split(&snake(value)));
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, 'N');
    }
    // `Other` holds what the catalog doesn't know.
    if matches!(name.as_str(), "Self" | "Other" | "") {
        name.push_str("Value");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use xinqiao_catalog::EnumValue;

    #[test]
    fn values_are_named_by_their_words() {
        let check = |values: &[&'static str], want: &[&str]| {
            let known = Enumeration {
                name: "State",
                module: "pay",
                values: values
                    .iter()
                    .map(|value| EnumValue { value, meaning: 0 })
                    .collect(),
            };
            assert_eq!(variants(&known), want);
        };
        check(
            &["SUCCESS", "NOTPAY", "USERPAYING"],
            &["Success", "NotPay", "UserPaying"],
        );
        check(
            &["SUBJECT_TYPE_INDIVIDUAL", "SUBJECT_TYPE_OTHER"],
            &["Individual", "OtherValue"],
        );
        check(&["MD5", "HMAC-SHA256"], &["Md5", "HmacSha256"]);
        check(&["1", "12", "2.0"], &["N1", "N12", "V2_0"]);
        check(&["TRANSACTION.SUCCESS"], &["TransactionSuccess"]);
        check(&["A_1", "A_1X"], &["A1", "A1X"]);
        check(
            &["SUBMIT_OFFLINE_BUSINESS_SCENARIO_INFORMATION"],
            &["SubmitOfflineScenarioInformation"],
        );
    }
}
