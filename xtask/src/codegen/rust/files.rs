//! The files of a product's crate: modules, features, manifest.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use xinqiao_catalog::{Product, Text};

use super::super::{Files, HEAD};
use super::text::doc;
use super::{Module, Source, Writer, crate_name};
use crate::names::ident;
use crate::source::read;

/// Titles of modules by name.
type Titles = BTreeMap<&'static str, Text>;

/// What a module is, for its documentation.
pub(super) fn about_module(titles: &Titles, name: &str, product: Product) -> String {
    match (titles.get(name), name) {
        (Some(title), _) => format!(
            "{} ({}): `{}.{name}`.",
            doc(title.en),
            doc(title.zh),
            product.name()
        ),
        (None, "types") => "Types that several modules share.".into(),
        (None, "events") => "What the platform sends (回调).".into(),
        (None, "events.event") => "Events (事件).".into(),
        (None, "events.info") => "What comes with an `InfoType` (授权与套件事件).".into(),
        (None, "events.notify") => "Notices (通知).".into(),
        (None, "events.message") => "Messages (消息).".into(),
        (None, "events.reply") => "Replies to what was sent (被动回复).".into(),
        (None, _) => format!("`{}.{name}`.", product.name()),
    }
}

/// What the code of a product needs to be forgiven.
pub(super) struct Lints {
    pub(super) many_arguments: bool,
    pub(super) undocumented: bool,
}

impl Lints {
    pub(super) fn of(writer: &Writer<'_>) -> Self {
        Self {
            many_arguments: writer.many_arguments,
            undocumented: writer.undocumented,
        }
    }

    pub(super) fn print(&self, out: &mut String) {
        if self.undocumented {
            out.push_str(
                "#![allow(missing_docs, reason = \"an empty line is better than one that repeats the name\")]\n",
            );
        }
        if self.many_arguments {
            // Not `expect`: whether a type needs it depends on the features that are on.
            out.push_str(
                "#![allow(clippy::too_many_arguments, reason = \"as many as the platform requires\")]\n",
            );
        }
    }
}

pub(super) fn print(
    product: Product,
    sources: BTreeMap<String, Source>,
    pushed: bool,
    titles: &Titles,
    lints: &Lints,
    files: &mut Files,
) {
    let root = read::repository().join("crates").join(crate_name(product));
    let generated = root.join("src/generated");
    // `marketing.favor` needs a `marketing` above it.
    let mut sources = sources;
    let names: Vec<String> = sources.keys().cloned().collect();
    for name in &names {
        if let Some((parent, child)) = name.rsplit_once('.') {
            sources
                .entry(parent.to_owned())
                .or_default()
                .files
                .insert(child.to_owned());
        }
    }
    let mut top = String::new();
    let mut features = Vec::new();
    let mut again = String::new();
    for (name, source) in &sources {
        let path: Vec<String> = name.split('.').map(ident).collect();
        let mut out = String::from(HEAD);
        let _ = writeln!(out, "//! {}", about_module(titles, name, product));
        let bare = source.root.body.is_empty() && source.root.inner.is_empty();
        if !source.root.body.is_empty() {
            out.push_str("\nuse xinqiao_wire as w;\n");
        }
        for child in &source.files {
            let feature = feature(&format!("{name}.{child}"));
            let _ = write!(
                out,
                "\n#[cfg(feature = \"{feature}\")]\npub mod {};\n",
                ident(child)
            );
        }
        module(&mut out, &source.root, 0, &|inner| {
            about_module(titles, &format!("{name}.{inner}"), product)
        });
        let mut file = generated.clone();
        for part in &path {
            file.push(part.trim_end_matches('_'));
        }
        file.set_extension("rs");
        files.insert(file, out.into_bytes());
        let feature_name = feature(name);
        if !bare && name != "types" {
            features.push((feature_name.clone(), name.clone()));
        }
        if path.len() == 1 {
            let mut any: Vec<String> = sources
                .keys()
                .filter(|other| *other == name || other.starts_with(&format!("{name}.")))
                .filter(|other| {
                    sources.get(*other).is_some_and(|source| {
                        !source.root.body.is_empty() || !source.root.inner.is_empty()
                    })
                })
                .map(|other| format!("feature = \"{}\"", feature(other)))
                .collect();
            any.sort();
            let gate = match any.as_slice() {
                [one] => one.clone(),
                _ => format!("any({})", any.join(", ")),
            };
            if name == "types" {
                let _ = write!(top, "\npub mod types;\n");
            } else {
                let _ = write!(top, "\n#[cfg({gate})]\npub mod {};\n", path[0]);
            }
            if name == "base" {
                for inner in source.root.inner.keys() {
                    let _ = write!(
                        again,
                        "\n#[cfg(feature = \"base\")]\npub use self::base::{inner};\n"
                    );
                }
            }
        }
    }
    if pushed {
        let _ = write!(
            top,
            "\n/// What the platform sends (回调).\n#[cfg(feature = \"events\")]\npub use xinqiao_message::events::{} as events;\n",
            product.name()
        );
        features.push(("events".into(), "events".into()));
        features.sort();
    }
    let mut out = format!("{HEAD}//! Generated from the catalog.\n");
    lints.print(&mut out);
    out.push_str(&top);
    out.push_str(&again);
    files.insert(root.join("src/generated.rs"), out.into_bytes());
    manifest(product, &features, pushed, files);
}

fn feature(name: &str) -> String {
    name.replace(['.', '_'], "-")
}

fn manifest(product: Product, features: &[(String, String)], pushed: bool, files: &mut Files) {
    let name = crate_name(product);
    let root = read::repository().join("crates").join(&name);
    let all: Vec<String> = features
        .iter()
        .map(|(feature, _)| format!("    \"{feature}\","))
        .collect();
    let lines: Vec<String> = features
        .iter()
        .map(|(feature, _)| match feature.as_str() {
            "events" if pushed => "events = [\"dep:xinqiao-message\"]".to_owned(),
            _ => format!("{feature} = []"),
        })
        .collect();
    let (helpers, mut links) = helpers(product);
    if pushed {
        let feature = feature(product.name());
        let _ = writeln!(
            links,
            "xinqiao-message = {{ workspace = true, features = [\"{feature}\"], optional = true }}"
        );
    }
    let serde = if pushed {
        "\"xinqiao-message?/serde\", \"xinqiao-wire/serde\""
    } else {
        "\"xinqiao-wire/serde\""
    };
    let text = format!(
        "# @generated by xtask codegen\n[package]\nname = \"{name}\"\ndescription = \"{}\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\nauthors.workspace = true\nrepository.workspace = true\nreadme.workspace = true\nkeywords.workspace = true\ncategories.workspace = true\nexclude = [\"testdata/\", \"tests/\"]\n\n[package.metadata.docs.rs]\nall-features = true\n\n[lints]\nworkspace = true\n\n{}[features]\ndefault = [\"all\"]\n# Every module; name the ones you need instead to compile less.\nall = [\n{}\n]\n{}\n# serde for every type; ours is the codec of `xinqiao-wire`, which doesn't need it.\nserde = [{serde}]\n{helpers}\n[dependencies]\nxinqiao-types.workspace = true\nxinqiao-wire.workspace = true\n{links}",
        about(product),
        targets(&root.join("src")),
        all.join("\n"),
        lines.join("\n"),
    );
    files.insert(root.join("Cargo.toml"), text.into_bytes());
    let lib = root.join("src/lib.rs");
    if !lib.exists() || std::fs::read_to_string(&lib).is_ok_and(|text| text.lines().count() < 3) {
        let text = format!(
            "//! {}\n//!\n//! Every endpoint is a plain request type with its answer beside it; what they hold is in their documentation and in\n//! the catalog. Modules are features: `all` is the default, name single ones to compile less. Nothing here talks to the\n//! network: give a request to a client of the crate `xinqiao`.\n//!\n#![doc = include_str!(\"generated/tasks.md\")]\n\n#[rustfmt::skip]\nmod generated;\n\npub use generated::*;\n",
            about(product),
        );
        files.insert(lib, text.into_bytes());
    }
}

/// No test targets where nothing is written by hand to be tested: each would compile the whole crate once more.
fn targets(src: &Path) -> String {
    let mut texts = Vec::new();
    let mut todo = vec![src.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("generated") {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                texts.push(std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    let has = |what: &str| texts.iter().any(|text| text.contains(what));
    match (has("#[test]"), has("/ ```") || has("! ```")) {
        (false, false) => "[lib]\ntest = false\ndoctest = false\n\n".into(),
        (true, false) => "[lib]\ndoctest = false\n\n".into(),
        (false, true) => "[lib]\ntest = false\n\n".into(),
        (true, true) => String::new(),
    }
}

/// The feature and the dependencies of what is written by hand beside a product's generated modules.
fn helpers(product: Product) -> (String, String) {
    let links: &[&str] = match product {
        Product::PayV2 => &[
            "http",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
            "xinqiao-client",
            "xinqiao-crypto",
        ],
        Product::PayGlobal => &["xinqiao-client"],
        Product::PayV3 => &[
            "http",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
            "xinqiao-client",
            "xinqiao-crypto",
        ],
        _ => return (String::new(), String::new()),
    };
    let named: Vec<String> = links.iter().map(|link| format!("\"dep:{link}\"")).collect();
    let feature = format!(
        "# What needs a client: notices, parameters for cashiers, refunds with a policy, bills.\nclient = [{}]\n",
        named.join(", ")
    );
    let lines = links.iter().map(|link| {
        let features = match *link {
            "tokio" => "features = [\"io-util\"], ",
            _ => "",
        };
        format!("{link} = {{ workspace = true, {features}optional = true }}\n")
    });
    (feature, lines.collect())
}

fn about(product: Product) -> &'static str {
    match product {
        Product::OfficialAccount => "Official account (公众号) endpoints.",
        Product::MiniProgram => "Mini program (小程序) endpoints.",
        Product::OpenPlatform => "Open platform (第三方平台) endpoints.",
        Product::Channels => "Channels (视频号) and shop endpoints.",
        Product::PayV2 => "WeChat Pay endpoints of the second generation (XML).",
        Product::PayV3 => "WeChat Pay endpoints of the third generation (JSON).",
        Product::PayBusiness => "Business pay (微企付) endpoints.",
        Product::PayGlobal => "Cross-border pay endpoints.",
        Product::Work => "WeCom (企业微信) endpoints.",
        Product::Ads => "Marketing (广告) endpoints.",
        Product::Chatbot => "Chatbot (对话开放平台) endpoints.",
    }
}

pub(super) fn module(
    out: &mut String,
    module: &Module,
    depth: usize,
    about: &dyn Fn(&str) -> String,
) {
    let pad = "    ".repeat(depth);
    for line in module.body.lines() {
        if line.is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "{pad}{line}");
        }
    }
    for (name, inner) in &module.inner {
        let _ = write!(
            out,
            "\n{pad}/// {}\n{pad}pub mod {name} {{\n",
            about(name.trim_end_matches('_'))
        );
        if inner.body.contains("w::") {
            let _ = writeln!(out, "{pad}    use xinqiao_wire as w;");
        }
        self::module(out, inner, depth + 1, &|deeper| {
            about(&format!("{name}.{deeper}"))
        });
        let _ = writeln!(out, "{pad}}}");
    }
}
