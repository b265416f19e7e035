//! The catalog as it is written: TOML files under `crates/xinqiao-catalog/catalog`.
//!
//! `read` parses a whole tree, `write` prints it in the one canonical layout (one field a line, sorted files), so
//! that a machine edit and a hand edit give the same diff. Keys are documented in `catalog/README.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

pub(crate) mod glossary;
pub(crate) mod read;
pub(crate) mod write;

/// Text in two languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Prose {
    pub(crate) zh: String,
    pub(crate) en: String,
}

impl Prose {
    pub(crate) fn is_empty(&self) -> bool {
        self.zh.is_empty() && self.en.is_empty()
    }
}

/// A field. `type` is one of the plain words, `[T]`, `{T}`, or the name of a type.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FieldSpec {
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) required: bool,
    pub(crate) required_doc: bool,
    pub(crate) wire: String,
    pub(crate) format: String,
    pub(crate) unit: String,
    #[serde(rename = "enum")]
    pub(crate) allowed: String,
    #[serde(rename = "const")]
    pub(crate) constant: String,
    pub(crate) credential: String,
    pub(crate) auto: bool,
    pub(crate) encrypted: bool,
    pub(crate) secret: bool,
    pub(crate) pii: bool,
    pub(crate) also: Vec<String>,
    pub(crate) xml_only: bool,
    pub(crate) json_only: bool,
    pub(crate) xml_name: String,
    pub(crate) no_cdata: bool,
    pub(crate) max: u32,
    pub(crate) max_bytes: u32,
    pub(crate) code: i64,
    pub(crate) rust: String,
    pub(crate) union: String,
    pub(crate) about: Prose,
}

/// Fields in wire order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fields(pub(crate) Vec<(String, FieldSpec)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Short(String),
            Long(Box<FieldSpec>),
        }
        let map = Ordered::<Form>::deserialize(deserializer)?;
        let fields = map.0.into_iter().map(|(name, form)| {
            let spec = match form {
                Form::Long(spec) => *spec,
                Form::Short(text) => {
                    let (ty, required) = match text.strip_suffix('!') {
                        Some(ty) => (ty.to_owned(), true),
                        None => (text, false),
                    };
                    FieldSpec {
                        ty,
                        required,
                        ..FieldSpec::default()
                    }
                }
            };
            (name, spec)
        });
        Ok(Fields(fields.collect()))
    }
}

/// A table whose order matters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visit<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    out.push(entry);
                }
                Ok(Ordered(out))
            }
        }
        deserializer.deserialize_map(Visit(std::marker::PhantomData))
    }
}

/// A union.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnionSpec {
    pub(crate) tag: String,
    /// value → type of the body; the body's field is named as the value unless `field` says otherwise.
    pub(crate) cases: Ordered<CaseSpec>,
}

/// One case of a union.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CaseSpec {
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) field: String,
    pub(crate) title: Prose,
}

/// A request with its answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExampleSpec {
    pub(crate) request: String,
    pub(crate) response: String,
}

/// One shape of a route that has several.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VariantSpec {
    pub(crate) audience: String,
    pub(crate) request: Vec<String>,
    pub(crate) response: Vec<String>,
}

/// An endpoint.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EndpointSpec {
    pub(crate) id: String,
    pub(crate) title: Prose,
    pub(crate) about: Prose,
    pub(crate) http: String,
    pub(crate) host: String,
    pub(crate) path_alt: Vec<String>,
    pub(crate) when: BTreeMap<String, String>,
    pub(crate) method_assumed: bool,
    pub(crate) absolute_url: bool,
    pub(crate) auth: String,
    pub(crate) auth_param: String,
    pub(crate) content: String,
    pub(crate) content_alt: String,
    pub(crate) answer: String,
    pub(crate) answer_alt: String,
    pub(crate) envelope: Vec<String>,
    pub(crate) retry: String,
    pub(crate) client_cert: bool,
    pub(crate) encryption: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) lines: Vec<String>,
    pub(crate) deprecated: String,
    pub(crate) partial: bool,
    pub(crate) doc: Vec<String>,
    pub(crate) path: Fields,
    pub(crate) query: Fields,
    pub(crate) headers: Fields,
    pub(crate) request: Fields,
    pub(crate) response: Fields,
    pub(crate) variant: Vec<VariantSpec>,
    pub(crate) example: Vec<ExampleSpec>,
}

/// A callback.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EventSpec {
    pub(crate) id: String,
    pub(crate) title: Prose,
    pub(crate) wire: String,
    pub(crate) msg_type: String,
    pub(crate) event: String,
    pub(crate) info_type: String,
    pub(crate) event_type: String,
    pub(crate) rust: String,
    pub(crate) when: BTreeMap<String, String>,
    pub(crate) presence: bool,
    pub(crate) trigger: String,
    pub(crate) reply: String,
    pub(crate) confidence: String,
    pub(crate) doc: Vec<String>,
    pub(crate) fields: Fields,
}

/// What a file's entries take when they don't say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Defaults {
    pub(crate) host: String,
    pub(crate) auth: String,
    pub(crate) content: String,
    pub(crate) answer: String,
    pub(crate) doc: String,
    pub(crate) roles: Vec<String>,
}

/// One module file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(crate) defaults: Defaults,
    pub(crate) endpoint: Vec<EndpointSpec>,
    pub(crate) event: Vec<EventSpec>,
    pub(crate) types: Ordered<Fields>,
    pub(crate) union: Ordered<UnionSpec>,
    pub(crate) enums: Ordered<Vec<String>>,
}

/// A module.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModuleSpec {
    pub(crate) name: String,
    pub(crate) prefix: Vec<String>,
    pub(crate) file: String,
    pub(crate) title: Prose,
}

/// One product: `modules.toml`, `types.toml` and the module files by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProductTree {
    pub(crate) modules: Vec<ModuleSpec>,
    pub(crate) files: BTreeMap<String, File>,
}
