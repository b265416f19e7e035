//! The macros through which generated code is emitted.

/// A record: the struct, its slots, `Debug`, `Clone`, equality, serde. How one is made says [`built`](crate::built).
///
/// Each field carries its position, so that finding a slot is one jump, and its line of the shape (see
/// [`Field`](crate::Field)). Required fields have their plain type, optional ones an `Option`.
///
/// Everything is as cheap to compile as it can be: there are thousands of records. `match` arms coerce by the return
/// type, the shape is one literal, copying and comparing is done by one function for all.
#[macro_export]
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$fmeta:meta])* $index:literal $field:ident : $ty:ty => $line:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Default)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$fmeta])* pub $field: $ty, )*
            rest: $crate::Rest,
        }

        impl $crate::Record for $name {
            #[inline]
            fn shape(&self) -> &'static $crate::Shape {
                static LINES: $crate::Lines =
                    $crate::Lines::new(concat!(stringify!($name), $("\n", $line),*));
                LINES.shape()
            }
            #[inline]
            fn at(&self, index: usize) -> &dyn $crate::Slot {
                match index {
                    $($index => &self.$field,)*
                    _ => &self.rest,
                }
            }
            #[inline]
            fn at_mut(&mut self, index: usize) -> &mut dyn $crate::Slot {
                match index {
                    $($index => &mut self.$field,)*
                    _ => &mut self.rest,
                }
            }
        }

        $crate::delegate!($name);
    };
}

/// Constructor and setters of a record that is sent.
///
/// `new(…)` lists the arguments of the constructor as they are written, `impl Into<…>` for texts and ids; `text(…)` the
/// setters that take such, `set(…)` those that take the value itself.
#[macro_export]
macro_rules! built {
    (
        $name:ident
        $( new( $($nf:ident : $nt:ty),* $(,)? ) )?
        $( text( $($tf:ident : $tt:ty),* $(,)? ) )?
        $( set( $($sf:ident : $st:ty),* $(,)? ) )?
    ) => {
        impl $name {
            $(
                /// With everything that is required.
                #[inline]
                #[must_use]
                pub fn new($($nf: $nt),*) -> Self {
                    Self { $($nf: $nf.into(),)* ..Self::default() }
                }
            )?
            $($(
                /// Sets the field of this name.
                #[inline]
                #[must_use]
                pub fn $tf(mut self, value: impl ::core::convert::Into<$tt>) -> Self {
                    self.$tf = ::core::option::Option::Some(value.into());
                    self
                }
            )*)?
            $($(
                /// Sets the field of this name.
                #[inline]
                #[must_use]
                pub fn $sf(mut self, value: $st) -> Self {
                    self.$sf = ::core::option::Option::Some(value);
                    self
                }
            )*)?
        }
    };
}

/// `Debug`, `Clone`, equality and (feature `serde`) serde of a record, all by one line each.
#[macro_export]
macro_rules! delegate {
    ($name:ident) => {
        impl ::core::fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::codec::debug_record(self, f)
            }
        }

        impl ::core::clone::Clone for $name {
            #[inline]
            fn clone(&self) -> Self {
                $crate::copied(self)
            }
        }

        impl ::core::cmp::PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                $crate::serial::equal(self, other)
            }
        }

        $crate::delegate_serde!($name);
    };
}

/// serde of a record: only with the feature `serde`, because it is a third of what a generated type costs to compile.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! delegate_serde {
    ($name:ident) => {
        impl $crate::serial::Serialize for $name {
            #[inline]
            fn serialize<S: $crate::serial::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::serial::serialize(self, serializer)
            }
        }

        impl<'de> $crate::serial::Deserialize<'de> for $name {
            #[inline]
            fn deserialize<D: $crate::serial::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                let mut record = Self::default();
                $crate::serial::deserialize(&mut record, deserializer)?;
                ::core::result::Result::Ok(record)
            }
        }
    };
}

/// No serde without the feature `serde`.
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! delegate_serde {
    ($name:ident) => {};
}

/// A tagged union: one variant a case, and `Other` for tags that the catalog doesn't know.
#[macro_export]
macro_rules! union {
    (
        $(#[$meta:meta])*
        pub enum $name:ident by $tag:literal {
            $( $(#[$vmeta:meta])* $variant:ident($ty:ty) = $value:literal in $field:literal, )*
        }
        $( bare { $( $(#[$bmeta:meta])* $bare:ident = $bvalue:literal, )* } )?
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$vmeta])* $variant($ty), )*
            $($( $(#[$bmeta])* $bare, )*)?
            /// A tag that the catalog doesn't know, or bodies without the one that the tag names, with everything
            /// beside it; empty tag = unset.
            Other {
                /// The tag.
                tag: ::std::string::String,
                /// Everything beside it.
                fields: $crate::serial::Map<::std::string::String, $crate::serial::Value>,
            },
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                $name::Other { tag: ::std::string::String::new(), fields: $crate::serial::Map::new() }
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::union::debug(self, f)
            }
        }

        impl $crate::Union for $name {
            fn tag_field(&self) -> &'static str {
                $tag
            }
            fn cases(&self) -> &'static [$crate::union::Case] {
                &[$(($value, $field),)* $($(($bvalue, ""),)*)?]
            }
            fn tag(&self) -> &str {
                match self {
                    $( $name::$variant(_) => $value, )*
                    $($( $name::$bare => $bvalue, )*)?
                    $name::Other { tag, .. } => tag,
                }
            }
            fn body(&self) -> ::core::option::Option<(&'static str, &dyn $crate::Slot)> {
                match self {
                    $( $name::$variant(body) => ::core::option::Option::Some(($field, body)), )*
                    _ => ::core::option::Option::None,
                }
            }
            fn set(
                &mut self,
                tag: &str,
            ) -> ::core::option::Option<(&'static str, &mut dyn $crate::Slot)> {
                match tag {
                    $($value => {
                        *self = $name::$variant(::core::default::Default::default());
                        match self {
                            $name::$variant(body) => ::core::option::Option::Some(($field, body)),
                            _ => ::core::option::Option::None,
                        }
                    })*
                    $($($bvalue => {
                        *self = $name::$bare;
                        ::core::option::Option::None
                    })*)?
                    _ => {
                        *self = $name::Other { tag: tag.into(), fields: $crate::serial::Map::new() };
                        ::core::option::Option::None
                    }
                }
            }
            fn set_other(&mut self, tag: &str) {
                *self = $name::Other { tag: tag.into(), fields: $crate::serial::Map::new() };
            }
            fn other(
                &self,
            ) -> ::core::option::Option<
                &$crate::serial::Map<::std::string::String, $crate::serial::Value>,
            > {
                match self {
                    $name::Other { fields, .. } => ::core::option::Option::Some(fields),
                    _ => ::core::option::Option::None,
                }
            }
            fn other_mut(
                &mut self,
            ) -> ::core::option::Option<
                &mut $crate::serial::Map<::std::string::String, $crate::serial::Value>,
            > {
                match self {
                    $name::Other { fields, .. } => ::core::option::Option::Some(fields),
                    _ => ::core::option::Option::None,
                }
            }
        }

        impl $crate::Slot for $name {
            fn view(&self) -> $crate::slot::View<'_> {
                $crate::slot::View::Union(self)
            }
            fn view_mut(&mut self) -> $crate::slot::ViewMut<'_> {
                $crate::slot::ViewMut::Union(self)
            }
            fn reset(&mut self) {
                *self = ::core::default::Default::default();
            }
        }
    };
}

/// An open enumeration: one variant a value, and `Other` for what the catalog doesn't know.
///
/// `numbers` at the end makes it one of whole numbers too.
#[macro_export]
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $value:literal, )* }
        $($numbers:ident)?
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )*
            /// A value that the catalog doesn't know, as it came; empty = unset.
            Other(::std::boxed::Box<str>),
        }

        impl $name {
            /// The value as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( $name::$variant => $value, )*
                    $name::Other(text) => text,
                }
            }
        }

        impl $crate::Open for $name {
            fn of(text: &str) -> Self {
                match text {
                    $( $value => $name::$variant, )*
                    _ => $name::Other(text.into()),
                }
            }
            fn text(&self) -> &str {
                self.as_str()
            }
        }

        impl $crate::Slot for $name {
            fn view(&self) -> $crate::slot::View<'_> {
                $crate::slot::View::Scalar(self)
            }
            fn view_mut(&mut self) -> $crate::slot::ViewMut<'_> {
                $crate::slot::ViewMut::Scalar(self)
            }
            fn reset(&mut self) {
                *self = ::core::default::Default::default();
            }
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                $name::Other("".into())
            }
        }

        impl ::core::clone::Clone for $name {
            fn clone(&self) -> Self {
                $crate::Open::of(self.as_str())
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::core::cmp::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl ::core::hash::Hash for $name {
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl ::core::cmp::PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl ::core::cmp::PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                $crate::Open::of(text)
            }
        }

        impl ::core::convert::From<::std::string::String> for $name {
            fn from(text: ::std::string::String) -> Self {
                $crate::Open::of(&text)
            }
        }

        $crate::open_serde!($name);
        $( $crate::open_enum!(@$numbers $name); )?
    };
    (@numbers $name:ident) => {
        impl ::core::convert::From<i64> for $name {
            fn from(number: i64) -> Self {
                $crate::Open::of(&::std::string::ToString::to_string(&number))
            }
        }

        impl ::core::cmp::PartialEq<i64> for $name {
            fn eq(&self, other: &i64) -> bool {
                self.as_str().parse() == ::core::result::Result::Ok(*other)
            }
        }
    };
}

/// serde of an open enumeration, as text: only with the feature `serde`.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! open_serde {
    ($name:ident) => {
        impl $crate::serial::Serialize for $name {
            fn serialize<S: $crate::serial::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::serial::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serial::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                let text = <::std::string::String as $crate::serial::Deserialize>::deserialize(
                    deserializer,
                )?;
                ::core::result::Result::Ok($crate::Open::of(&text))
            }
        }
    };
}

/// No serde without the feature `serde`.
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! open_serde {
    ($name:ident) => {};
}

/// Makes a record an endpoint.
#[macro_export]
macro_rules! endpoint {
    ($request:ident => $response:ty, $info:expr) => {
        impl $crate::Endpoint for $request {
            type Response = $response;
            const INFO: &'static $crate::EndpointInfo = &$info;
        }
    };
}

/// Says of an endpoint that its answers are pages: by which fields, and which list they hold if there is but one.
#[macro_export]
macro_rules! paged {
    ($request:ident, $paging:expr $(, |$answer:ident| $items:expr => $item:ty)?) => {
        impl $crate::Paged for $request {
            const PAGING: &'static $crate::Paging = &$paging;
        }
        $(
            impl $crate::Listed for $request {
                type Item = $item;
                fn items($answer: Self::Response) -> ::std::vec::Vec<$item> {
                    $items
                }
            }
        )?
    };
}
