//! The types of fields under the same names for both sides.

/// What generated records are made of.
pub(super) mod ours {
    pub(crate) use std::collections::BTreeMap;

    pub(crate) use serde_json::Value;
    pub(crate) use xinqiao_types::{Fen, OpenId, UnixSeconds};
    pub(crate) use xinqiao_wire::{Nested, TextOrNumber as Either};

    pub(crate) type BoolInt = bool;
    pub(crate) type BoolYn = bool;
    pub(crate) type BoolText = bool;
    pub(crate) type NumericText = i64;
    pub(crate) type Joined = Vec<String>;
    pub(crate) type JsonText<T> = T;
}

/// What somebody would write by hand for serde.
pub(super) mod theirs {
    pub(crate) use std::collections::BTreeMap;

    pub(crate) use serde_json::Value;

    use serde::de::{DeserializeOwned, Error};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::differential::text::{Draw, Write};

    pub(crate) type Fen = i64;
    pub(crate) type UnixSeconds = i64;
    pub(crate) type OpenId = String;
    pub(crate) type Nested<T> = Box<T>;

    /// A value in another form on the wire.
    macro_rules! spelled {
        ($($name:ident($ty:ty) as $wire:ty: $read:expr, $write:expr, $draw:expr;)+) => {$(
            #[derive(Debug, Clone, Default, PartialEq)]
            pub(crate) struct $name($ty);

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let write: fn(&$ty) -> $wire = $write;
                    write(&self.0).serialize(serializer)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let read: fn($wire) -> Option<$ty> = $read;
                    let wire = <$wire>::deserialize(deserializer)?;
                    read(wire).map($name).ok_or_else(|| D::Error::custom("another value"))
                }
            }

            impl Write for $name {
                fn write(draw: &mut Draw) {
                    let choices: &[&str] = $draw;
                    draw.choose(choices);
                }
            }
        )+};
    }

    fn truth(yes: &str, no: &str, text: &str) -> Option<bool> {
        (text == yes || text == no).then(|| text == yes)
    }

    spelled! {
        BoolInt(bool) as u8: |n| (n < 2).then_some(n == 1), |truth| u8::from(*truth), &["0", "1"];
        BoolYn(bool) as String: |text| truth("Y", "N", &text),
            |truth| if *truth { "Y" } else { "N" }.to_owned(), &["\"Y\"", "\"N\"", "\"\\u0059\""];
        BoolText(bool) as String: |text| truth("true", "false", &text),
            |truth| truth.to_string(), &["\"true\"", "\"false\""];
        NumericText(i64) as String: |text| text.parse().ok(), |number| number.to_string(),
            &["\"0\"", "\"-12\"", "\"9223372036854775807\"", "\"-9223372036854775808\""];
        Joined(Vec<String>) as String:
            |text| Some(text.split('|').filter(|_| !text.is_empty()).map(str::to_owned).collect()),
            |parts| parts.join("|"), &["\"\"", "\"a\"", "\"a|b\"", "\"林|\\ud83d\\ude00| \""];
    }

    /// Text in some answers, a number in others.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    pub(crate) enum Either {
        Number(serde_json::Number),
        Text(String),
    }

    impl Default for Either {
        fn default() -> Self {
            Either::Text(String::new())
        }
    }

    impl Write for Either {
        fn write(draw: &mut Draw) {
            if draw.below(2) == 0 {
                draw.string();
            } else {
                draw.choose(&["0", "-7", "1.5", "18446744073709551615", "1e3", "-0.0"]);
            }
        }
    }

    /// A value written as JSON into a text.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct JsonText<T>(T);

    impl<T: Serialize> Serialize for JsonText<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde_json::to_string(&self.0)
                .expect("serialises")
                .serialize(serializer)
        }
    }

    impl<'de, T: DeserializeOwned> Deserialize<'de> for JsonText<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            serde_json::from_str(&text)
                .map(JsonText)
                .map_err(D::Error::custom)
        }
    }

    impl<T: Write> Write for JsonText<T> {
        fn write(draw: &mut Draw) {
            draw.quoted(T::write);
        }
    }
}
