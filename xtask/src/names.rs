//! Names: snake case, camel case, words that run together, singular, and what Rust forbids.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// The list of words, and the wholes whose words it names.
struct Words {
    words: HashSet<&'static str>,
    wholes: HashMap<&'static str, Vec<&'static str>>,
}

fn list() -> &'static Words {
    static LIST: OnceLock<Words> = OnceLock::new();
    LIST.get_or_init(|| {
        let text = include_str!("../../crates/xinqiao-catalog/catalog/words.txt");
        let mut list = Words {
            words: HashSet::new(),
            wholes: HashMap::new(),
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.split_once(" = ") {
                Some((whole, parts)) => {
                    list.wholes.insert(whole, parts.split(' ').collect());
                }
                None => {
                    list.words.insert(line);
                }
            }
        }
        list
    })
}

/// The words of one part of a snake-cased name: `getidlist` is get, id, list. None if the list of words has no way.
pub(crate) fn words(part: &str) -> Option<Vec<String>> {
    let list = list();
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    if let Some(parts) = list.wholes.get(part) {
        return Some(owned(parts));
    }
    if part.len() <= 3 || list.words.contains(part) {
        return Some(vec![part.to_owned()]);
    }
    let stem = part.trim_end_matches(|character: char| character.is_ascii_digit());
    let digits = &part[stem.len()..];
    let mut found = match fewest(stem, &list.words) {
        Some(found) => found,
        None if part.len() <= 4 => return Some(vec![part.to_owned()]),
        None => return None,
    };
    match found.last_mut() {
        Some(last) => last.push_str(digits),
        None => found.push(digits.to_owned()),
    }
    Some(found)
}

/// The fewest words that make up `text`, the longest among as few; digits stand alone.
fn fewest(text: &str, words: &HashSet<&str>) -> Option<Vec<String>> {
    // From the back: for each place how many words follow, the sum of their squared lengths, and where the next begins.
    let mut best: Vec<Option<(usize, usize, usize)>> = vec![None; text.len() + 1];
    best[text.len()] = Some((0, 0, text.len()));
    for from in (0..text.len()).rev() {
        let digits = text[from..].bytes().take_while(u8::is_ascii_digit).count();
        let mut chosen: Option<(usize, usize, usize)> = None;
        for to in from + 1..=text.len() {
            let number = digits > 0 && to == from + digits;
            if !number && !words.contains(&text[from..to]) {
                continue;
            }
            let Some((count, squares, _)) = best[to] else {
                continue;
            };
            let squares = squares + if number { 0 } else { (to - from).pow(2) };
            if chosen.is_none_or(|(fewer, larger, _)| {
                count + 1 < fewer || (count + 1 == fewer && squares > larger)
            }) {
                chosen = Some((count + 1, squares, to));
            }
        }
        best[from] = chosen;
    }
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (_, _, next) = best[at]?;
        out.push(text[at..next].to_owned());
        at = next;
    }
    Some(out)
}

/// A snake-cased name with its run-together words split: `get_id_list` from `getidlist`. What the list of words does not
/// know stays as it is.
pub(crate) fn split(name: &str) -> String {
    let parts: Vec<String> = name
        .split('_')
        .flat_map(|part| words(part).unwrap_or_else(|| vec![part.to_owned()]))
        .collect();
    parts.join("_")
}

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

/// A Rust identifier for a wire name: snake case, words split, keywords with `_`.
pub(crate) fn ident(name: &str) -> String {
    let mut out = split(&snake(name));
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

/// Names that a request type may not have, because generated code uses them.
const FORBIDDEN: &[&str] = &["String", "Option", "Vec", "Self", "Some", "None", "W"];

/// The type's name of a request, from its verb, or of a callback.
pub(crate) fn type_name(name: &str) -> String {
    let mut name = camel(name);
    if FORBIDDEN.contains(&name.as_str()) {
        name.push_str("Call");
    }
    if name.starts_with(|character: char| character.is_ascii_digit()) {
        name.insert(0, 'N');
    }
    name
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
    "UserId",
    "ExternalUserId",
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

#[cfg(test)]
mod tests {
    use super::{camel, ident, split, words};

    #[test]
    fn words_that_run_together_are_taken_apart() {
        for (together, apart) in [
            ("getidlist", "get_id_list"),
            ("gettemplatedraftlist", "get_template_draft_list"),
            ("updateremark", "update_remark"),
            ("jscode2session", "js_code_2_session"),
            ("getuserinfo3rd", "get_user_info_3rd"),
            ("sendsmsv2", "send_sms_v2"),
            // The fewest words are not always the right ones: `msg, id` and not `ms, gid`.
            ("msgid", "msg_id"),
            // Words of the platform are words.
            ("openid", "openid"),
            ("jsapi", "jsapi"),
            ("touser", "to_user"),
            ("already_apart", "already_apart"),
        ] {
            assert_eq!(split(together), apart);
        }
    }

    #[test]
    fn what_the_list_does_not_know_stays_whole() {
        assert_eq!(words("qwzvbn"), None);
        assert_eq!(split("get_qwzvbn"), "get_qwzvbn");
    }

    #[test]
    fn a_field_has_its_words_apart_and_no_keyword() {
        assert_eq!(ident("ToUserName"), "to_user_name");
        assert_eq!(ident("touser"), "to_user");
        assert_eq!(ident("type"), "type_");
        assert_eq!(camel("get_id_list"), "GetIdList");
    }
}
