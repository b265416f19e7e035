//! Records of every sort, as generated code would have them.

use std::collections::BTreeMap;

use xinqiao_types::{Fen, OpenId, UnixSeconds};
use xinqiao_wire::{self as w, Field, FilePart, Spelling, TextOrNumber, record, union};

record! {
    /// Scalars.
    pub struct Scalars {
        /// Text.
        0 text: String => Field::new("text").required(),
        /// Number.
        1 number: i64 => Field::new("number").required(),
        /// Fraction.
        2 fraction: f64 => Field::new("fraction").required(),
        /// Truth.
        3 truth: bool => Field::new("truth").required(),
        /// Optional text.
        4 maybe: Option<String> => Field::new("maybe"),
        /// Optional number.
        5 count: Option<i64> => Field::new("count"),
        /// Amount.
        6 amount: Option<Fen> => Field::new("amount"),
        /// Time.
        7 time: Option<UnixSeconds> => Field::new("time"),
        /// User.
        8 openid: Option<OpenId> => Field::new("openid").masked(),
    }
    new(text: String, number: i64, fraction: f64, truth: bool)
    set(maybe: String, count: i64, amount: Fen, time: UnixSeconds, openid: OpenId)
}

record! {
    /// Spellings.
    pub struct Spelled {
        /// 0 or 1.
        0 flag: Option<bool> => Field::new("flag").spelled(Spelling::BoolInt),
        /// Y or N.
        1 yes: Option<bool> => Field::new("yes").spelled(Spelling::BoolYn),
        /// Number as text.
        2 total: Option<i64> => Field::new("total").spelled(Spelling::NumericText),
        /// Joined.
        3 ids: Option<Vec<String>> => Field::new("ids").spelled(Spelling::Joined('|')),
        /// JSON in a string.
        4 inner: Option<Leaf> => Field::new("inner").spelled(Spelling::JsonText),
        /// Text or number.
        5 either: Option<TextOrNumber> => Field::new("either"),
    }
    new()
    set(flag: bool, yes: bool, total: i64, ids: Vec<String>, inner: Leaf, either: TextOrNumber)
}

record! {
    /// A leaf.
    pub struct Leaf {
        /// Name.
        0 name: String => Field::new("name").required(),
        /// Size.
        1 size: Option<i64> => Field::new("size"),
    }
    new(name: String)
    set(size: i64)
}

record! {
    /// A tree: recursion through a list and directly.
    pub struct Tree {
        /// Name.
        0 name: String => Field::new("name").required(),
        /// Branches.
        1 branches: Option<Vec<Tree>> => Field::new("branches"),
        /// Twin.
        2 twin: Option<w::Nested<Tree>> => Field::new("twin"),
        /// By name.
        3 leaves: Option<BTreeMap<String, Leaf>> => Field::new("leaves"),
    }
    new(name: String)
    set(branches: Vec<Tree>, twin: w::Nested<Tree>, leaves: BTreeMap<String, Leaf>)
}

union! {
    /// A body.
    pub enum Body by "kind" {
        /// A leaf.
        Leaf(Leaf) = "leaf" in "leaf",
        /// A tree.
        Tree(Tree) = "tree" in "tree",
    }
    bare {
        /// Nothing.
        Silence = "silence",
    }
}

record! {
    /// A message with a flat union.
    pub struct Message {
        /// To.
        0 to: String => Field::new("to").required(),
        /// Body.
        1 body: Body => Field::new("").flat(),
    }
    new(to: String, body: Body)
}

record! {
    /// Numbered fields of pay v2.
    pub struct Coupons {
        /// Count.
        0 count: Option<i64> => Field::new("coupon_count"),
        /// Ids.
        1 ids: Option<Vec<String>> => Field::new("coupon_id_$n").numbered(),
        /// Refunds.
        2 refunds: Option<Vec<Vec<i64>>> => Field::new("refund_fee_$n_$m").numbered(),
    }
    new()
}

record! {
    /// An upload.
    pub struct Upload {
        /// Kind.
        0 kind: String => Field::new("type").required().place(w::Place::Query),
        /// File.
        1 media: FilePart => Field::new("media").required(),
        /// Description.
        2 description: Option<Leaf> => Field::new("description").json_part(),
    }
    new(kind: String, media: FilePart)
    set(description: Leaf)
}
