//! Names: snake case, camel case, singular, and what Rust forbids.

/// `kf_account` from `kfAccount`, `KfAccount`, `kf-account`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, &character) in chars.iter().enumerate() {
        if character.is_ascii_uppercase() {
            let after_lower =
                at > 0 && (chars[at - 1].is_ascii_lowercase() || chars[at - 1].is_ascii_digit());
            let before_lower = at > 0
                && chars[at - 1].is_ascii_uppercase()
                && chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
            if (after_lower || before_lower) && !out.ends_with('_') {
                out.push('_');
            }
            out.push(character.to_ascii_lowercase());
        } else if character.is_ascii_alphanumeric() {
            out.push(character);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_matches('_').to_owned()
}

/// `KfAccount` from `kf_account`.
pub(crate) fn camel(name: &str) -> String {
    snake(name)
        .split('_')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut chars = part.chars();
            chars
                .next()
                .map(|first| first.to_ascii_uppercase().to_string() + chars.as_str())
                .unwrap_or_default()
        })
        .collect()
}

/// `button` from `buttons`, `article` from `article_list`.
pub(crate) fn singular(name: &str) -> String {
    let name = snake(name);
    if let Some(stem) = name.strip_suffix("_list").filter(|stem| !stem.is_empty()) {
        return singular(stem);
    }
    // `news` is no plural.
    if name.ends_with("news")
        || name.ends_with("ss")
        || name.ends_with("us")
        || name.ends_with("is")
        || name.len() < 4
    {
        return name;
    }
    if let Some(stem) = name.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "shes", "ches", "xes"] {
        if let Some(stem) = name.strip_suffix(ending) {
            return format!("{stem}{}", &ending[..ending.len() - 2]);
        }
    }
    match name.strip_suffix('s') {
        Some(stem) => stem.to_owned(),
        None => name,
    }
}

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// A Rust identifier for a wire name: snake case, keywords with `_`.
pub(crate) fn ident(name: &str) -> String {
    let mut out = snake(name);
    if out.is_empty() {
        "value".clone_into(&mut out);
    }
    if out.starts_with(|character: char| character.is_ascii_digit()) {
        out.insert(0, 'n');
    }
    if KEYWORDS.contains(&out.as_str()) {
        out.push('_');
    }
    out
}

/// Type names that generated code may not redefine.
pub(crate) const TAKEN: &[&str] = &[
    "String",
    "Option",
    "Vec",
    "Box",
    "Some",
    "None",
    "Ok",
    "Err",
    "Result",
    "Default",
    "Clone",
    "Debug",
    "Value",
    "Rest",
    "Record",
    "Field",
    "Shape",
    "Slot",
    "Self",
    "Into",
    "From",
    "Send",
    "Sync",
    "Copy",
    "Drop",
    "Fn",
    "Iterator",
    "ToString",
    "AsRef",
    "Endpoint",
    "OpenId",
    "UnionId",
    "AppId",
    "MchId",
    "CorpId",
    "MediaId",
    "Fen",
    "UnixSeconds",
    "FilePart",
    "Download",
    "TextOrNumber",
    "BTreeMap",
    "Map",
    "Other",
    "Free",
];
