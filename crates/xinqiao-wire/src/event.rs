//! What the platform sends by itself (回调): messages, events, notices.
//!
//! Each is a record with the ids that the catalog gives it, and everything that a product sends is one enumeration of
//! them. Reading never fails: what fits into no slot is kept in the record's [`Rest`](crate::Rest), and what has no
//! type is the enumeration's `Other`.
//!
//! Which push has which id is not decided here: `xinqiao-message` asks the catalog, and [`Notice::recognise`] looks a
//! payment's notice up in the table of its product.

use std::fmt;

use serde_json::Value;

use crate::json::Keep;
use crate::markup;
use crate::record::Record;
use crate::response;
use crate::value;

/// A record that the platform sends by itself.
pub trait Pushed: Record + Default + Clone {
    /// Its ids in the catalog: one for each product that sends it. The first names the fields.
    const IDS: &'static [&'static str];
}

/// What a user says (`MsgType`).
pub trait MessageBody: Pushed {}

/// What happens (`Event`, `InfoType`).
pub trait EventBody: Pushed {}

/// What happens to a payment.
pub trait NoticeBody: Pushed {}

/// Everything that a product sends by itself: an enumeration of records.
pub trait Pushes: Sized + Clone + fmt::Debug + Send + Sync + 'static {
    /// What has no type.
    type Other;
    /// The product's name in the catalog.
    const PRODUCT: &'static str;
    /// The ids of all variants.
    const IDS: &'static [&'static str];

    /// The id that names the fields of the variant of that id, see [`Pushed::IDS`].
    fn home(id: &str) -> Option<&'static str>;
    /// The variant of that id, with its fields.
    fn typed(id: &str, fields: &Value) -> Option<Self>;
    /// Without a type.
    fn other(other: Self::Other) -> Self;
    /// The id in the catalog; nothing without a type.
    fn id(&self) -> Option<&'static str>;
    /// What is in the variant; nothing without a type.
    fn record(&self) -> Option<&dyn Record>;
}

/// Fills a record with fields that are in their usual form. What fits into no slot is kept beside them.
#[must_use]
pub fn record<T: Pushed>(fields: &Value) -> T {
    let mut record = T::default();
    fill(&mut record, fields);
    record
}

fn fill(record: &mut dyn Record, fields: &Value) {
    // Only something else than an object is refused, and that has no fields.
    let _ = value::from_value(record, fields, Keep::Raw);
}

/// The content of a push as free JSON: XML or JSON, told by its first byte. What is neither is one text.
#[must_use]
pub fn fields(content: &[u8]) -> Value {
    let read = if content.trim_ascii_start().starts_with(b"<") {
        markup::value(content).ok()
    } else {
        response::value(content).ok()
    };
    read.unwrap_or_else(|| String::from_utf8_lossy(content).into_owned().into())
}

/// A notice without a type.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherNotice {
    /// What happened, in the platform's word; empty where there is none.
    pub event_type: String,
    /// What it is about.
    pub fields: Value,
}

/// How a notice is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its id in the catalog.
    pub id: &'static str,
    /// Its values of `event_type`, with blanks between; empty = any.
    pub event_types: &'static str,
    /// A field that only it has among those of one `event_type`; empty = it is what is left.
    pub with: &'static str,
}

impl Notice {
    /// The notice of that `event_type` with these fields; the first of the table that has its field.
    #[must_use]
    pub fn recognise(table: &[Notice], event_type: &str, fields: &Value) -> Option<&'static str> {
        let mut candidates = table.iter().filter(|notice| {
            let mut known = notice.event_types.split(' ');
            notice.event_types.is_empty() || known.any(|known| known == event_type)
        });
        let has = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
        let told = candidates
            .clone()
            .find(|notice| !notice.with.is_empty() && has(notice.with));
        let left = || candidates.find(|notice| notice.with.is_empty());
        told.or_else(left).map(|notice| notice.id)
    }
}

/// What kind of push a record is, and its ids.
#[macro_export]
macro_rules! pushed {
    ($($kind:ident $name:ident = $($id:literal)|+;)*) => {$(
        impl $crate::event::Pushed for $name {
            const IDS: &'static [&'static str] = &[$($id),+];
        }
        impl $crate::event::$kind for $name {}
    )*};
}

/// Everything that a product pushes in an envelope.
#[macro_export]
macro_rules! pushes {
    (
        $(#[$meta:meta])*
        pub enum $name:ident of $product:literal or $other:ty {
            $( $(#[$vmeta:meta])* $variant:ident($ty:ty) = $id:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$vmeta])* $variant(::std::boxed::Box<$ty>), )*
            /// What has no type here, whole.
            Other(::std::boxed::Box<$other>),
        }

        impl $crate::event::Pushes for $name {
            type Other = $other;
            const PRODUCT: &'static str = $product;
            const IDS: &'static [&'static str] = &[$($id),*];

            fn home(id: &str) -> ::core::option::Option<&'static str> {
                match id {
                    $($id => <$ty as $crate::event::Pushed>::IDS.first().copied(),)*
                    _ => ::core::option::Option::None,
                }
            }
            fn typed(id: &str, fields: &$crate::serial::Value) -> ::core::option::Option<Self> {
                match id {
                    $($id => ::core::option::Option::Some(Self::$variant(
                        ::std::boxed::Box::new($crate::event::record(fields)),
                    )),)*
                    _ => ::core::option::Option::None,
                }
            }
            fn other(other: $other) -> Self {
                Self::Other(::std::boxed::Box::new(other))
            }
            fn id(&self) -> ::core::option::Option<&'static str> {
                match self {
                    $(Self::$variant(_) => ::core::option::Option::Some($id),)*
                    Self::Other(_) => ::core::option::Option::None,
                }
            }
            fn record(&self) -> ::core::option::Option<&dyn $crate::Record> {
                match self {
                    $(Self::$variant(record) => ::core::option::Option::Some(&**record),)*
                    Self::Other(_) => ::core::option::Option::None,
                }
            }
        }
    };
}

/// All notices of a payment product.
#[macro_export]
macro_rules! notices {
    (
        $(#[$meta:meta])*
        pub enum $name:ident of $product:literal {
            $( $(#[$vmeta:meta])* $variant:ident($ty:ty) = $id:literal on $types:literal with $with:literal, )*
        }
    ) => {
        $crate::pushes! {
            $(#[$meta])*
            pub enum $name of $product or $crate::event::OtherNotice {
                $( $(#[$vmeta])* $variant($ty) = $id, )*
            }
        }

        impl $name {
            /// The notice of these fields. `event_type` is what it says has happened, empty where it says nothing; what
            /// has no type is [`Self::Other`].
            #[must_use]
            pub fn of(event_type: &str, fields: $crate::serial::Value) -> Self {
                use $crate::event::Pushes as _;
                const NOTICES: &[$crate::event::Notice] = &[
                    $($crate::event::Notice { id: $id, event_types: $types, with: $with },)*
                ];
                let id = $crate::event::Notice::recognise(NOTICES, event_type, &fields);
                let typed = id.and_then(|id| Self::typed(id, &fields));
                typed.unwrap_or_else(|| Self::other($crate::event::OtherNotice {
                    event_type: event_type.into(),
                    fields,
                }))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Notice;

    #[test]
    fn a_notice_is_told_by_its_type_and_then_by_its_field() {
        let notice = |id, event_types, with| Notice {
            id,
            event_types,
            with,
        };
        let table = [
            notice("combined", "A", "combine"),
            notice("left", "A B", ""),
            notice("partner", "A", "sp"),
        ];
        for (event_type, fields, want) in [
            ("A", json!({"combine": "1", "sp": "2"}), Some("combined")),
            ("A", json!({"sp": "2"}), Some("partner")),
            ("A", json!({"sp": null}), Some("left")),
            ("B", json!({"sp": "2"}), Some("left")),
            ("C", json!({}), None),
            ("", json!({"sp": "2"}), None),
        ] {
            assert_eq!(
                Notice::recognise(&table, event_type, &fields),
                want,
                "{event_type} {fields}"
            );
        }
        let any = [notice("refund", "", "refund_id"), notice("paid", "", "")];
        assert_eq!(
            Notice::recognise(&any, "", &json!({"refund_id": "1"})),
            Some("refund")
        );
        assert_eq!(Notice::recognise(&any, "", &json!({})), Some("paid"));
    }
}
