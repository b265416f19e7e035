//! The page about other people's crates: a line for each, with who uses it.

use std::collections::{BTreeMap, BTreeSet};

use toml::Table;

use super::{Member, asked, table};

/// From the root of the repository.
pub(super) const PAGE: &str = "docs/dependencies.md";

/// More users than these are `most`.
const FEW: usize = 8;

/// Who uses a crate.
#[derive(Default)]
struct Users<'a> {
    /// In what is linked or run.
    code: BTreeSet<&'a str>,
    /// In tests only.
    tests: BTreeSet<&'a str>,
}

impl Users<'_> {
    fn add(&mut self, others: &Self) {
        self.code.extend(&others.code);
        self.tests.extend(&others.tests);
    }

    /// As the page writes it.
    fn written(&self) -> String {
        let few = |names: &mut dyn Iterator<Item = &&str>| {
            let names: Vec<&str> = names.copied().collect();
            if names.len() > FEW {
                "most".to_owned()
            } else {
                names.join(", ")
            }
        };
        let code = few(&mut self.code.iter());
        let tests = few(&mut self.tests.difference(&self.code));
        match (&*code, &*tests) {
            ("most", _) | (_, "") => code,
            ("", _) => format!("tests of {tests}"),
            _ => format!("{code}; tests of {tests}"),
        }
    }
}

/// Complains about crates without a line, lines without a crate, and users that are others.
pub(super) fn complaints(root: &Table, members: &[Member], page: &str) -> Vec<String> {
    let users = users(root, members);
    let mut found = Vec::new();
    let mut listed = BTreeSet::new();
    for row in rows(page) {
        let mut of_row = Users::default();
        let names: Vec<&str> = row[0].split(", ").collect();
        for name in &names {
            match users.get(name) {
                None => found.push(format!("{PAGE}: no crate of the workspace uses {name}")),
                Some(_) if !listed.insert(*name) => {
                    found.push(format!("{PAGE}: {name} has two lines"));
                }
                Some(users) => of_row.add(users),
            }
        }
        let who = of_row.written();
        if row.get(1) != Some(&&*who) {
            found.push(format!("{PAGE}: {} is used by: {who}", row[0]));
        }
        if row.len() != 4 || row.iter().any(|cell| cell.is_empty()) {
            found.push(format!("{PAGE}: {} needs four cells", row[0]));
        }
    }
    let missing = users.keys().filter(|name| !listed.contains(**name));
    found.extend(missing.map(|name| format!("{PAGE}: {name} has no line")));
    found
}

/// Other people's crates, with the crates of ours that ask for them.
fn users<'a>(root: &'a Table, members: &'a [Member]) -> BTreeMap<&'a str, Users<'a>> {
    let ours: BTreeSet<&str> = table(root)
        .filter(|(_, how)| how.get("path").is_some())
        .map(|(name, _)| name)
        .collect();
    let mut all: BTreeMap<&str, Users> = BTreeMap::new();
    for member in members {
        let short = member.name.strip_prefix("xinqiao-").unwrap_or(&member.name);
        for (kind, name, how) in asked(&member.manifest) {
            if ours.contains(name) || how.get("path").is_some() {
                continue;
            }
            let users = all.entry(name).or_default();
            if kind == "dev-dependencies" {
                users.tests.insert(short);
            } else {
                users.code.insert(short);
            }
        }
    }
    all
}

/// The cells of the table of Rust's crates.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    page.lines()
        .skip_while(|line| *line != "## Rust")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &str) -> Vec<String> {
        let root =
            "[workspace.dependencies]\nxinqiao-b = { path = \"b\" }\nbytes = \"1\"\nhttp = \"1\"\n";
        let manifest = "[dependencies]\nbytes.workspace = true\nxinqiao-b.workspace = true\n\
            [dev-dependencies]\nhttp.workspace = true\n";
        let member = |name: &str| Member {
            name: name.to_owned(),
            manifest: manifest.parse().expect("a manifest"),
            shipped: String::new(),
            all: String::new(),
            build: String::new(),
        };
        let members = [member("xinqiao-a"), member("xtask")];
        let page = format!(
            "# D\n\n## Rust\n\n| crate | who | why | instead of |\n|---|---|---|---|\n{rows}\n## Web\n\n| vue |\n"
        );
        complaints(&root.parse().expect("a manifest"), &members, &page)
    }

    #[test]
    fn a_page_that_lists_what_there_is_is_fine() {
        let each = "| bytes | a, xtask | w | i |\n| http | tests of a, xtask | w | i |\n";
        assert_eq!(found(each), [""; 0]);
        assert_eq!(found("| bytes, http | a, xtask | w | i |\n"), [""; 0]);
    }

    #[test]
    fn a_crate_without_a_line_and_a_line_without_a_crate_are_found() {
        assert_eq!(
            found("| bytes | a, xtask | w | i |\n| uuid |  | w | i |\n"),
            [
                "docs/dependencies.md: no crate of the workspace uses uuid",
                "docs/dependencies.md: uuid needs four cells",
                "docs/dependencies.md: http has no line",
            ]
        );
    }

    #[test]
    fn wrong_users_and_second_lines_are_found() {
        assert_eq!(
            found("| bytes | a | w | i |\n| http, bytes | tests of a, xtask | w | i |\n"),
            [
                "docs/dependencies.md: bytes is used by: a, xtask",
                "docs/dependencies.md: bytes has two lines",
            ]
        );
    }

    #[test]
    fn many_users_are_most() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let users = |code: &[&'static str], tests: &[&'static str]| Users {
            code: code.iter().copied().collect(),
            tests: tests.iter().copied().collect(),
        };
        assert_eq!(users(&names, &["x"]).written(), "most");
        assert_eq!(
            users(&names[..2], &["b", "x"]).written(),
            "a, b; tests of x"
        );
        assert_eq!(users(&[], &names).written(), "tests of most");
    }
}
