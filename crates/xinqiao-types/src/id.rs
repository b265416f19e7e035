//! Identifiers that the platform hands out.

/// Declares an identifier: a short string that only its own type can stand for.
macro_rules! string_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Wraps an identifier as it came.
            pub fn new(text: impl Into<Box<str>>) -> Self {
                Self(text.into())
            }

            /// The identifier as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether there is nothing in it, as in a field that the platform left out.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self("".into())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(text.into()))
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }
    )+};
}

string_id! {
    /// The id of an account with an interface of its own (`wx…`).
    AppId,
    /// A user as one account sees them (用户标识). Same person, other account: other value.
    OpenId,
    /// A user as all accounts of one open-platform owner see them.
    UnionId,
    /// A merchant number (商户号).
    MchId,
    /// A WeCom corporation.
    CorpId,
    /// A member of a WeCom corporation, as its address book has them (成员 UserID).
    UserId,
    /// A customer as a WeCom corporation sees them (外部联系人).
    ExternalUserId,
    /// A third-party application of WeCom (第三方应用, suite_id).
    SuiteId,
    /// Uploaded media (素材).
    MediaId,
    /// An event as the gateway stored it; never changes.
    EventId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_text() {
        let id = AppId::from("wx5823bf96d3bd56c7");
        assert_eq!(id, "wx5823bf96d3bd56c7");
        assert_eq!(format!("{id:>20}"), "  wx5823bf96d3bd56c7");
        assert!(OpenId::default().is_empty());
    }

    #[test]
    fn a_map_is_asked_by_text() {
        let map = std::collections::HashMap::from([(OpenId::from("o1"), 1)]);
        assert_eq!(map.get("o1"), Some(&1));
    }
}
