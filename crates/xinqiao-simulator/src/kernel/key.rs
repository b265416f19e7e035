//! Keys of tables: ordered alike in memory, on disk and in an export.

use std::{cell::RefCell, sync::Arc};

use serde_json::{Value, json};

/// A text that names something: an appid, an openid, a token. Cheap to clone, so that indexes share it.
pub(crate) type Id = Arc<str>;

thread_local! {
    /// The text that stood last in a key that was read.
    static LAST: RefCell<Id> = RefCell::new("".into());
}

/// A text as an [`Id`]: one that is read again and again in a row shares its memory.
pub(crate) fn shared(last: &'static std::thread::LocalKey<RefCell<Id>>, text: &str) -> Id {
    last.with_borrow_mut(|last| {
        if **last != *text {
            *last = text.into();
        }
        last.clone()
    })
}

/// What a table is ordered by.
pub(crate) trait Key: Ord + Clone + Send + Sync + 'static {
    /// The key before all others.
    fn first() -> Self;
    /// Bytes that are ordered as the keys are.
    fn write(&self, into: &mut Vec<u8>);
    /// The key at the front of these bytes.
    fn read(from: &mut &[u8]) -> Option<Self>;
    /// The key in an export.
    fn to_json(&self) -> Value;
    /// The key of an export.
    fn from_json(value: &Value) -> Option<Self>;
}

impl Key for () {
    fn first() -> Self {}

    fn write(&self, _: &mut Vec<u8>) {}

    fn read(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }

    fn to_json(&self) -> Value {
        Value::Null
    }

    fn from_json(_: &Value) -> Option<Self> {
        Some(())
    }
}

impl Key for Id {
    fn first() -> Self {
        "".into()
    }

    /// A zero byte ends a text; one inside is followed by 255, so that a longer text comes after a shorter one.
    fn write(&self, into: &mut Vec<u8>) {
        for byte in self.bytes() {
            into.push(byte);
            if byte == 0 {
                into.push(255);
            }
        }
        into.extend([0, 1]);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let end = from.iter().position(|byte| *byte == 0)?;
        if from.get(end + 1) == Some(&1) {
            let text = str::from_utf8(&from[..end]).ok()?;
            *from = &from[end + 2..];
            return Some(shared(&LAST, text));
        }
        let mut text = Vec::new();
        loop {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            if *byte != 0 {
                text.push(*byte);
                continue;
            }
            let (mark, rest) = from.split_first()?;
            *from = rest;
            match mark {
                1 => return String::from_utf8(text).ok().map(Into::into),
                _ => text.push(0),
            }
        }
    }

    fn to_json(&self) -> Value {
        json!(&**self)
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().map(Into::into)
    }
}

impl Key for u64 {
    fn first() -> Self {
        0
    }

    fn write(&self, into: &mut Vec<u8>) {
        into.extend(self.to_be_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(Self::from_be_bytes(*bytes))
    }

    fn to_json(&self) -> Value {
        json!(self)
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Key for i64 {
    fn first() -> Self {
        Self::MIN
    }

    fn write(&self, into: &mut Vec<u8>) {
        into.extend((self ^ Self::MIN).to_be_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(Self::from_be_bytes(*bytes) ^ Self::MIN)
    }

    fn to_json(&self) -> Value {
        json!(self)
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

macro_rules! keys {
    ($($name:ident $at:tt),+) => {
        impl<$($name: Key),+> Key for ($($name,)+) {
            fn first() -> Self {
                ($($name::first(),)+)
            }

            fn write(&self, into: &mut Vec<u8>) {
                $(self.$at.write(into);)+
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                Some(($($name::read(from)?,)+))
            }

            fn to_json(&self) -> Value {
                json!([$(self.$at.to_json()),+])
            }

            fn from_json(value: &Value) -> Option<Self> {
                Some(($($name::from_json(value.get($at)?)?,)+))
            }
        }
    };
}

keys!(A 0, B 1);
keys!(A 0, B 1, C 2);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Sample = (Id, i64, u64);

    fn bytes(key: &Sample) -> Vec<u8> {
        let mut bytes = Vec::new();
        key.write(&mut bytes);
        bytes
    }

    fn sample() -> impl Strategy<Value = Sample> {
        ("[\u{0}\u{1}ab信]{0,4}", any::<i64>(), any::<u64>())
            .prop_map(|(text, signed, number)| (text.into(), signed, number))
    }

    proptest! {
        #[test]
        fn keys_are_read_back_and_their_bytes_are_ordered_as_they_are(one in sample(), two in sample()) {
            let (a, b) = (bytes(&one), bytes(&two));
            prop_assert_eq!(Sample::read(&mut &a[..]), Some(one.clone()));
            prop_assert_eq!(Sample::from_json(&one.to_json()), Some(one.clone()));
            prop_assert_eq!(a.cmp(&b), one.cmp(&two));
        }
    }
}
