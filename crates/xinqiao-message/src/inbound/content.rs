//! What users say: ordinary messages (普通消息).

use crate::inbound::field::record;

record! {
    /// A text message.
    pub struct Text {
        content: String = "Content",
        /// The id of the item that was tapped in a menu message (`msgmenu`), instead of typing.
        bizmsgmenuid: Option<String> = "bizmsgmenuid",
    }
}

record! {
    /// An image.
    pub struct Image {
        pic_url: String = "PicUrl",
        /// Temporary: three days.
        media_id: String = "MediaId",
    }
}

record! {
    /// A voice message.
    pub struct Voice {
        media_id: String = "MediaId",
        /// `amr` or `speex`.
        format: String = "Format",
        /// What was said, if speech recognition is on.
        recognition: Option<String> = "Recognition",
        /// A copy at 16 kHz, for three days.
        media_id_16k: Option<String> = "MediaId16K",
    }
}

record! {
    /// A video.
    pub struct Video {
        media_id: String = "MediaId",
        thumb_media_id: String = "ThumbMediaId",
    }
}

record! {
    /// A short video.
    pub struct ShortVideo {
        media_id: String = "MediaId",
        thumb_media_id: String = "ThumbMediaId",
    }
}

record! {
    /// A place that the user sent.
    pub struct Location {
        /// Degrees north.
        latitude: f64 = "Location_X",
        /// Degrees east.
        longitude: f64 = "Location_Y",
        scale: i64 = "Scale",
        label: String = "Label",
    }
}

record! {
    /// A link.
    pub struct Link {
        title: String = "Title",
        description: String = "Description",
        url: String = "Url",
    }
}

record! {
    /// A file that the user forwarded. It cannot be downloaded.
    pub struct File {
        title: String = "Title",
        description: String = "Description",
        file_key: String = "FileKey",
        file_md5: String = "FileMd5",
        file_total_len: i64 = "FileTotalLen",
    }
}

record! {
    /// A message of a device (retired).
    pub struct DeviceText {
        device_type: String = "DeviceType",
        device_id: String = "DeviceID",
        /// Base64.
        content: String = "Content",
        session_id: String = "SessionID",
        openid: String = "OpenID",
    }
}

record! {
    /// A card of a mini program, sent in its customer-service chat.
    pub struct MiniProgramPage {
        title: String = "Title",
        appid: String = "AppId",
        page_path: String = "PagePath",
        thumb_url: String = "ThumbUrl",
        thumb_media_id: String = "ThumbMediaId",
    }
}
