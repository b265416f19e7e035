//! JSON texts by chance, from a shape: every spelling that JSON allows, and what the platform makes of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// A text and what was done to it.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// Leniencies that reading it needs.
    pub(crate) leniencies: Vec<&'static str>,
    /// Whether a value fits in no way.
    pub(crate) broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Lenient,
    Broken,
}

/// Writes a value at the end of what was drawn.
pub(crate) type Writer = fn(&mut Draw);

/// Draws texts from a seed.
pub(crate) struct Draw {
    state: u64,
    mode: Mode,
    depth: usize,
    written: Written,
}

/// How many sorts of leniency there are.
pub(crate) const LENIENCIES: usize = 15;

impl Draw {
    fn new(seed: u64, mode: Mode) -> Draw {
        Draw {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1,
            mode,
            depth: 0,
            written: Written::default(),
        }
    }

    pub(crate) fn plain(seed: u64) -> Draw {
        Draw::new(seed, Mode::Plain)
    }

    pub(crate) fn lenient(seed: u64) -> Draw {
        Draw::new(seed, Mode::Lenient)
    }

    pub(crate) fn broken(seed: u64) -> Draw {
        Draw::new(seed, Mode::Broken)
    }

    pub(crate) fn write(mut self, with: fn(&mut Draw)) -> Written {
        self.space();
        with(&mut self);
        self.space();
        self.written
    }

    /// The next number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % limit.max(1)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn put(&mut self, text: &str) {
        self.written.text.push_str(text);
    }

    fn space(&mut self) {
        let space = self.one(&["", "", "", " ", "\n", "\t", "\r\n  "]);
        self.put(space);
    }

    /// Writes one of these instead of the value, now and then, if leniency is asked for.
    pub(crate) fn leniency(&mut self, name: &'static str, instead: &[&str]) -> bool {
        let now = self.mode == Mode::Lenient && self.below(12) == 0;
        if now {
            let text = self.one(instead);
            self.put(text);
            self.written.leniencies.push(name);
        }
        now
    }

    /// Writes one of these instead of the value, once, if a misfit is asked for.
    pub(crate) fn misfit(&mut self, instead: &[&str]) -> bool {
        let now = self.mode == Mode::Broken && !self.written.broken && self.below(3) == 0;
        if now {
            let text = self.one(instead);
            self.put(text);
            self.written.broken = true;
        }
        now
    }

    /// A string with every sort of content and escape.
    pub(crate) fn string(&mut self) {
        self.put("\"");
        for _ in 0..self.below(6) {
            let part = self.one(&[
                "a",
                "Zz 9",
                "林小满",
                "😀",
                "\\ud83d\\ude00",
                "\\u6797",
                "\\/",
                "\\\\",
                "\\\"",
                "\\n\\r\\t\\b\\f",
                "\\u0000",
                "\\u001F",
                "/",
                "'",
                "\u{7f}",
                "\u{2028}",
                "null",
                "{\\\"a\\\":[",
                "0123456789abcdef",
                "é",
                "\u{feff}",
                "\\uFFFF",
            ]);
            self.put(part);
        }
        if self.mode == Mode::Lenient {
            self.leniency("control characters", &["\u{b}", "a\nb", "\u{1f}", "\u{0}"]);
            self.leniency(
                "half a surrogate pair",
                &["\\ud83d", "\\ude00x", "\\ud83d\\u0041"],
            );
        }
        self.put("\"");
    }

    /// One of these.
    pub(crate) fn choose(&mut self, of: &[&str]) {
        let text = self.one(of);
        self.put(text);
    }

    /// What `with` writes, as a JSON string.
    pub(crate) fn quoted(&mut self, with: fn(&mut Draw)) {
        let mode = std::mem::replace(&mut self.mode, Mode::Plain);
        let before = self.written.text.len();
        with(self);
        self.mode = mode;
        let text = self.written.text.split_off(before);
        self.put(&serde_json::to_string(&text).expect("text is JSON"));
    }

    /// Any JSON; `depth` bounds it.
    pub(crate) fn any(&mut self, depth: usize) {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => self.put("null"),
            1 => self.put("true"),
            2 => self.string(),
            3 => f64::write(self),
            4 => self.put("-9223372036854775808"),
            5 => self.put("18446744073709551615"),
            6 => {
                self.put("[");
                for at in 0..self.below(4) {
                    self.put(if at > 0 { "," } else { "" });
                    self.space();
                    self.any(depth - 1);
                    self.space();
                }
                self.put("]");
            }
            _ => {
                self.put("{");
                for at in 0..self.below(4) {
                    self.put(if at > 0 { "," } else { "" });
                    self.space();
                    self.string();
                    self.space();
                    self.put(":");
                    self.any(depth - 1);
                }
                self.put("}");
            }
        }
    }

    /// An object of these fields, in any order, some left out, with unknown ones among them.
    pub(crate) fn object(&mut self, fields: &[(&str, Writer)]) {
        if self.depth > 4 {
            return self.put("{}");
        }
        if self.leniency("null for a record", &["null"])
            || self.leniency("an empty text for a record", &["\"\""])
            || self.misfit(&["5", "true", "\"x\"", "-1.5"])
        {
            return;
        }
        self.depth += 1;
        let mut left: Vec<_> = fields.iter().collect();
        if self.below(3) == 0 {
            for at in (1..left.len()).rev() {
                let other = self.below(at + 1);
                left.swap(at, other);
            }
        }
        self.put("{");
        let mut comma = false;
        for (name, write) in left {
            if self.below(6) == 0 {
                continue;
            }
            if self.below(5) == 0 {
                self.separate(&mut comma);
                let unknown = self.below(1000);
                let _ = write!(self.written.text, "\"unknown{unknown}\":");
                let mode = std::mem::replace(&mut self.mode, Mode::Plain);
                self.any(3);
                self.mode = mode;
            }
            let twice = self.mode == Mode::Lenient && self.below(12) == 0;
            for _ in 0..=usize::from(twice) {
                self.separate(&mut comma);
                let name = serde_json::to_string(name).expect("a name is text");
                self.put(&name);
                self.space();
                self.put(":");
                self.space();
                write(self);
                self.space();
            }
            if twice {
                self.written.leniencies.push("one key twice");
            }
        }
        self.put("}");
        self.depth -= 1;
    }

    fn separate(&mut self, comma: &mut bool) {
        self.put(if *comma { "," } else { "" });
        *comma = true;
        self.space();
    }

    /// The text with one character lost or another put in.
    pub(crate) fn damage(&mut self, text: &str) -> String {
        let at = self.below(text.chars().count() + 1);
        let lose = self.below(2);
        let new = self.one(&[
            "", "", "{", "}", "[", "]", ",", ":", "\"", "0", "-", ".", "e", "x", "\\", "+",
        ]);
        let head: String = text.chars().take(at).collect();
        let tail: String = text.chars().skip(at + lose).collect();
        format!("{head}{new}{tail}")
    }
}

/// A type that can draw texts of itself.
pub(crate) trait Write {
    /// Whether it is a list already, so that a list of it cannot lack its brackets.
    const LIST: bool = false;
    fn write(draw: &mut Draw);
}

const TEXT_AS_OTHER: &[&str] = &["12", "-0.5", "true", "false", "0"];
const NUMBER_AS_TEXT: &[&str] = &["\"12\"", "\"\"", "\" 7 \"", "\"0\""];
const WHOLE_AS_OTHER: &[&str] = &["1.0", "1e3", "true", "false", "-0"];
const TRUTH_AS_OTHER: &[&str] = &["1", "0", "\"true\"", "\"N\"", "\"\"", "\"1\""];

impl Write for String {
    fn write(draw: &mut Draw) {
        if !draw.leniency("null for a value", &["null"])
            && !draw.leniency("text as something else", TEXT_AS_OTHER)
            && !draw.misfit(&["[]", "{}", "[\"a\"]", "{\"a\":1}"])
        {
            draw.string();
        }
    }
}

macro_rules! whole {
    ($($ty:ty: $misfits:expr;)+) => {$(
        impl Write for $ty {
            fn write(draw: &mut Draw) {
                if draw.leniency("null for a value", &["null"])
                    || draw.leniency("a number as text", NUMBER_AS_TEXT)
                    || draw.leniency("a whole number in another way", WHOLE_AS_OTHER)
                    || draw.misfit($misfits)
                {
                    return;
                }
                let number = match draw.below(4) {
                    0 => <$ty>::MIN,
                    1 => <$ty>::MAX,
                    2 => 0,
                    _ => draw.state as $ty,
                };
                draw.put(&number.to_string());
            }
        }
    )+};
}

whole! {
    i32: &["2147483648", "-2147483649", "1.5", "\"a\"", "[1]", "{}", "1e10"];
    i64: &["9223372036854775808", "-9223372036854775809", "0.5", "\"a\"", "[]", "{\"a\":1}", "1e400"];
    u64: &["-1", "18446744073709551616", "2.5", "\"0x1\"", "[0]", "{}"];
}

impl Write for f64 {
    fn write(draw: &mut Draw) {
        if draw.leniency("null for a value", &["null"])
            || draw.leniency("a number as text", &["\"0.5\"", "\"\"", "\"1e3\""])
            || draw.misfit(&["1e999", "\"a\"", "[1.5]", "{}", "\"NaN\"", "\"inf\""])
        {
            return;
        }
        let number = f64::from_bits(draw.state);
        match draw.below(5) {
            0 if number.is_finite() => draw.put(&format!("{number:e}")),
            1 => draw.put(&format!("{}", draw.state as f64 / 1e6)),
            2 => draw.put("7"),
            _ => {
                let spelled = draw.one(&[
                    "0.1",
                    "-0.0",
                    "1e3",
                    "1E-7",
                    "2.5e+2",
                    "1.7976931348623157e308",
                    "5e-324",
                    "-0",
                    "9007199254740993",
                    "0.30000000000000004",
                    "123456789012345678901234567890",
                    "2.2250738585072011e-308",
                    "1e-400",
                    "100000000000000000000000e-20",
                ]);
                draw.put(spelled);
            }
        }
    }
}

impl Write for bool {
    fn write(draw: &mut Draw) {
        if !draw.leniency("null for a value", &["null"])
            && !draw.leniency("a truth value in another way", TRUTH_AS_OTHER)
            && !draw.misfit(&["\"maybe\"", "[]", "{}", "1.5"])
        {
            let truth = draw.one(&["true", "false"]);
            draw.put(truth);
        }
    }
}

impl Write for Value {
    fn write(draw: &mut Draw) {
        let mode = std::mem::replace(&mut draw.mode, Mode::Plain);
        draw.any(3);
        draw.mode = mode;
    }
}

impl<T: Write> Write for Option<T> {
    const LIST: bool = T::LIST;
    fn write(draw: &mut Draw) {
        if draw.below(6) == 0 {
            draw.put("null");
        } else {
            T::write(draw);
        }
    }
}

impl<T: Write> Write for Box<T> {
    fn write(draw: &mut Draw) {
        T::write(draw);
    }
}

impl<T: Write> Write for Vec<T> {
    const LIST: bool = true;
    fn write(draw: &mut Draw) {
        if draw.leniency("null for a list", &["null"])
            || draw.leniency("an empty text for a list", &["\"\""])
        {
            return;
        }
        if !T::LIST && draw.leniency("one item without its list", &[""]) {
            // Not a `null`, which would be no item at all, nor an empty text.
            let plain = std::mem::replace(&mut draw.mode, Mode::Plain);
            let before = draw.written.text.len();
            T::write(draw);
            draw.mode = plain;
            let one = draw.written.text.split_off(before);
            let one = if one.starts_with('[') || one == "null" {
                "\"\"".to_owned()
            } else {
                one
            };
            return draw.put(&one);
        }
        draw.put("[");
        let count = if draw.depth > 3 { 1 } else { 4 };
        for at in 0..draw.below(count) {
            draw.put(if at > 0 { "," } else { "" });
            draw.space();
            T::write(draw);
            draw.space();
        }
        draw.put("]");
    }
}

impl<T: Write> Write for BTreeMap<String, T> {
    fn write(draw: &mut Draw) {
        if draw.leniency("null for a map", &["null"])
            || draw.leniency("nothing for a map", &["\"\"", "[]"])
            || draw.misfit(&["[1]", "5", "\"x\"", "true"])
        {
            return;
        }
        draw.put("{");
        for at in 0..draw.below(4) {
            draw.put(if at > 0 { "," } else { "" });
            draw.space();
            // The same key may come again: the last counts for both.
            let key = draw.one(&["\"a\"", "\"b\"", "\"\"", "\"键\"", "\"\\u0061\"", "\"x y\""]);
            draw.put(key);
            draw.put(":");
            T::write(draw);
            draw.space();
        }
        draw.put("}");
    }
}
