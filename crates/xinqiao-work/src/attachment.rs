//! Attachments (附件) of what is sent to customers: welcome messages, mass messages, moments.

use xinqiao_types::{AppId, MediaId};

use crate::external_contact::{
    Attachment, AttachmentBody, AttachmentImage, AttachmentLink, AttachmentMiniProgram, File,
    Image, MessageAttachment, MessageLink, MomentBody, SendWelcomeMsg, Text, Video,
};

/// An attachment of a welcome message or a mass message, at most nine.
impl MessageAttachment {
    /// A picture by its media id.
    #[must_use]
    pub fn image(media_id: impl Into<MediaId>) -> Self {
        let image = AttachmentImage::new().media_id(media_id.into());
        MessageAttachment::new(AttachmentBody::Image(image))
    }

    /// A picture by the address that `media.upload_img` gave.
    #[must_use]
    pub fn image_at(url: impl Into<String>) -> Self {
        let image = AttachmentImage::new().pic_url(url.into());
        MessageAttachment::new(AttachmentBody::Image(image))
    }

    /// A link; give it a picture and a description with its setters.
    #[must_use]
    pub fn link(link: MessageLink) -> Self {
        MessageAttachment::new(AttachmentBody::Link(link))
    }

    /// A video by its media id.
    #[must_use]
    pub fn video(media_id: impl Into<MediaId>) -> Self {
        MessageAttachment::new(AttachmentBody::Video(Video::new(media_id)))
    }

    /// A page of a mini program that is linked to the corp, with the media id of its cover.
    #[must_use]
    pub fn mini_program(
        appid: impl Into<AppId>,
        page: impl Into<String>,
        title: impl Into<String>,
        cover: impl Into<String>,
    ) -> Self {
        let page = AttachmentMiniProgram::new(appid, page, title).pic_media_id(cover.into());
        MessageAttachment::new(AttachmentBody::MiniProgram(page))
    }

    /// A file by its media id.
    #[must_use]
    pub fn file(media_id: impl Into<MediaId>) -> Self {
        MessageAttachment::new(AttachmentBody::File(File::new(media_id)))
    }
}

/// An attachment of a moment (朋友圈): up to nine pictures, or one link, or one video.
impl Attachment {
    /// A picture by its media id.
    #[must_use]
    pub fn image(media_id: impl Into<MediaId>) -> Self {
        Attachment::new(MomentBody::Image(Image::new(media_id)))
    }

    /// A link with the media id of its picture.
    #[must_use]
    pub fn link(
        title: impl Into<String>,
        url: impl Into<String>,
        picture: impl Into<MediaId>,
    ) -> Self {
        let link = AttachmentLink::new(title, url).media_id(picture.into());
        Attachment::new(MomentBody::Link(link))
    }

    /// A video by its media id.
    #[must_use]
    pub fn video(media_id: impl Into<MediaId>) -> Self {
        Attachment::new(MomentBody::Video(Video::new(media_id)))
    }
}

impl SendWelcomeMsg {
    /// A welcome in words; add up to nine attachments with `attachments`. The code lives 20 seconds.
    #[must_use]
    pub fn saying(welcome_code: impl Into<String>, content: impl Into<String>) -> Self {
        SendWelcomeMsg::new(welcome_code).text(Text::new(content))
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;
    use crate::external_contact::AddMomentTask;

    #[test]
    fn each_attachment_names_its_kind() {
        let link = MessageLink::new("t", "https://a.cn").desc("d");
        let attachments = vec![
            MessageAttachment::image("m1"),
            MessageAttachment::image_at("https://a.cn/a.png"),
            MessageAttachment::link(link),
            MessageAttachment::video("m2"),
            MessageAttachment::mini_program("wx1", "p", "t", "m3"),
            MessageAttachment::file("m4"),
        ];
        assert_eq!(
            json::encode(&SendWelcomeMsg::saying("c1", "你好").attachments(attachments)),
            "{\"welcome_code\":\"c1\",\"text\":{\"content\":\"你好\"},\"attachments\":[\
             {\"msgtype\":\"image\",\"image\":{\"media_id\":\"m1\"}},\
             {\"msgtype\":\"image\",\"image\":{\"pic_url\":\"https://a.cn/a.png\"}},\
             {\"msgtype\":\"link\",\"link\":{\"title\":\"t\",\"desc\":\"d\",\"url\":\"https://a.cn\"}},\
             {\"msgtype\":\"video\",\"video\":{\"media_id\":\"m2\"}},\
             {\"msgtype\":\"miniprogram\",\"miniprogram\":{\"appid\":\"wx1\",\"page\":\"p\",\"title\":\"t\",\"pic_media_id\":\"m3\"}},\
             {\"msgtype\":\"file\",\"file\":{\"media_id\":\"m4\"}}]}"
        );
    }

    #[test]
    fn a_moment_takes_pictures_a_link_or_a_video() {
        let task = AddMomentTask::new().attachments(vec![
            Attachment::image("m1"),
            Attachment::link("t", "https://a.cn", "m2"),
            Attachment::video("m3"),
        ]);
        assert_eq!(
            json::encode(&task),
            "{\"attachments\":[{\"msgtype\":\"image\",\"image\":{\"media_id\":\"m1\"}},\
             {\"msgtype\":\"link\",\"link\":{\"title\":\"t\",\"url\":\"https://a.cn\",\"media_id\":\"m2\"}},\
             {\"msgtype\":\"video\",\"video\":{\"media_id\":\"m3\"}}]}"
        );
    }
}
