//! What became of messages and articles that the account sent.

use crate::inbound::field::{Items, record};

record! {
    /// A template message arrived, or did not (event `TEMPLATESENDJOBFINISH`).
    pub struct TemplateSendFinished {
        msg_id: i64 = "MsgID",
        status: String = "Status",
    }
}

record! {
    /// The group `Result`.
    pub struct CopyrightCheckItem {
        article_idx: i64 = "ArticleIdx",
        user_declare_state: i64 = "UserDeclareState",
        audit_state: i64 = "AuditState",
        original_article_url: String = "OriginalArticleUrl",
        original_article_type: i64 = "OriginalArticleType",
        can_reprint: i64 = "CanReprint",
        need_replace_content: i64 = "NeedReplaceContent",
        need_show_reprint_source: i64 = "NeedShowReprintSource",
    }
}

record! {
    /// The group `CopyrightCheckResult`.
    pub struct CopyrightCheckResult {
        count: i64 = "Count",
        result_list: Items<CopyrightCheckItem> = "ResultList",
        check_state: i64 = "CheckState",
    }
}

record! {
    /// The group `Result`.
    pub struct ArticleUrlItem {
        article_idx: i64 = "ArticleIdx",
        article_url: String = "ArticleUrl",
    }
}

record! {
    /// The group `ArticleUrlResult`.
    pub struct ArticleUrlResult {
        count: i64 = "Count",
        result_list: Items<ArticleUrlItem> = "ResultList",
    }
}

record! {
    /// A mass message (群发) was sent (event `MASSSENDJOBFINISH`).
    pub struct MassSendFinished {
        msg_id: i64 = "MsgID",
        status: String = "Status",
        total_count: i64 = "TotalCount",
        filter_count: i64 = "FilterCount",
        sent_count: i64 = "SentCount",
        error_count: i64 = "ErrorCount",
        copyright_check_result: Option<CopyrightCheckResult> = "CopyrightCheckResult",
        article_url_result: Option<ArticleUrlResult> = "ArticleUrlResult",
    }
}

record! {
    /// The group `item`.
    pub struct PublishedArticle {
        idx: i64 = "idx",
        article_url: String = "article_url",
    }
}

record! {
    /// The group `article_detail`.
    pub struct ArticleDetail {
        count: i64 = "count",
        item: Vec<PublishedArticle> = "item",
    }
}

record! {
    /// The group `PublishEventInfo`.
    pub struct PublishEventInfo {
        publish_id: i64 = "publish_id",
        publish_status: i64 = "publish_status",
        article_id: Option<String> = "article_id",
        article_detail: Option<ArticleDetail> = "article_detail",
        fail_idx: Option<i64> = "fail_idx",
    }
}

record! {
    /// An article was published, or was not (event `PUBLISHJOBFINISH`).
    pub struct PublishFinished {
        publish_event_info: PublishEventInfo = "PublishEventInfo",
    }
}

record! {
    /// The group `List`.
    pub struct SubscribeMessagePopupItem {
        template_id: String = "TemplateId",
        subscribe_status_string: String = "SubscribeStatusString",
        popup_scene: i64 = "PopupScene",
    }
}

record! {
    /// The group `SubscribeMsgPopupEvent`.
    pub struct SubscribeMessagePopupList {
        list: Vec<SubscribeMessagePopupItem> = "List",
    }
}

record! {
    /// A user answered the dialog for subscription messages (event `subscribe_msg_popup_event`).
    pub struct SubscribeMessagePopup {
        subscribe_msg_popup_event: SubscribeMessagePopupList = "SubscribeMsgPopupEvent",
    }
}

record! {
    /// The group `List`.
    pub struct SubscribeMessageChangeItem {
        template_id: String = "TemplateId",
        subscribe_status_string: String = "SubscribeStatusString",
    }
}

record! {
    /// The group `SubscribeMsgChangeEvent`.
    pub struct SubscribeMessageChangeList {
        list: Vec<SubscribeMessageChangeItem> = "List",
    }
}

record! {
    /// A user changed subscription messages in the settings (event `subscribe_msg_change_event`).
    pub struct SubscribeMessageChange {
        subscribe_msg_change_event: SubscribeMessageChangeList = "SubscribeMsgChangeEvent",
    }
}

record! {
    /// The group `List`.
    pub struct SubscribeMessageSentItem {
        template_id: String = "TemplateId",
        msg_id: String = "MsgID",
        error_code: i64 = "ErrorCode",
        error_status: String = "ErrorStatus",
    }
}

record! {
    /// The group `SubscribeMsgSentEvent`.
    pub struct SubscribeMessageSentList {
        list: Vec<SubscribeMessageSentItem> = "List",
    }
}

record! {
    /// A subscription message arrived, or did not (event `subscribe_msg_sent_event`).
    pub struct SubscribeMessageSent {
        subscribe_msg_sent_event: SubscribeMessageSentList = "SubscribeMsgSentEvent",
    }
}
