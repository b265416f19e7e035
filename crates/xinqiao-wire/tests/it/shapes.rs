//! Records of every sort, as generated code would have them.

use std::collections::BTreeMap;

use xinqiao_types::{Fen, OpenId, UnixSeconds};
use xinqiao_wire::{self as w, FilePart, TextOrNumber, built, open_enum, record, union};

record! {
    /// Scalars.
    pub struct Scalars {
        /// Text.
        0 text: String => "text: must",
        /// Number.
        1 number: i64 => "number: must",
        /// Fraction.
        2 fraction: f64 => "fraction: must",
        /// Truth.
        3 truth: bool => "truth: must",
        /// Optional text.
        4 maybe: Option<String> => "maybe",
        /// Optional number.
        5 count: Option<i64> => "count",
        /// Amount.
        6 amount: Option<Fen> => "amount",
        /// Time.
        7 time: Option<UnixSeconds> => "time",
        /// User.
        8 openid: Option<OpenId> => "openid: masked",
    }
}

built! {
    Scalars
    new(text: impl Into<String>, number: i64, fraction: f64, truth: bool)
    text(maybe: String, openid: OpenId)
    set(count: i64, amount: Fen, time: UnixSeconds)
}

record! {
    /// Spellings.
    pub struct Spelled {
        /// 0 or 1.
        0 flag: Option<bool> => "flag: zero-one",
        /// Y or N.
        1 yes: Option<bool> => "yes: yes-no",
        /// Number as text.
        2 total: Option<i64> => "total: numeric",
        /// Joined.
        3 ids: Option<Vec<String>> => "ids: pipe",
        /// JSON in a string.
        4 inner: Option<Leaf> => "inner: json",
        /// Text or number.
        5 either: Option<TextOrNumber> => "either",
    }
}

built! {
    Spelled
    new()
    set(flag: bool, yes: bool, total: i64, ids: Vec<String>, inner: Leaf, either: TextOrNumber)
}

record! {
    /// A leaf.
    pub struct Leaf {
        /// Name.
        0 name: String => "name: must",
        /// Size.
        1 size: Option<i64> => "size",
    }
}

built! {
    Leaf
    new(name: impl Into<String>)
    set(size: i64)
}

record! {
    /// A tree: recursion through a list and directly.
    pub struct Tree {
        /// Name.
        0 name: String => "name: must",
        /// Branches.
        1 branches: Option<Vec<Tree>> => "branches",
        /// Twin.
        2 twin: Option<w::Nested<Tree>> => "twin",
        /// By name.
        3 leaves: Option<BTreeMap<String, Leaf>> => "leaves",
    }
}

built! {
    Tree
    new(name: impl Into<String>)
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
        0 to: String => "to: must",
        /// Body.
        1 body: Body => ": flat",
    }
}

built! {
    Message
    new(to: impl Into<String>, body: Body)
}

record! {
    /// Numbered fields of pay v2.
    pub struct Coupons {
        /// Count.
        0 count: Option<i64> => "coupon_count",
        /// Ids.
        1 ids: Option<Vec<Option<String>>> => "coupon_id_$n: numbered",
        /// Refunds.
        2 refunds: Option<Vec<Vec<Option<i64>>>> => "refund_fee_$n_$m: numbered",
    }
}

built! {
    Coupons
    new()
}

record! {
    /// An upload.
    pub struct Upload {
        /// Kind.
        0 kind: String => "type: must query",
        /// File.
        1 media: FilePart => "media: must",
        /// Description.
        2 description: Option<Leaf> => "description: part",
    }
}

built! {
    Upload
    new(kind: impl Into<String>, media: FilePart)
    set(description: Leaf)
}

open_enum! {
    /// What became of an order.
    pub enum State {
        /// Paid.
        Success = "SUCCESS",
        /// Not paid.
        NotPay = "NOTPAY",
    }
}

open_enum! {
    /// Days.
    pub enum Day {
        /// Monday.
        N1 = "1",
        /// Tuesday.
        N2 = "2",
    }
    numbers
}

record! {
    /// Values of enumerations.
    pub struct States {
        /// State.
        0 state: State => "state: must",
        /// Further.
        1 more: Option<Vec<State>> => "more",
        /// Joined.
        2 joined: Option<Vec<State>> => "joined: comma",
        /// Day.
        3 day: Option<Day> => "day: number",
        /// Days.
        4 days: Option<Vec<Day>> => "days: number",
    }
}

built! {
    States
    new(state: impl Into<State>)
    text(day: Day)
    set(more: Vec<State>, joined: Vec<State>, days: Vec<Day>)
}
