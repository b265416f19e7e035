//! What the catalog knows, as plain data.
//!
//! Everything here is read-only and lives for the whole program: strings are borrowed from the unpacked blob.
//! The same structs are built by `xtask` from the TOML files, packed with postcard, and unpacked by [`crate::blob`].
//! Nothing in this module decides anything; rules live in [`crate::rules`].

use serde::{Deserialize, Serialize};

mod endpoint;
mod event;
mod platform;

pub use self::endpoint::{
    Auth, AuthKind, AuthSource, Content, Endpoint, Example, Method, Retry, Route, Variant, When,
};
pub use self::event::{DedupRecipe, Event, EventKind, EventWire};
pub use self::platform::{
    Bearing, Code, Diagnosis, ErrorCode, ErrorFamily, Grant, Host, IssuedKey, Issuing, Limit,
    LimitAt, MediaLimit, Module, Page, PermissionRow, PermissionTable, Quota, QuotaWindow,
    RetryClass, Right, RightsElsewhere,
};

/// Text for people, in Chinese and English. Either may be empty where nobody has written it yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Text {
    /// The text in the asked language, or in the other one if that is all there is.
    #[must_use]
    pub fn get(&self, chinese: bool) -> &'static str {
        let (first, second) = if chinese {
            (self.zh, self.en)
        } else {
            (self.en, self.zh)
        };
        if first.is_empty() { second } else { first }
    }

    /// Whether neither language has a text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.zh.is_empty() && self.en.is_empty()
    }
}

/// A product = one family of endpoints, one section of the blob, one generated crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// Official account (公众号): subscription and service accounts.
    OfficialAccount,
    /// Mini program (小程序) and mini game.
    MiniProgram,
    /// Open platform: third-party components (第三方平台).
    OpenPlatform,
    /// Channels (视频号) and shop.
    Channels,
    /// WeChat Pay, APIv2 (XML).
    PayV2,
    /// WeChat Pay, APIv3 (JSON).
    PayV3,
    /// Business pay (微企付).
    PayBusiness,
    /// Cross-border pay.
    PayGlobal,
    /// WeCom (企业微信).
    Work,
    /// Marketing API (广告).
    Ads,
    /// Chatbot (对话开放平台).
    Chatbot,
}

impl Product {
    /// All products, in the order of the blob's sections.
    pub const ALL: [Product; 11] = [
        Product::OfficialAccount,
        Product::MiniProgram,
        Product::OpenPlatform,
        Product::Channels,
        Product::PayV2,
        Product::PayV3,
        Product::PayBusiness,
        Product::PayGlobal,
        Product::Work,
        Product::Ads,
        Product::Chatbot,
    ];

    /// The name on the wire and in ids: `official_account`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Product::OfficialAccount => "official_account",
            Product::MiniProgram => "mini_program",
            Product::OpenPlatform => "open_platform",
            Product::Channels => "channels",
            Product::PayV2 => "pay_v2",
            Product::PayV3 => "pay_v3",
            Product::PayBusiness => "pay_business",
            Product::PayGlobal => "pay_global",
            Product::Work => "work",
            Product::Ads => "ads",
            Product::Chatbot => "chatbot",
        }
    }

    /// The name for people: 公众号, Official accounts.
    #[must_use]
    pub const fn title(self) -> Text {
        let (zh, en) = match self {
            Product::OfficialAccount => ("公众号", "Official accounts"),
            Product::MiniProgram => ("小程序", "Mini programs"),
            Product::OpenPlatform => ("开放平台", "Open platform"),
            Product::Channels => ("视频号与小店", "Channels and shop"),
            Product::PayV2 => ("微信支付 v2", "WeChat Pay v2"),
            Product::PayV3 => ("微信支付 v3", "WeChat Pay v3"),
            Product::PayBusiness => ("微企付", "Business pay"),
            Product::PayGlobal => ("境外支付", "Cross-border pay"),
            Product::Work => ("企业微信", "WeCom"),
            Product::Ads => ("广告", "Marketing API"),
            Product::Chatbot => ("对话开放平台", "Chatbot"),
        };
        Text { zh, en }
    }

    /// The product of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Product> {
        Product::ALL
            .into_iter()
            .find(|product| product.name() == name)
    }

    /// The product an id belongs to: the part before the first dot.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Product> {
        Product::parse(id.split('.').next().unwrap_or(id))
    }

    /// Which table of error codes its answers use.
    #[must_use]
    pub const fn errors(self) -> ErrorFamily {
        match self {
            Product::Work => ErrorFamily::Work,
            Product::PayV2 => ErrorFamily::PayV2,
            Product::PayV3 | Product::PayGlobal => ErrorFamily::PayV3,
            Product::PayBusiness => ErrorFamily::PayBusiness,
            _ => ErrorFamily::Weixin,
        }
    }
}

impl std::fmt::Display for Product {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Index of a named type in the type table of its product; see [`crate::type_def`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TypeId(pub u32);

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeRef {
    /// Text.
    String,
    /// Whole number of 32 bits.
    Int32,
    /// Whole number of 64 bits.
    Int64,
    /// Whole number without sign.
    Uint64,
    /// Number with a fraction.
    Float,
    /// True or false; see [`Field::wire`] for other spellings.
    Bool,
    /// A point in time; [`Field::format`] says how it is written.
    Timestamp,
    /// A file part of a multipart body.
    File,
    /// Raw bytes.
    Bytes,
    /// Any JSON value.
    Any,
    /// A named object type of the same product.
    Named(TypeId),
    /// A list.
    List(Box<TypeRef>),
    /// An object with free keys and equal values.
    Map(Box<TypeRef>),
}

impl TypeRef {
    /// The named type inside, through lists and maps.
    #[must_use]
    pub fn named(&self) -> Option<TypeId> {
        match self {
            TypeRef::Named(id) => Some(*id),
            TypeRef::List(inner) | TypeRef::Map(inner) => inner.named(),
            _ => None,
        }
    }
}

/// How a value is spelled where it isn't the plain JSON of its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spelling {
    /// As JSON has it.
    #[default]
    Plain,
    /// Bool as 0 or 1.
    BoolInt,
    /// Bool as `Y` or `N`.
    BoolYn,
    /// Bool as `"true"` or `"false"`.
    BoolText,
    /// Number that comes as number or as text.
    NumberOrText,
    /// Number written as text.
    NumericText,
    /// Text that may come as a number.
    TextOrNumber,
    /// An object serialised into a string.
    JsonText,
    /// A multipart part that holds JSON.
    JsonPart,
    /// List joined with commas.
    Comma,
    /// List joined with pipes.
    Pipe,
    /// List joined with semicolons.
    Semicolon,
    /// Encrypted XML inside a text (pay v2 refunds).
    EncryptedXml,
    /// Some other form; the value is kept as it is.
    Other,
}

/// Who supplies a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The caller.
    #[default]
    Caller,
    /// The configured account (appid, mchid, agentid …).
    Credential,
    /// The client computes it (nonce, sign).
    Auto,
    /// A constant; see [`Field::constant`].
    Constant,
}

/// One field of a request, an answer, an event or a named type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Name on the wire (JSON key, XML element, query parameter). `*` = free further keys.
    pub name: &'static str,
    /// Name in generated Rust where it differs from the snake-cased wire name.
    pub rust: &'static str,
    /// Type.
    #[serde(rename = "type")]
    pub ty: TypeRef,
    /// Requests: must be given. Answers: always present.
    pub required: bool,
    /// The payment pages say it is needed though no client treats it so (either-or, role-dependent).
    pub required_by_docs: bool,
    /// How the value is spelled.
    pub wire: Spelling,
    /// Time and date pattern (`rfc3339`, `unix`, `yyyyMMdd` …), or empty.
    pub format: &'static str,
    /// Unit (`fen`, `s`, `px` …), or empty.
    pub unit: &'static str,
    /// The enumeration of its values, if they are one; see [`crate::values`].
    #[serde(rename = "enum")]
    pub enumeration: Option<EnumId>,
    /// Fixed value where the origin is [`Origin::Constant`].
    pub constant: &'static str,
    /// Who supplies it.
    pub origin: Origin,
    /// Which credential supplies it where the origin is [`Origin::Credential`] (`appid`, `mchid` …).
    pub credential: &'static str,
    /// Encrypted with the platform's key in requests, decrypted in answers.
    pub encrypted: bool,
    /// A secret: masked everywhere.
    pub secret: bool,
    /// Personal data: masked in `Debug`, logs, recordings.
    pub pii: bool,
    /// Pay v2 numbered field: `coupon_id_$n`.
    pub numbered: bool,
    /// Further types seen on the wire for the same field.
    pub alternatives: Vec<TypeRef>,
    /// Only in the XML form.
    pub xml_only: bool,
    /// Only in the JSON form.
    pub json_only: bool,
    /// Element name in the XML form where it differs.
    pub xml_name: &'static str,
    /// XML text is written in CDATA.
    pub cdata: bool,
    /// Greatest number of items (lists) or characters (text); 0 = unknown.
    pub max: u32,
    /// Greatest number of UTF-8 bytes; 0 = unknown.
    pub max_bytes: u32,
    /// Code with which the platform refuses a wrong or missing value; 0 = the usual one.
    pub code: i64,
    /// Number of what it means, 0 = nobody has written it; see [`crate::meaning`].
    pub meaning: u32,
}

/// What a field or a value means: facts of the platform in sentences of our own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Meaning {
    /// What it is.
    pub text: Text,
    /// Unit, where the field itself has none.
    pub unit: &'static str,
    /// Pattern, where the field itself has none.
    pub format: &'static str,
    /// A realistic, made-up value.
    pub example: &'static str,
    /// Where a developer gets the value.
    pub from: Text,
}

/// Index of an enumeration in the table of its product; see [`crate::enumeration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnumId(pub u32);

/// The values that a field may have. The platform adds to them without notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enumeration {
    /// Name: `TradeState`.
    pub name: &'static str,
    /// Module that owns it; empty = shared by the whole product.
    pub module: &'static str,
    /// Its values, in the order in which the platform lists them.
    pub values: Vec<EnumValue>,
}

/// One value of an [`Enumeration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumValue {
    /// As it stands on the wire; numbers too.
    pub value: &'static str,
    /// Number of what it means, 0 = nobody has written it; see [`crate::meaning`].
    pub meaning: u32,
}

/// A union: exactly one of several bodies, told apart by a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Union {
    /// Name of the generated enum.
    pub name: &'static str,
    /// Field that holds the tag.
    pub tag: &'static str,
    /// Cases in wire order.
    pub cases: Vec<Case>,
    /// Number of what it means; see [`crate::meaning`].
    pub meaning: u32,
}

/// One case of a [`Union`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Value of the tag.
    pub value: &'static str,
    /// Field that carries the body; empty = no body.
    pub field: &'static str,
    /// Type of the body.
    #[serde(rename = "type")]
    pub ty: Option<TypeRef>,
    /// Title.
    pub title: Text,
}

/// Fields that belong together: a request, an answer, an event or a named type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Shape {
    /// Fields in wire order. Where there is a [`Union`], its tag and bodies are not among them.
    pub fields: Vec<Field>,
    /// The union, if the shape has one.
    pub union: Option<Union>,
    /// Whether further free keys are allowed, and of which type.
    pub open: Option<TypeRef>,
}

impl Shape {
    /// The field of that wire name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.union.is_none() && self.open.is_none()
    }
}

/// A named object type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeDef {
    /// Name: `Button`.
    pub name: &'static str,
    /// Module that owns it; empty = shared by the whole product.
    pub module: &'static str,
    /// Its fields.
    pub shape: Shape,
    /// Explanation.
    pub about: Text,
}
