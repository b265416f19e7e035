//! The shapes. Each is declared once; in `ours` it becomes a record, in `theirs` a struct with serde's derives.

use super::Pair;
use super::text::Draw;

macro_rules! shapes {
    ($($name:ident { $($field:tt)+ })+) => {
        mod ours {
            use super::alias::ours::*;
            $(shapes!(@ours $name $($field)+);)+
        }

        mod theirs {
            use super::alias::theirs::*;
            $(shapes!(@theirs $name $($field)+);)+
        }

        /// All of them.
        pub(super) fn all() -> Vec<Pair> {
            vec![$(Pair {
                name: stringify!($name),
                write: <theirs::$name as super::text::Write>::write,
                theirs: read::<theirs::$name>,
                same: same::<theirs::$name>,
                ours: || Box::new(ours::$name::default()),
            }),+]
        }
    };
    (@ours $name:ident $($index:literal $field:ident: $ty:ty, $line:literal $(as $wire:literal)?;)+) => {
        xinqiao_wire::record! {
            #[doc = stringify!($name)]
            pub struct $name {
                $(#[doc = $line] $index $field: $ty => $line,)+
            }
        }
    };
    (@theirs $name:ident $($index:literal $field:ident: $ty:ty, $wire:literal;)+) => {
        #[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub(super) struct $name {
            $(#[serde(rename = $wire)] $field: $ty,)+
        }

        impl super::super::text::Write for $name {
            fn write(draw: &mut super::Draw) {
                draw.object(&[$(($wire, <$ty as super::super::text::Write>::write)),+]);
            }
        }
    };
    (@theirs $name:ident $($index:literal $field:ident: $ty:ty, $line:literal as $wire:literal;)+) => {
        shapes!(@theirs $name $($index $field: $ty, $wire;)+);
    };
}

fn read<T: serde::Serialize + for<'de> serde::Deserialize<'de>>(text: &str) -> Option<String> {
    let value: T = serde_json::from_str(text).ok()?;
    Some(serde_json::to_string(&value).expect("serialises"))
}

fn same<T: PartialEq + for<'de> serde::Deserialize<'de>>(a: &str, b: &str) -> bool {
    let read = |text| serde_json::from_str::<T>(text).expect("serde reads what was written");
    read(a) == read(b)
}

#[cfg(feature = "serde")]
pub(super) fn tree() -> fn(&mut Draw) {
    |draw| {
        use super::text::Write;
        draw.object(&[
            ("name", String::write),
            ("branches", <Option<Vec<theirs::Inner>>>::write),
            ("twin", <Option<theirs::Inner>>::write),
            (
                "leaves",
                <std::collections::BTreeMap<String, theirs::Inner>>::write,
            ),
        ]);
    }
}

mod alias;

shapes! {
    Text { 0 value: String, "value"; }
    MaybeText { 0 value: Option<String>, "value"; }
    ListText { 0 value: Vec<String>, "value"; }
    MaybeListText { 0 value: Option<Vec<String>>, "value"; }
    MapText { 0 value: BTreeMap<String, String>, "value"; }
    TableText { 0 value: Vec<Vec<String>>, "value"; }
    Small { 0 value: i32, "value"; }
    MaybeSmall { 0 value: Option<i32>, "value"; }
    ListSmall { 0 value: Vec<i32>, "value"; }
    MaybeListSmall { 0 value: Option<Vec<i32>>, "value"; }
    MapSmall { 0 value: BTreeMap<String, i32>, "value"; }
    TableSmall { 0 value: Vec<Vec<i32>>, "value"; }
    Whole { 0 value: i64, "value"; }
    MaybeWhole { 0 value: Option<i64>, "value"; }
    ListWhole { 0 value: Vec<i64>, "value"; }
    MaybeListWhole { 0 value: Option<Vec<i64>>, "value"; }
    MapWhole { 0 value: BTreeMap<String, i64>, "value"; }
    TableWhole { 0 value: Vec<Vec<i64>>, "value"; }
    Natural { 0 value: u64, "value"; }
    MaybeNatural { 0 value: Option<u64>, "value"; }
    ListNatural { 0 value: Vec<u64>, "value"; }
    MaybeListNatural { 0 value: Option<Vec<u64>>, "value"; }
    MapNatural { 0 value: BTreeMap<String, u64>, "value"; }
    TableNatural { 0 value: Vec<Vec<u64>>, "value"; }
    Fraction { 0 value: f64, "value"; }
    MaybeFraction { 0 value: Option<f64>, "value"; }
    ListFraction { 0 value: Vec<f64>, "value"; }
    MaybeListFraction { 0 value: Option<Vec<f64>>, "value"; }
    MapFraction { 0 value: BTreeMap<String, f64>, "value"; }
    TableFraction { 0 value: Vec<Vec<f64>>, "value"; }
    Truth { 0 value: bool, "value"; }
    MaybeTruth { 0 value: Option<bool>, "value"; }
    ListTruth { 0 value: Vec<bool>, "value"; }
    MaybeListTruth { 0 value: Option<Vec<bool>>, "value"; }
    MapTruth { 0 value: BTreeMap<String, bool>, "value"; }
    TableTruth { 0 value: Vec<Vec<bool>>, "value"; }
    Anything { 0 value: Value, "value"; }
    MaybeAnything { 0 value: Option<Value>, "value"; }
    ListAnything { 0 value: Vec<Value>, "value"; }
    MaybeListAnything { 0 value: Option<Vec<Value>>, "value"; }
    MapAnything { 0 value: BTreeMap<String, Value>, "value"; }
    TableAnything { 0 value: Vec<Vec<Value>>, "value"; }
    Amount { 0 value: Fen, "value"; }
    MaybeAmount { 0 value: Option<Fen>, "value"; }
    ListAmount { 0 value: Vec<Fen>, "value"; }
    MaybeListAmount { 0 value: Option<Vec<Fen>>, "value"; }
    MapAmount { 0 value: BTreeMap<String, Fen>, "value"; }
    TableAmount { 0 value: Vec<Vec<Fen>>, "value"; }
    Time { 0 value: UnixSeconds, "value"; }
    MaybeTime { 0 value: Option<UnixSeconds>, "value"; }
    ListTime { 0 value: Vec<UnixSeconds>, "value"; }
    MaybeListTime { 0 value: Option<Vec<UnixSeconds>>, "value"; }
    MapTime { 0 value: BTreeMap<String, UnixSeconds>, "value"; }
    TableTime { 0 value: Vec<Vec<UnixSeconds>>, "value"; }
    User { 0 value: OpenId, "value"; }
    MaybeUser { 0 value: Option<OpenId>, "value"; }
    ListUser { 0 value: Vec<OpenId>, "value"; }
    MaybeListUser { 0 value: Option<Vec<OpenId>>, "value"; }
    MapUser { 0 value: BTreeMap<String, OpenId>, "value"; }
    TableUser { 0 value: Vec<Vec<OpenId>>, "value"; }
    Mixed { 0 value: Either, "value"; }
    MaybeMixed { 0 value: Option<Either>, "value"; }
    ListMixed { 0 value: Vec<Either>, "value"; }
    MaybeListMixed { 0 value: Option<Vec<Either>>, "value"; }
    MapMixed { 0 value: BTreeMap<String, Either>, "value"; }
    TableMixed { 0 value: Vec<Vec<Either>>, "value"; }
    TwoTexts { 0 first: String, "first"; 1 second: String, "second"; }
    Prefixes { 0 a: String, "a"; 1 ab: Option<i64>, "ab"; 2 abc: Vec<bool>, "abc"; 3 abcd: f64, "abcd"; }
    Cases { 0 lower: i64, "id"; 1 mixed: i64, "Id"; 2 upper: i64, "ID"; }
    Chinese { 0 name: String, "姓名"; 1 price: Option<Fen>, "价格"; 2 both: Vec<String>, "a键"; }
    Escaped { 0 quote: i64, "a\"b"; 1 backslash: String, "a\\b"; 2 line: bool, "a\tb"; 3 slash: u64, "a/b"; }
    Nameless { 0 empty: String, ""; 1 space: i64, " "; 2 dot: bool, "."; }
    Digits { 0 zero: i64, "0"; 1 one: String, "1"; 2 ten: Option<bool>, "10"; }
    Keywords { 0 kind: String, "type"; 1 reference: i64, "ref"; 2 null: Option<String>, "null"; 3 truth: bool, "true"; }
    Wide {
        0 a: String, "a"; 1 b: i64, "b"; 2 c: f64, "c"; 3 d: bool, "d"; 4 e: u64, "e"; 5 f: i32, "f";
        6 g: Option<String>, "g"; 7 h: Option<i64>, "h"; 8 i: Option<f64>, "i"; 9 j: Option<bool>, "j";
        10 k: Vec<String>, "k"; 11 l: Vec<i64>, "l"; 12 m: Option<Vec<f64>>, "m"; 13 n: Value, "n";
        14 o: BTreeMap<String, i64>, "o"; 15 p: Either, "p"; 16 q: Fen, "q"; 17 r: UnixSeconds, "r";
        18 s: OpenId, "s"; 19 t: Option<OpenId>, "t";
    }
    Inner { 0 name: String, "name"; 1 size: Option<i64>, "size"; }
    Outer { 0 inner: Inner, "inner"; }
    MaybeOuter { 0 inner: Option<Inner>, "inner"; 1 after: i64, "after"; }
    Inners { 0 list: Vec<Inner>, "list"; }
    MaybeInners { 0 list: Option<Vec<Inner>>, "list"; 1 total: u64, "total"; }
    InnerTable { 0 rows: Vec<Vec<Inner>>, "rows"; }
    InnerMap { 0 by_name: BTreeMap<String, Inner>, "by_name"; }
    InnersByName { 0 by_name: BTreeMap<String, Vec<Inner>>, "by_name"; }
    Maps { 0 maps: Vec<BTreeMap<String, bool>>, "maps"; }
    MapOfMaps { 0 maps: BTreeMap<String, BTreeMap<String, f64>>, "maps"; }
    Chain { 0 name: String, "name"; 1 next: Option<Nested<Chain>>, "next"; }
    Forest { 0 name: String, "name"; 1 trees: Vec<Forest>, "trees"; 2 more: Option<Vec<Forest>>, "more"; }
    Tally { 0 value: i64, "value"; 1 below: BTreeMap<String, Tally>, "below"; }
    Ping { 0 pong: Option<Nested<Pong>>, "pong"; 1 text: String, "text"; }
    Pong { 0 ping: Vec<Ping>, "ping"; 1 number: f64, "number"; }
    ZeroOne { 0 flag: BoolInt, "flag: zero-one" as "flag"; 1 maybe: Option<BoolInt>, "maybe: zero-one" as "maybe"; }
    YesNo { 0 flag: BoolYn, "flag: yes-no" as "flag"; 1 maybe: Option<BoolYn>, "maybe: yes-no" as "maybe"; }
    TrueText { 0 flag: BoolText, "flag: true-false" as "flag"; 1 maybe: Option<BoolText>, "maybe: true-false" as "maybe"; }
    NumberText { 0 number: NumericText, "number: numeric" as "number"; 1 maybe: Option<NumericText>, "maybe: numeric" as "maybe"; }
    Piped { 0 ids: Joined, "ids: pipe" as "ids"; 1 maybe: Option<Joined>, "maybe: pipe" as "maybe"; }
    TextOfInner { 0 inner: JsonText<Inner>, "inner: json" as "inner"; 1 maybe: Option<JsonText<Inner>>, "maybe: json" as "maybe"; }
    TextOfList { 0 list: JsonText<Vec<i64>>, "list: json" as "list"; 1 after: String, "after" as "after"; }
    Openids { 0 openid: Vec<OpenId>, "openid"; }
    Page { 0 total: i64, "total"; 1 count: i64, "count"; 2 data: Openids, "data"; 3 next: String, "next_openid"; }
    Token { 0 secret: String, "access_token"; 1 expires: i64, "expires_in"; 2 code: Option<i64>, "errcode"; }
    Button { 0 kind: Option<String>, "type"; 1 name: String, "name"; 2 key: Option<String>, "key"; 3 sub: Vec<Button>, "sub_button"; }
    Menu { 0 button: Vec<Button>, "button"; 1 matchrule: Option<BTreeMap<String, String>>, "matchrule"; }
    Order { 0 amount: Amounts, "amount"; 1 payer: Inner, "payer"; 2 attach: Option<String>, "attach"; 3 goods: Option<Vec<Amounts>>, "goods_detail"; }
    Amounts { 0 total: Fen, "total"; 1 refund: Option<Fen>, "refund"; 2 rate: f64, "exchange_rate"; 3 currency: String, "currency"; }
    Levels { 0 name: String, "name"; 1 a: LevelTwo, "a"; }
    LevelTwo { 0 name: i64, "name"; 1 a: Option<LevelThree>, "a"; }
    LevelThree { 0 name: bool, "name"; 1 a: Vec<LevelFour>, "a"; }
    LevelFour { 0 name: Vec<String>, "name"; 1 a: Value, "a"; }
}
