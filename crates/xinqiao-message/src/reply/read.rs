//! Reading a reply, as strictly as the platform does.

use xinqiao_types::UnixSeconds;
use xinqiao_wire::xml::{Document, Element};

use super::{Article, Music, Reply, ReplyError};
use crate::names::msg_type;

/// A reply with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// `ToUserName`: the user's openid.
    pub to: String,
    /// `FromUserName`: the account's original id.
    pub from: String,
    /// `CreateTime`.
    pub time: UnixSeconds,
    /// The reply.
    pub reply: Reply,
}

/// Reads a reply.
pub fn decode(xml: &[u8]) -> Result<Addressed, ReplyError> {
    let document = Document::parse(xml)?;
    let root = document.root();
    if !root.is("xml") {
        return Err(ReplyError::Root {
            found: root.name().chars().take(64).collect(),
        });
    }
    let to = filled(root, "ToUserName")?;
    let from = filled(root, "FromUserName")?;
    let time = number(root, "CreateTime")?;
    let kind = filled(root, "MsgType")?;
    let reply = match kind.as_str() {
        msg_type::TEXT => Reply::Text {
            content: filled(root, "Content")?,
        },
        msg_type::IMAGE => Reply::Image {
            media_id: media_id(root, "Image")?,
        },
        msg_type::VOICE => Reply::Voice {
            media_id: media_id(root, "Voice")?,
        },
        msg_type::VIDEO => {
            let video = child(root, "Video")?;
            Reply::Video {
                media_id: filled(video, "MediaId")?,
                title: text(video, "Title"),
                description: text(video, "Description"),
            }
        }
        msg_type::MUSIC => {
            let music = child(root, "Music")?;
            Reply::Music(Music {
                title: text(music, "Title"),
                description: text(music, "Description"),
                music_url: text(music, "MusicUrl"),
                hq_music_url: text(music, "HQMusicUrl"),
                // WECHAT: the page calls it required; music without it arrives (co-wechat and WeRoBot leave it out).
                thumb_media_id: text(music, "ThumbMediaId"),
            })
        }
        msg_type::NEWS => Reply::News {
            articles: articles(root)?,
        },
        msg_type::TRANSFER_CUSTOMER_SERVICE => Reply::TransferCustomerService {
            kf_account: root
                .child("TransInfo")
                .and_then(|info| info.child_text("KfAccount"))
                .map(Into::into),
        },
        msg_type::HARDWARE => {
            let hardware = child(root, "HardWare")?;
            Reply::Hardware {
                message_view: text(hardware, "MessageView"),
                message_action: text(hardware, "MessageAction"),
            }
        }
        _ => {
            return Err(ReplyError::MsgType {
                found: kind.chars().take(64).collect(),
            });
        }
    };
    Ok(Addressed {
        to,
        from,
        time: UnixSeconds(time),
        reply,
    })
}

fn articles(root: Element<'_, '_>) -> Result<Vec<Article>, ReplyError> {
    let told = usize::try_from(number(root, "ArticleCount")?).unwrap_or_default();
    let articles: Vec<Article> = child(root, "Articles")?
        .children()
        .filter(|item| item.is("item"))
        .map(|item| Article {
            title: text(item, "Title"),
            description: text(item, "Description"),
            pic_url: text(item, "PicUrl"),
            url: text(item, "Url"),
        })
        .collect();
    if articles.is_empty() {
        return Err(ReplyError::Articles { found: 0 });
    }
    if told != articles.len() {
        return Err(ReplyError::ArticleCount {
            told,
            found: articles.len(),
        });
    }
    Ok(articles)
}

fn child<'a, 'd>(
    parent: Element<'a, 'd>,
    element: &'static str,
) -> Result<Element<'a, 'd>, ReplyError> {
    parent.child(element).ok_or(ReplyError::Missing { element })
}

fn media_id(root: Element<'_, '_>, group: &'static str) -> Result<String, ReplyError> {
    filled(child(root, group)?, "MediaId")
}

fn filled(parent: Element<'_, '_>, element: &'static str) -> Result<String, ReplyError> {
    let text = child(parent, element)?.text();
    if text.is_empty() {
        Err(ReplyError::Empty { element })
    } else {
        Ok(text.into_owned())
    }
}

fn text(parent: Element<'_, '_>, element: &str) -> String {
    parent
        .child_text(element)
        .map(Into::into)
        .unwrap_or_default()
}

fn number(parent: Element<'_, '_>, element: &'static str) -> Result<i64, ReplyError> {
    child(parent, element)?
        .text()
        .trim()
        .parse()
        .map_err(|_| ReplyError::NotANumber { element })
}
