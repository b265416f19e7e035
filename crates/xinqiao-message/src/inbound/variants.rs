//! Enums whose variant is told by a name on the wire.

/// Declares such an enum, the trait that its members have in common, and an `Unknown` variant that
/// keeps what has no type yet.
macro_rules! variants {
    (
        $(#[$meta:meta])*
        pub enum $enum:ident by $trait:ident, $constant:ident {
            $($name:ident = $wire:path,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $enum {
            $(
                #[doc = concat!("[`", stringify!($name), "`].")]
                $name($name),
            )+
            /// What has no type here, with its fields.
            Unknown($crate::inbound::Unknown),
        }

        #[doc = concat!("What can be in [`", stringify!($enum), "`].")]
        pub trait $trait: Sized + Send + 'static {
            /// Its name on the wire.
            const $constant: &'static str;

            /// Takes it out, if it is this one.
            fn take(from: $enum) -> Option<Self>;

            /// Looks at it, if it is this one.
            fn peek(from: &$enum) -> Option<&Self>;
        }

        $(
            impl $trait for $name {
                const $constant: &'static str = $wire;

                fn take(from: $enum) -> Option<Self> {
                    if let $enum::$name(it) = from { Some(it) } else { None }
                }

                fn peek(from: &$enum) -> Option<&Self> {
                    if let $enum::$name(it) = from { Some(it) } else { None }
                }
            }

            impl From<$name> for $enum {
                fn from(it: $name) -> Self {
                    Self::$name(it)
                }
            }
        )+

        impl $enum {
            /// Every name that has a type.
            pub const NAMES: &'static [&'static str] = &[$($wire),+];

            /// The name on the wire.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$name(_) => $wire,)+
                    Self::Unknown(unknown) => &unknown.name,
                }
            }

            pub(crate) fn read(
                name: &str,
                from: $crate::inbound::field::Source<'_>,
            ) -> Option<Self> {
                use $crate::inbound::field::Group;
                match name {
                    $($wire => Some(Self::$name($name::read_group(from))),)+
                    _ => None,
                }
            }

            /// The names of its fields; nothing for an unknown one.
            pub(crate) fn fields(&self) -> &'static [&'static str] {
                use $crate::inbound::field::Group;
                match self {
                    $(Self::$name(_) => $name::FIELDS,)+
                    Self::Unknown(_) => &[],
                }
            }

            pub(crate) fn write_fields(&self, out: &mut xinqiao_wire::xml::Writer) {
                use $crate::inbound::field::Group;
                match self {
                    $(Self::$name(it) => it.write_fields(out),)+
                    Self::Unknown(unknown) => unknown.write_fields(out),
                }
            }

            pub(crate) fn write_object(
                &self,
                out: &mut serde_json::Map<String, serde_json::Value>,
            ) {
                use $crate::inbound::field::Group;
                match self {
                    $(Self::$name(it) => it.write_object(out),)+
                    Self::Unknown(unknown) => unknown.write_object(out),
                }
            }
        }
    };
}

pub(crate) use variants;
