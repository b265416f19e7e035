//! Records: structs that a codec can walk without knowing them.
//!
//! A record is a static [`Shape`] plus access to its slots by position. The codecs are written once, over these
//! traits, so a generated type costs two `match`es instead of two derives.

use std::fmt;

use serde_json::{Map, Value};

use crate::slot::Slot;

/// How a value is spelled where it isn't the plain JSON of its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Spelling {
    /// As JSON has it.
    #[default]
    Plain,
    /// Bool as `0` or `1`.
    BoolInt,
    /// Bool as `"Y"` or `"N"`.
    BoolYn,
    /// Bool as `"true"` or `"false"`.
    BoolText,
    /// Number written as text.
    NumericText,
    /// A value serialised into a JSON string.
    JsonText,
    /// List joined with this character.
    Joined(char),
}

/// Where a request's field travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// In the body.
    #[default]
    Body,
    /// In the path, instead of `{name}`.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// One field of a [`Shape`].
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name on the wire.
    pub name: &'static str,
    /// Element name in XML; empty = `name`.
    pub xml_name: &'static str,
    /// Spelling.
    pub spelling: Spelling,
    /// Where it travels.
    pub place: Place,
    /// Must be given, or is always there.
    pub required: bool,
    /// Masked in `Debug`, logs and recordings.
    pub masked: bool,
    /// Encrypted on the wire with the platform's (or, in answers, our) public key.
    pub encrypted: bool,
    /// XML text goes into CDATA.
    pub cdata: bool,
    /// `coupon_id_$n`: one element per item, numbered from 0 (customs: whatever comes).
    pub numbered: bool,
    /// The slot is a union whose tag and bodies stand among the record's own keys.
    pub flat: bool,
    /// The body is this value itself, not an object that holds it.
    pub bare: bool,
    /// Holds the free further keys.
    pub open: bool,
    /// A multipart part that holds JSON.
    pub json_part: bool,
}

impl Field {
    /// A plain optional body field.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Field {
            name,
            xml_name: "",
            spelling: Spelling::Plain,
            place: Place::Body,
            required: false,
            masked: false,
            encrypted: false,
            cdata: true,
            numbered: false,
            flat: false,
            bare: false,
            open: false,
            json_part: false,
        }
    }

    /// A plain required body field.
    #[must_use]
    pub const fn must(name: &'static str) -> Self {
        Field::new(name).required()
    }

    /// Required.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Spelled differently.
    #[must_use]
    pub const fn spelled(mut self, spelling: Spelling) -> Self {
        self.spelling = spelling;
        self
    }

    /// Travels elsewhere.
    #[must_use]
    pub const fn place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Masked.
    #[must_use]
    pub const fn masked(mut self) -> Self {
        self.masked = true;
        self
    }

    /// Encrypted.
    #[must_use]
    pub const fn encrypted(mut self) -> Self {
        self.encrypted = true;
        self
    }

    /// Element name in XML.
    #[must_use]
    pub const fn xml(mut self, name: &'static str) -> Self {
        self.xml_name = name;
        self
    }

    /// XML text without CDATA.
    #[must_use]
    pub const fn no_cdata(mut self) -> Self {
        self.cdata = false;
        self
    }

    /// Numbered from `_0`.
    #[must_use]
    pub const fn numbered(mut self) -> Self {
        self.numbered = true;
        self
    }

    /// A flattened union.
    #[must_use]
    pub const fn flat(mut self) -> Self {
        self.flat = true;
        self
    }

    /// The whole body.
    #[must_use]
    pub const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The free further keys.
    #[must_use]
    pub const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// A multipart part that holds JSON.
    #[must_use]
    pub const fn json_part(mut self) -> Self {
        self.json_part = true;
        self
    }
}

/// What is static about a record.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Name of the Rust type.
    pub name: &'static str,
    /// Fields in wire order.
    pub fields: &'static [Field],
}

impl Shape {
    /// Position of the field of that wire name; `hint` is where it would be if keys come in order.
    #[must_use]
    pub fn position(&self, name: &str, hint: usize) -> Option<usize> {
        if self
            .fields
            .get(hint)
            .is_some_and(|field| field.name == name)
        {
            return Some(hint);
        }
        self.fields.iter().position(|field| field.name == name)
    }
}

/// A struct that the codecs can read and write.
pub trait Record: fmt::Debug + Send + Sync {
    /// Names, flags.
    fn shape(&self) -> &'static Shape;
    /// The slot at a position of the shape.
    fn slot(&self, index: usize) -> Option<&dyn Slot>;
    /// The slot at a position of the shape, for writing.
    fn slot_mut(&mut self, index: usize) -> Option<&mut dyn Slot>;
    /// What the typed slots could not hold; filled only when reading with keep-raw.
    fn rest(&self) -> Option<&Rest> {
        None
    }
    /// The same for writing.
    fn rest_mut(&mut self) -> Option<&mut Rest> {
        None
    }
}

/// What the typed slots of a record could not hold: unknown fields, absence marks, unusual spellings.
///
/// Empty (one pointer) unless a reader was asked to keep everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rest(Option<Box<Kept>>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Kept {
    unknown: Map<String, Value>,
    marks: Vec<(usize, Mark)>,
}

/// How a known field differed from its canonical form.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// The field was not there although its slot always writes something.
    Absent {
        /// What the slot would write.
        canonical: Value,
    },
    /// The field was written differently.
    Raw {
        /// As it came.
        raw: Value,
        /// What the slot would write; nothing if it would leave the field out.
        canonical: Option<Value>,
    },
}

impl Rest {
    /// Fields that the type doesn't know.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().flat_map(|kept| {
            kept.unknown
                .iter()
                .map(|(name, value)| (name.as_str(), value))
        })
    }

    /// Whether nothing was kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn keep_unknown(&mut self, name: String, value: Value) {
        self.0.get_or_insert_default().unknown.insert(name, value);
    }

    pub(crate) fn mark(&mut self, index: usize, mark: Mark) {
        self.0.get_or_insert_default().marks.push((index, mark));
    }

    pub(crate) fn mark_of(&self, index: usize) -> Option<&Mark> {
        let kept = self.0.as_ref()?;
        kept.marks
            .iter()
            .find(|(at, _)| *at == index)
            .map(|(_, mark)| mark)
    }
}
