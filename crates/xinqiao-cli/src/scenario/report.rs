//! What became of scenarios: lines for people, TAP and JUnit for programs.

use std::fmt::Write as _;

use crate::lang::Lang;

/// One scenario, played.
#[derive(Debug)]
pub(super) struct Played {
    /// The file as it was named on the command line.
    pub(super) file: String,
    pub(super) name: String,
    pub(super) seconds: f64,
    pub(super) steps: usize,
    pub(super) failure: Option<Failure>,
}

/// Where and why it failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) line: usize,
    pub(super) words: String,
    /// What the app wrote last.
    pub(super) log: Option<String>,
}

impl Played {
    /// `examples/greets.yaml:12`, which editors and terminals follow.
    fn place(&self, failure: &Failure) -> String {
        format!("{}:{}", self.file, failure.line)
    }
}

/// A line for a scenario, more where it failed.
pub(super) fn line(played: &Played, lang: Lang) -> String {
    let Played {
        name,
        file,
        seconds,
        steps,
        failure,
    } = played;
    let Some(failure) = failure else {
        return match lang {
            Lang::Zh => format!("✓ {name}（{file}，{steps} 步，{seconds:.1} 秒）"),
            Lang::En => format!("✓ {name} ({file}, {steps} steps, {seconds:.1} s)"),
        };
    };
    let place = played.place(failure);
    let mut out = match lang {
        Lang::Zh => format!("✗ {name}（{seconds:.1} 秒）\n  {place}：{}", failure.words),
        Lang::En => format!("✗ {name} ({seconds:.1} s)\n  {place}: {}", failure.words),
    };
    if let Some(log) = &failure.log {
        out.push_str(lang.pick("\n  应用最后的输出：", "\n  what the app wrote last:"));
        for line in log.lines() {
            let _ = write!(out, "\n    {line}");
        }
    }
    out
}

/// Test Anything Protocol 13: <https://testanything.org/tap-version-13-specification.html>.
pub(super) fn tap(all: &[Played], interrupted: bool) -> String {
    let mut out = format!("TAP version 13\n1..{}\n", all.len());
    for (number, played) in (1..).zip(all) {
        // A `#` would begin a directive.
        let name = played.name.replace(['#', '\n'], " ");
        let verdict = if played.failure.is_none() {
            "ok"
        } else {
            "not ok"
        };
        let _ = writeln!(out, "{verdict} {number} - {name}");
        if let Some(failure) = &played.failure {
            let _ = writeln!(out, "  ---\n  at: {}\n  message: |", played.place(failure));
            for line in failure
                .words
                .lines()
                .chain(failure.log.iter().flat_map(|log| log.lines()))
            {
                let _ = writeln!(out, "    {line}");
            }
            out.push_str("  ...\n");
        }
    }
    if interrupted {
        out.push_str("Bail out! interrupted\n");
    }
    out
}

/// JUnit's XML, as continuous integration reads it.
pub(super) fn junit(all: &[Played]) -> String {
    let failures = all.iter().filter(|played| played.failure.is_some()).count();
    let seconds: f64 = all.iter().map(|played| played.seconds).sum();
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" time=\"{seconds:.3}\"",
        all.len()
    );
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"xinqiao\" {counts}>\n"
    );
    for played in all {
        let _ = write!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escaped(&played.file),
            escaped(&played.name),
            played.seconds
        );
        let Some(failure) = &played.failure else {
            out.push_str("/>\n");
            continue;
        };
        let first = failure.words.lines().next().unwrap_or_default();
        let _ = write!(
            out,
            ">\n      <failure message=\"{}\">{}\n{}</failure>\n",
            escaped(first),
            escaped(&played.place(failure)),
            escaped(&failure.words)
        );
        if let Some(log) = &failure.log {
            let _ = writeln!(out, "      <system-out>{}</system-out>", escaped(log));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text of XML: what stands for markup is written out, what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<Played> {
        let played = |name: &str, failure| Played {
            file: "a.yaml".to_owned(),
            name: name.to_owned(),
            seconds: 0.25,
            steps: 3,
            failure,
        };
        let failure = Failure {
            line: 7,
            words: "no reply <a&b>\n  nothing came".to_owned(),
            log: Some("Traceback \u{1b}[31m".to_owned()),
        };
        vec![played("greets", None), played("#2 \"pays\"", Some(failure))]
    }

    #[test]
    fn tap_names_the_place() {
        assert_eq!(
            tap(&two(), false),
            "TAP version 13\n1..2\nok 1 - greets\nnot ok 2 -  2 \"pays\"\n  ---\n  at: a.yaml:7\n  message: |\n    no reply <a&b>\n      nothing came\n    Traceback \u{1b}[31m\n  ...\n"
        );
    }

    #[test]
    fn tap_says_that_it_was_interrupted() {
        let said = tap(&two()[..1], true);
        assert!(
            said.ends_with("ok 1 - greets\nBail out! interrupted\n"),
            "{said}"
        );
    }

    #[test]
    fn junit_is_xml_whatever_an_app_writes() {
        let xml = junit(&two());
        assert!(
            xml.contains("<testsuites tests=\"2\" failures=\"1\" time=\"0.500\">"),
            "{xml}"
        );
        assert!(
            xml.contains("<failure message=\"no reply &lt;a&amp;b&gt;\">a.yaml:7\nno reply"),
            "{xml}"
        );
        assert!(xml.contains("name=\"#2 &quot;pays&quot;\""), "{xml}");
        assert!(!xml.contains('\u{1b}'), "{xml}");
    }

    #[test]
    fn people_are_told_in_their_language() {
        let two = two();
        assert_eq!(line(&two[0], Lang::Zh), "✓ greets（a.yaml，3 步，0.2 秒）");
        let said = line(&two[1], Lang::En);
        assert!(
            said.contains("a.yaml:7: no reply") && said.contains("wrote last"),
            "{said}"
        );
    }
}
