//! Our codec beside serde's derives with serde_json: a hundred shapes, each declared once and made twice.
//!
//! What both must do alike: read every JSON text that fits the shape to the same value, refuse what is no JSON and
//! what fits in no way. Where we differ, on purpose (the names are those of `Draw::leniency`):
//!
//! | what comes | serde's derive | we |
//! | --- | --- | --- |
//! | `null` for a required field, list, map, record | refuses | as if it were absent |
//! | a number or truth value as text; text as a number; `1.0`, `1e3`, `-0` for a whole number; `0`/`1`/`"Y"` for a truth value | refuses | read |
//! | one item without its list, an empty text for an empty list, map or record, `[]` for an empty map | refuses | read |
//! | one key twice in a record | refuses | the last counts, as in `Value` |
//! | control characters in a string, half a surrogate pair | refuses | read; U+FFFD |
//! | a record as a list of its fields' values | reads | refuse, but for `[]` |
//! | an unknown number beyond a float's range | passes over it | pass over it; keep-raw refuses |
//! | more than 100 open brackets | reads 127 | refuse |

mod pairs;
mod text;

use serde_json::Value;
use xinqiao_wire::{Keep, Record, json};

use self::text::{Draw, Written};

/// Texts for each shape and way to draw them.
const TEXTS: u64 = 60;

/// One shape in both worlds.
pub(crate) struct Pair {
    name: &'static str,
    write: fn(&mut Draw),
    /// serde's reading, written again; and whether a text reads to the same.
    theirs: fn(&str) -> Option<String>,
    same: fn(&str, &str) -> bool,
    ours: fn() -> Box<dyn Record>,
}

impl Pair {
    fn read(&self, text: &str, keep: Keep) -> Option<Box<dyn Record>> {
        let mut record = (self.ours)();
        json::decode(record.as_mut(), text.as_bytes(), keep).ok()?;
        Some(record)
    }

    /// Both have read it: the values must be the same, and survive either side's writing.
    #[track_caller]
    fn agree(&self, text: &str, theirs: &str) {
        let name = self.name;
        let Some(record) = self.read(text, Keep::Typed) else {
            panic!("{name}: serde reads {text}, we do not");
        };
        let ours = json::encode(record.as_ref());
        assert!(
            (self.same)(&ours, theirs),
            "{name}: {text}\n{ours}\n{theirs}"
        );
        let again = self.read(theirs, Keep::Typed).expect("what serde writes");
        assert_eq!(json::encode(again.as_ref()), ours, "{name}: {text}");
        let kept = self.read(text, Keep::Raw);
        // Unknown numbers beyond a float's range and half pairs: `Value` cannot hold them.
        let Ok(came) = serde_json::from_str::<Value>(text) else {
            return;
        };
        let kept = json::encode(kept.expect("keep-raw reads no less").as_ref());
        let kept: Value = serde_json::from_str(&kept).expect("is JSON");
        assert_eq!(kept, came, "{name}: {text}");
    }

    fn check(&self, seed: u64) {
        let Written { text, .. } = Draw::plain(seed).write(self.write);
        let theirs = (self.theirs)(&text);
        let theirs = theirs.unwrap_or_else(|| panic!("{}: serde refuses {text}", self.name));
        self.agree(&text, &theirs);

        let lenient = Draw::lenient(seed).write(self.write);
        match (self.theirs)(&lenient.text) {
            Some(theirs) => self.agree(&lenient.text, &theirs),
            None => {
                let ours = self.read(&lenient.text, Keep::Typed).is_some();
                assert_eq!(
                    ours,
                    !lenient.leniencies.is_empty(),
                    "{}: {lenient:?}",
                    self.name
                );
            }
        }

        let broken = Draw::broken(seed).write(self.write);
        if broken.broken {
            let (name, text) = (self.name, &broken.text);
            assert!((self.theirs)(text).is_none(), "{name}: serde reads {text}");
            assert!(
                self.read(text, Keep::Typed).is_none(),
                "{name}: we read {text}"
            );
        }

        // Any one byte lost or changed: the grammar is the same, down to what is only passed over.
        let mut draw = Draw::plain(seed ^ 0x5eed);
        for _ in 0..4 {
            let text = draw.damage(&text);
            if let Some(theirs) = (self.theirs)(&text) {
                self.agree(&text, &theirs);
                continue;
            }
            // No JSON at all, and not for what we read all the same.
            let known = [
                "out of range",
                "surrogate",
                "hex escape",
                "control character",
            ];
            if let Err(error) = serde_json::from_str::<Value>(&text)
                && !known.iter().any(|known| error.to_string().contains(known))
            {
                let ours = self.read(&text, Keep::Typed);
                assert!(ours.is_none(), "{}: no JSON: {text}", self.name);
            }
        }
    }
}

#[test]
fn a_hundred_shapes_as_serde_reads_and_writes_them() {
    let pairs = pairs::all();
    assert!(pairs.len() >= 100, "{} shapes", pairs.len());
    for pair in &pairs {
        for seed in 0..TEXTS {
            pair.check(seed);
        }
    }
}

#[test]
fn every_leniency_is_met() {
    let mut met = std::collections::BTreeSet::new();
    for pair in pairs::all() {
        for seed in 0..TEXTS {
            met.extend(Draw::lenient(seed).write(pair.write).leniencies);
        }
    }
    assert_eq!(met.len(), text::LENIENCIES, "{met:?}");
}

#[cfg(feature = "serde")]
#[test]
fn delegated_serde_is_the_codec() {
    use crate::shapes::Tree;
    for seed in 0..500 {
        let text = Draw::plain(seed).write(pairs::tree()).text;
        let delegated: Tree = serde_json::from_str(&text).expect("delegated serde");
        let mut record = Tree::default();
        json::decode(&mut record, text.as_bytes(), Keep::Typed).expect("our codec");
        assert_eq!(delegated, record);
        let written: Value = serde_json::to_value(&delegated).expect("delegated serde");
        let ours: Value = serde_json::from_str(&json::encode(&record)).expect("is JSON");
        assert_eq!(written, ours);
    }
}
