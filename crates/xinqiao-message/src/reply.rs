//! Passive replies (被动回复): what an app may answer within the callback itself.
//!
//! [`encode`] is the one place that writes a reply, [`decode`] the one that reads it. Reading is
//! strict: whatever the platform would call an illegal answer is a [`ReplyError`] with the name of its
//! rule.

mod json;
mod read;

pub use json::BotReply;
pub use read::{Addressed, decode};

use xinqiao_types::UnixSeconds;
use xinqiao_wire::xml::{Writer, XmlError};

use crate::{Message, envelope::Wrapping, names::msg_type};

/// How many bytes of text a reply may have, by the older documentation.
pub const MAX_TEXT_BYTES: usize = 2048;
/// How many articles a reply to an event may have.
pub const MAX_ARTICLES: usize = 8;

/// A passive reply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Text. Never empty: for silence answer `success`.
    Text {
        /// The words; line breaks are kept.
        content: String,
    },
    /// An image, not an animated one.
    Image {
        /// What was uploaded.
        media_id: String,
    },
    /// A voice message.
    Voice {
        /// What was uploaded.
        media_id: String,
    },
    /// A video.
    Video {
        /// What was uploaded.
        media_id: String,
        /// May be empty.
        title: String,
        /// May be empty.
        description: String,
    },
    /// Music.
    Music(Music),
    /// Articles: one in answer to a message, up to eight in answer to an event.
    News {
        /// The articles; more than allowed are cut by the platform.
        articles: Vec<Article>,
    },
    /// Hands the message to customer-service staff.
    TransferCustomerService {
        /// Pins one staff member (`name@account`).
        kf_account: Option<String>,
    },
    /// A hardware ranking (retired).
    Hardware {
        /// What is shown.
        message_view: String,
        /// What a tap does.
        message_action: String,
    },
    /// What a WeCom bot answers: a stream, a card, a welcome.
    Bot(BotReply),
}

/// Music in a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Music {
    /// May be empty.
    pub title: String,
    /// May be empty.
    pub description: String,
    /// Where it plays from.
    pub music_url: String,
    /// Where it plays from on Wi-Fi.
    pub hq_music_url: String,
    /// The cover; may be empty, though the page calls it required.
    pub thumb_media_id: String,
}

/// An article in a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Article {
    /// The headline.
    pub title: String,
    /// The summary.
    pub description: String,
    /// The cover: 360 × 200 for the first, 200 × 200 for the others.
    pub pic_url: String,
    /// Where a tap leads.
    pub url: String,
}

/// Why an answer is no legal reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Not well-formed.
    #[error("the reply is not acceptable XML")]
    Xml(#[from] XmlError),
    /// No JSON object.
    #[error("the reply is not a JSON object")]
    Json,
    /// A reply that cannot be said in the form of its push.
    #[error("a reply of the type `{msg_type}` cannot be written in the form that its push has")]
    Form {
        /// Its type.
        msg_type: String,
    },
    /// The outermost element is another.
    #[error("the reply's outermost element is `{found}`, not `xml`")]
    Root {
        /// What it is.
        found: String,
    },
    /// An element that every reply of this kind needs.
    #[error("the reply has no `{element}`")]
    Missing {
        /// Which one.
        element: &'static str,
    },
    /// An element that must not be empty.
    #[error("`{element}` of the reply is empty; to say nothing answer `success`")]
    Empty {
        /// Which one.
        element: &'static str,
    },
    /// An element that is no number.
    #[error("`{element}` of the reply is not a number")]
    NotANumber {
        /// Which one.
        element: &'static str,
    },
    /// A `MsgType` that no reply has.
    #[error("`{found}` is no MsgType of a reply")]
    MsgType {
        /// What it is.
        found: String,
    },
    /// `ArticleCount` and the articles differ.
    #[error("ArticleCount is {told}, but {found} articles are there")]
    ArticleCount {
        /// What the element says.
        told: usize,
        /// How many there are.
        found: usize,
    },
    /// No article, or more than eight.
    #[error("a reply has 1 to 8 articles, this one has {found}")]
    Articles {
        /// How many there are.
        found: usize,
    },
}

impl ReplyError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Xml(error) => match error.rule().as_bytes() {
                b"xml.cdata" => "reply.xml.cdata",
                b"xml.doctype" => "reply.xml.doctype",
                _ => "reply.xml",
            },
            Self::Json => "reply.json",
            Self::Form { .. } => "reply.form",
            Self::Root { .. } => "reply.xml.root",
            Self::Missing { .. } => "reply.missing",
            Self::Empty { .. } => "reply.empty",
            Self::NotANumber { .. } => "reply.number",
            Self::MsgType { .. } => "reply.msg_type",
            Self::ArticleCount { .. } | Self::Articles { .. } => "reply.articles",
        }
    }
}

impl Reply {
    /// A text reply.
    pub fn text(content: impl Into<String>) -> Self {
        Self::Text {
            content: content.into(),
        }
    }

    /// An image reply.
    pub fn image(media_id: impl Into<String>) -> Self {
        Self::Image {
            media_id: media_id.into(),
        }
    }

    /// A voice reply.
    pub fn voice(media_id: impl Into<String>) -> Self {
        Self::Voice {
            media_id: media_id.into(),
        }
    }

    /// A video reply without title and description.
    pub fn video(media_id: impl Into<String>) -> Self {
        Self::Video {
            media_id: media_id.into(),
            title: String::new(),
            description: String::new(),
        }
    }

    /// Articles.
    pub fn news(articles: impl Into<Vec<Article>>) -> Self {
        Self::News {
            articles: articles.into(),
        }
    }

    /// Hands the message to any staff member.
    pub const fn transfer() -> Self {
        Self::TransferCustomerService { kf_account: None }
    }

    /// Its `MsgType`.
    pub fn msg_type(&self) -> &str {
        match self {
            Self::Text { .. } => msg_type::TEXT,
            Self::Image { .. } => msg_type::IMAGE,
            Self::Voice { .. } => msg_type::VOICE,
            Self::Video { .. } => msg_type::VIDEO,
            Self::Music(_) => msg_type::MUSIC,
            Self::News { .. } => msg_type::NEWS,
            Self::TransferCustomerService { .. } => msg_type::TRANSFER_CUSTOMER_SERVICE,
            Self::Hardware { .. } => msg_type::HARDWARE,
            Self::Bot(reply) => reply.msg_type(),
        }
    }

    /// Checks what the platform would refuse. An app does so before it answers.
    pub fn check(&self) -> Result<(), ReplyError> {
        let filled = |element, value: &str| {
            if value.is_empty() {
                Err(ReplyError::Empty { element })
            } else {
                Ok(())
            }
        };
        match self {
            Self::Text { content } => filled("Content", content),
            Self::Image { media_id } | Self::Voice { media_id } | Self::Video { media_id, .. } => {
                filled("MediaId", media_id)
            }
            Self::News { articles } if articles.is_empty() || articles.len() > MAX_ARTICLES => {
                Err(ReplyError::Articles {
                    found: articles.len(),
                })
            }
            Self::Music(_)
            | Self::News { .. }
            | Self::TransferCustomerService { .. }
            | Self::Hardware { .. }
            | Self::Bot(_) => Ok(()),
        }
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Text { content } => {
                out.cdata("Content", content);
            }
            Self::Image { media_id } => {
                out.open("Image").cdata("MediaId", media_id).close("Image");
            }
            Self::Voice { media_id } => {
                out.open("Voice").cdata("MediaId", media_id).close("Voice");
            }
            Self::Video {
                media_id,
                title,
                description,
            } => {
                out.open("Video")
                    .cdata("MediaId", media_id)
                    .cdata("Title", title)
                    .cdata("Description", description)
                    .close("Video");
            }
            Self::Music(music) => {
                out.open("Music")
                    .cdata("Title", &music.title)
                    .cdata("Description", &music.description)
                    .cdata("MusicUrl", &music.music_url)
                    .cdata("HQMusicUrl", &music.hq_music_url);
                if !music.thumb_media_id.is_empty() {
                    out.cdata("ThumbMediaId", &music.thumb_media_id);
                }
                out.close("Music");
            }
            Self::News { articles } => {
                out.number("ArticleCount", articles.len()).open("Articles");
                for article in articles {
                    out.open("item")
                        .cdata("Title", &article.title)
                        .cdata("Description", &article.description)
                        .cdata("PicUrl", &article.pic_url)
                        .cdata("Url", &article.url)
                        .close("item");
                }
                out.close("Articles");
            }
            Self::TransferCustomerService {
                kf_account: Some(account),
            } => {
                out.open("TransInfo")
                    .cdata("KfAccount", account)
                    .close("TransInfo");
            }
            Self::TransferCustomerService { kf_account: None } | Self::Bot(_) => {}
            Self::Hardware {
                message_view,
                message_action,
            } => {
                out.open("HardWare")
                    .cdata("MessageView", message_view)
                    .cdata("MessageAction", message_action)
                    .close("HardWare")
                    .number("FuncFlag", 0);
            }
        }
    }

    /// About how many bytes it takes.
    fn size(&self) -> usize {
        let content = match self {
            Self::Text { content } => content.len(),
            Self::News { articles } => articles
                .iter()
                .map(|each| {
                    160 + each.title.len()
                        + each.description.len()
                        + each.pic_url.len()
                        + each.url.len()
                })
                .sum(),
            _ => 512,
        };
        content + 320
    }
}

/// Writes a reply to a message, in the message's own form.
///
/// # Errors
/// [`ReplyError::Form`]: a bot says texts and [`Reply::Bot`] only, and nobody else says the latter.
pub fn encode_for(
    message: &Message,
    reply: &Reply,
    time: UnixSeconds,
) -> Result<String, ReplyError> {
    let (to, from) = (&message.head.from, &message.head.to);
    let wrapping = Wrapping::of(message.raw());
    match (wrapping, reply) {
        (Wrapping::LowerJson, reply) => json::encode_lower(message, reply),
        (_, Reply::Bot(reply)) => Err(ReplyError::Form {
            msg_type: reply.msg_type().to_owned(),
        }),
        (Wrapping::Json, reply) => Ok(json::encode(reply, to, from, time)),
        (Wrapping::Xml, reply) => Ok(encode(reply, to, from, time)),
    }
}

/// Reads a reply in the form of its push.
pub fn decode_as(wrapping: Wrapping, reply: &[u8]) -> Result<Addressed, ReplyError> {
    match wrapping {
        Wrapping::Xml => decode(reply),
        Wrapping::Json => json::decode(reply),
        Wrapping::LowerJson => json::decode_lower(reply),
    }
}

/// Writes a reply as XML. `to` is the user's openid, `from` the account's original id.
pub fn encode(reply: &Reply, to: &str, from: &str, time: UnixSeconds) -> String {
    let mut out = Writer::with_capacity(reply.size());
    out.open("xml")
        .cdata("ToUserName", to)
        .cdata("FromUserName", from)
        .number("CreateTime", time)
        .cdata("MsgType", reply.msg_type());
    reply.write(&mut out);
    out.close("xml");
    out.finish()
}
