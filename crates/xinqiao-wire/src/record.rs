//! Records: structs that a codec can walk without knowing them.
//!
//! A record is a static [`Shape`] plus access to its slots by position. The codecs are written once, over these
//! traits, so a generated type costs two `match`es instead of two derives.

use std::fmt;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::slot::{self, Slot, View, ViewMut};

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
    /// A value of an enumeration written as a number.
    Number,
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
    /// A group whose fields may stand beside it, without it.
    pub beside: bool,
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
            beside: false,
        }
    }

    /// A field from its line in a record: the name, then after `: ` its marks, as in `openid: must query`.
    ///
    /// | mark | meaning |
    /// |---|---|
    /// | `must` | required |
    /// | `path query header` | where it travels, if not in the body |
    /// | `masked encrypted` | hidden in `Debug`; encrypted on the wire |
    /// | `zero-one yes-no true-false` | spelling of a bool |
    /// | `numeric json comma pipe semicolon` | spelling of a number, a value, a list as text |
    /// | `number` | a value of an enumeration is a number |
    /// | `part` | a multipart part that holds JSON |
    /// | `xml=Name plain-xml` | element name in XML; text without CDATA |
    /// | `numbered flat bare open beside` | see the fields of this struct |
    fn parse(line: &'static str) -> Result<Self, String> {
        let (name, marks) = line.split_once(": ").unwrap_or((line, ""));
        let mut field = Field::new(name);
        for mark in marks.split_ascii_whitespace() {
            match mark {
                "must" => field.required = true,
                "path" => field.place = Place::Path,
                "query" => field.place = Place::Query,
                "header" => field.place = Place::Header,
                "masked" => field.masked = true,
                "encrypted" => field.encrypted = true,
                "zero-one" => field.spelling = Spelling::BoolInt,
                "yes-no" => field.spelling = Spelling::BoolYn,
                "true-false" => field.spelling = Spelling::BoolText,
                "numeric" => field.spelling = Spelling::NumericText,
                "number" => field.spelling = Spelling::Number,
                "json" => field.spelling = Spelling::JsonText,
                "comma" => field.spelling = Spelling::Joined(','),
                "pipe" => field.spelling = Spelling::Joined('|'),
                "semicolon" => field.spelling = Spelling::Joined(';'),
                "part" => field.json_part = true,
                "plain-xml" => field.cdata = false,
                "numbered" => field.numbered = true,
                "flat" => field.flat = true,
                "bare" => field.bare = true,
                "open" => field.open = true,
                "beside" => field.beside = true,
                other => match other.strip_prefix("xml=") {
                    Some(name) => field.xml_name = name,
                    None => return Err(format!("unknown mark `{other}` of field `{name}`")),
                },
            }
        }
        Ok(field)
    }
}

/// What is static about a record.
#[derive(Debug)]
pub struct Shape {
    /// Name of the Rust type.
    pub name: &'static str,
    /// Fields in wire order.
    pub fields: Box<[Field]>,
    /// The groups among them that hold nothing but one list: where they are, and the list's name.
    pub(crate) wraps: OnceLock<Box<[(usize, &'static str)]>>,
}

impl Shape {
    /// A record's shape from its fields.
    #[must_use]
    pub fn new(name: &'static str, fields: Box<[Field]>) -> Self {
        Shape {
            name,
            fields,
            wraps: OnceLock::new(),
        }
    }

    fn parse(text: &'static str) -> Result<Self, String> {
        let mut lines = text.split('\n');
        let name = lines.next().unwrap_or_default();
        let fields = lines.map(Field::parse).collect::<Result<_, _>>();
        fields
            .map(|fields| Shape::new(name, fields))
            .map_err(|error| format!("record `{name}`: {error}"))
    }

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

/// The text that a [`Shape`] is read from on first use.
///
/// One literal a record: a table of [`Field`]s is an eighth of what a generated type costs to compile.
#[derive(Debug)]
pub struct Lines {
    text: &'static str,
    shape: OnceLock<Shape>,
}

impl Lines {
    /// The record's name and its fields, a line each.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Lines {
            text,
            shape: OnceLock::new(),
        }
    }

    /// The shape.
    ///
    /// # Panics
    /// A line has a mark that there is no meaning for: the first use of any such record shows it.
    #[inline]
    pub fn shape(&'static self) -> &'static Shape {
        self.shape.get_or_init(|| match Shape::parse(self.text) {
            Ok(shape) => shape,
            Err(error) => panic!("{error}"),
        })
    }
}

/// A struct that the codecs can read and write.
pub trait Record: fmt::Debug + Send + Sync + 'static {
    /// Names, flags.
    fn shape(&self) -> &'static Shape;
    /// The slot at a position of the shape; behind the last one the record's [`Rest`].
    fn at(&self, index: usize) -> &dyn Slot;
    /// The same for writing.
    fn at_mut(&mut self, index: usize) -> &mut dyn Slot;
}

/// What only a concrete record has.
pub trait RecordExt: Record + Sized {
    /// What the typed slots could not hold; filled only when reading with keep-raw.
    fn rest(&self) -> Option<&Rest> {
        (self as &dyn Record).rest()
    }
}

impl<R: Record> RecordExt for R {}

/// Written once for all records: as methods of the trait, every record would carry its own.
impl dyn Record + '_ {
    /// The slot at a position of the shape.
    #[must_use]
    pub fn slot(&self, index: usize) -> Option<&dyn Slot> {
        (index < self.shape().fields.len()).then(|| self.at(index))
    }

    /// The slot at a position of the shape, for writing.
    pub fn slot_mut(&mut self, index: usize) -> Option<&mut dyn Slot> {
        (index < self.shape().fields.len()).then(|| self.at_mut(index))
    }

    /// What the typed slots could not hold; filled only when reading with keep-raw.
    #[must_use]
    pub fn rest(&self) -> Option<&Rest> {
        match self.at(usize::MAX).view() {
            View::Hidden(rest) => Some(rest),
            _ => None,
        }
    }

    /// The same for writing.
    pub fn rest_mut(&mut self) -> Option<&mut Rest> {
        match self.at_mut(usize::MAX).view_mut() {
            ViewMut::Hidden(rest) => Some(rest),
            _ => None,
        }
    }

    /// Back to the values of a new record.
    pub fn clear(&mut self) {
        for index in 0..=self.shape().fields.len() {
            self.at_mut(index).reset();
        }
    }
}

/// A copy of a record, slot by slot: what `Clone` of every record is.
#[must_use]
#[inline]
pub fn copied<R: Record + Default>(record: &R) -> R {
    let mut copy = R::default();
    copy_slots(record, &mut copy);
    copy
}

pub(crate) fn copy_slots(from: &dyn Record, to: &mut dyn Record) {
    for index in 0..=from.shape().fields.len() {
        slot::copy(from.at(index), to.at_mut(index));
    }
}

/// What the typed slots of a record could not hold: unknown fields, absence marks, unusual spellings.
///
/// Empty unless a reader was asked to keep everything.
#[derive(Default)]
pub struct Rest(Option<Box<dyn Keeps>>);

/// Hides what is kept from the crates that hold records: each would compile for itself how it is copied and dropped.
trait Keeps: Send + Sync {
    fn kept(&self) -> &Kept;
    fn kept_mut(&mut self) -> &mut Kept;
}

impl Keeps for Kept {
    fn kept(&self) -> &Kept {
        self
    }
    fn kept_mut(&mut self) -> &mut Kept {
        self
    }
}

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

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rest").field(&self.kept()).finish()
    }
}

impl Clone for Rest {
    #[inline(never)]
    fn clone(&self) -> Self {
        Rest(
            self.kept()
                .cloned()
                .map(|kept| Box::new(kept) as Box<dyn Keeps>),
        )
    }
}

impl PartialEq for Rest {
    #[inline(never)]
    fn eq(&self, other: &Self) -> bool {
        self.kept() == other.kept()
    }
}

impl Rest {
    fn kept(&self) -> Option<&Kept> {
        self.0.as_deref().map(Keeps::kept)
    }

    fn kept_mut(&mut self) -> Option<&mut Kept> {
        self.0.as_deref_mut().map(Keeps::kept_mut)
    }

    fn keep(&mut self) -> &mut Kept {
        self.0
            .get_or_insert_with(|| Box::new(Kept::default()))
            .kept_mut()
    }

    /// Fields that the type doesn't know.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.kept().into_iter().flat_map(|kept| {
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
        self.keep().unknown.insert(name, value);
    }

    /// Notes how a field differed; a field has one mark at most.
    pub(crate) fn mark(&mut self, index: usize, mark: Mark) {
        self.unmark(index);
        self.keep().marks.push((index, mark));
    }

    pub(crate) fn unmark(&mut self, index: usize) -> Option<Mark> {
        let marks = &mut self.kept_mut()?.marks;
        let at = marks.iter().position(|(known, _)| *known == index)?;
        Some(marks.swap_remove(at).1)
    }

    pub(crate) fn mark_of(&self, index: usize) -> Option<&Mark> {
        let marks = &self.kept()?.marks;
        marks
            .iter()
            .find(|(at, _)| *at == index)
            .map(|(_, mark)| mark)
    }
}

/// Only so that a record can hand it out; it is neither written nor read as a field.
impl Slot for Rest {
    fn view(&self) -> View<'_> {
        View::Hidden(self)
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::Hidden(self)
    }
    fn reset(&mut self) {
        *self = Rest::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Place, Shape, Spelling};

    #[test]
    fn a_shape_is_read_from_its_lines() {
        let shape = Shape::parse("Get\nopenid: must query masked\n: flat\nflag: zero-one xml=Flag")
            .unwrap();
        assert_eq!((shape.name, shape.fields.len()), ("Get", 3));
        let [openid, body, flag] = &shape.fields[..] else {
            panic!()
        };
        assert!(openid.required && openid.masked && openid.place == Place::Query);
        assert!(body.flat && body.name.is_empty());
        assert_eq!((flag.spelling, flag.xml_name), (Spelling::BoolInt, "Flag"));
        assert!(Shape::parse("Empty").unwrap().fields.is_empty());
    }

    #[test]
    fn an_unknown_mark_is_named() {
        let error = Field::parse("openid: msut").unwrap_err();
        assert!(error.contains("msut") && error.contains("openid"));
    }
}
