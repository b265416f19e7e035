//! Records as the generator writes them, one of each sort.

use std::collections::BTreeMap;

use xinqiao_types::{Fen, OpenId, UnixSeconds};
use xinqiao_wire::serial::Value;
use xinqiao_wire::{self as w, TextOrNumber};

w::record! {
    /// Scalars.
    pub struct Scalars {
        /// Text.
        0 text: String => "text: must",
        /// Number.
        1 number: i64 => "number: must",
        /// Fraction.
        2 fraction: Option<f64> => "fraction",
        /// Truth.
        3 truth: Option<bool> => "truth",
        /// Small number.
        4 small: Option<i32> => "small",
        /// Large number.
        5 large: Option<u64> => "large",
        /// Amount.
        6 amount: Option<Fen> => "amount",
        /// Time.
        7 time: Option<UnixSeconds> => "CreateTime: plain-xml",
        /// User.
        8 openid: Option<OpenId> => "openid: masked",
    }
}

w::record! {
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
        /// JSON in a text.
        4 inner: Option<Tree> => "inner: json",
        /// Text or number.
        5 either: Option<TextOrNumber> => "either",
        /// Anything.
        6 any: Option<Value> => "any",
    }
}

w::record! {
    /// Recursion.
    pub struct Tree {
        /// Name.
        0 name: String => "name: must xml=Name",
        /// Branches.
        1 branches: Option<Vec<Tree>> => "branches",
        /// Twin.
        2 twin: Option<w::Nested<Tree>> => "twin",
        /// By name.
        3 leaves: Option<BTreeMap<String, Scalars>> => "leaves",
        /// Table.
        4 rows: Option<Vec<Vec<i64>>> => "rows",
    }
}

w::union! {
    /// A body.
    pub enum Body by "msgtype" {
        /// Scalars.
        Scalars(Scalars) = "text" in "text",
        /// A tree.
        Tree(Tree) = "news" in "news",
    }
    bare {
        /// Nothing.
        Silence = "silence",
    }
}

w::record! {
    /// A flat union.
    pub struct Message {
        /// To.
        0 to: String => "touser: must",
        /// Body.
        1 body: Body => ": flat",
    }
}

w::record! {
    /// Numbered fields.
    pub struct Coupons {
        /// Count.
        0 count: Option<i64> => "coupon_count",
        /// Ids.
        1 ids: Option<Vec<Option<String>>> => "coupon_id_$n: numbered",
        /// Refunds.
        2 refunds: Option<Vec<Vec<Option<i64>>>> => "refund_fee_$n_$m: numbered",
    }
}
