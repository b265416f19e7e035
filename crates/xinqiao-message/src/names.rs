//! Every name that the platform gives to a message, an event or a reply, once.
//!
//! Code compares with these constants; a literal elsewhere is a mistake.

/// Values of `MsgType` in what comes in and in what goes back.
pub mod msg_type {
    /// Text.
    pub const TEXT: &str = "text";
    /// An image.
    pub const IMAGE: &str = "image";
    /// A voice message.
    pub const VOICE: &str = "voice";
    /// A video.
    pub const VIDEO: &str = "video";
    /// A short video.
    pub const SHORT_VIDEO: &str = "shortvideo";
    /// A place.
    pub const LOCATION: &str = "location";
    /// A link.
    pub const LINK: &str = "link";
    /// A forwarded file.
    pub const FILE: &str = "file";
    /// A message of a device (retired).
    pub const DEVICE_TEXT: &str = "device_text";
    /// An event of a device (retired).
    pub const DEVICE_EVENT: &str = "device_event";
    /// A card of a mini program.
    pub const MINI_PROGRAM_PAGE: &str = "miniprogrampage";
    /// Not a message but an event.
    pub const EVENT: &str = "event";
    /// Music; in replies only.
    pub const MUSIC: &str = "music";
    /// Articles; in replies only.
    pub const NEWS: &str = "news";
    /// Hands the message to customer-service staff; in replies only.
    pub const TRANSFER_CUSTOMER_SERVICE: &str = "transfer_customer_service";
    /// Hardware; in replies only (retired).
    pub const HARDWARE: &str = "hardware";
}

/// Values of `Event`.
pub mod event {
    /// [`Subscribe`](crate::inbound::Subscribe).
    pub const SUBSCRIBE: &str = "subscribe";
    /// [`Unsubscribe`](crate::inbound::Unsubscribe).
    pub const UNSUBSCRIBE: &str = "unsubscribe";
    /// [`Scan`](crate::inbound::Scan).
    pub const SCAN: &str = "SCAN";
    /// [`LocationReport`](crate::inbound::LocationReport).
    pub const LOCATION: &str = "LOCATION";
    /// [`Click`](crate::inbound::Click).
    pub const CLICK: &str = "CLICK";
    /// [`View`](crate::inbound::View).
    pub const VIEW: &str = "VIEW";
    /// [`ScanCodePush`](crate::inbound::ScanCodePush).
    pub const SCANCODE_PUSH: &str = "scancode_push";
    /// [`ScanCodeWait`](crate::inbound::ScanCodeWait).
    pub const SCANCODE_WAITMSG: &str = "scancode_waitmsg";
    /// [`PicSystemPhoto`](crate::inbound::PicSystemPhoto).
    pub const PIC_SYSPHOTO: &str = "pic_sysphoto";
    /// [`PicPhotoOrAlbum`](crate::inbound::PicPhotoOrAlbum).
    pub const PIC_PHOTO_OR_ALBUM: &str = "pic_photo_or_album";
    /// [`PicWeixin`](crate::inbound::PicWeixin).
    pub const PIC_WEIXIN: &str = "pic_weixin";
    /// [`LocationSelect`](crate::inbound::LocationSelect).
    pub const LOCATION_SELECT: &str = "location_select";
    /// [`ViewMiniProgram`](crate::inbound::ViewMiniProgram).
    pub const VIEW_MINIPROGRAM: &str = "view_miniprogram";
    /// [`TemplateSendFinished`](crate::inbound::TemplateSendFinished).
    pub const TEMPLATE_SEND_JOB_FINISH: &str = "TEMPLATESENDJOBFINISH";
    /// [`MassSendFinished`](crate::inbound::MassSendFinished).
    pub const MASS_SEND_JOB_FINISH: &str = "MASSSENDJOBFINISH";
    /// [`PublishFinished`](crate::inbound::PublishFinished).
    pub const PUBLISH_JOB_FINISH: &str = "PUBLISHJOBFINISH";
    /// [`KfCreateSession`](crate::inbound::KfCreateSession).
    pub const KF_CREATE_SESSION: &str = "kf_create_session";
    /// [`KfCloseSession`](crate::inbound::KfCloseSession).
    pub const KF_CLOSE_SESSION: &str = "kf_close_session";
    /// [`KfSwitchSession`](crate::inbound::KfSwitchSession).
    pub const KF_SWITCH_SESSION: &str = "kf_switch_session";
    /// [`QualificationVerifySuccess`](crate::inbound::QualificationVerifySuccess).
    pub const QUALIFICATION_VERIFY_SUCCESS: &str = "qualification_verify_success";
    /// [`QualificationVerifyFail`](crate::inbound::QualificationVerifyFail).
    pub const QUALIFICATION_VERIFY_FAIL: &str = "qualification_verify_fail";
    /// [`NamingVerifySuccess`](crate::inbound::NamingVerifySuccess).
    pub const NAMING_VERIFY_SUCCESS: &str = "naming_verify_success";
    /// [`NamingVerifyFail`](crate::inbound::NamingVerifyFail).
    pub const NAMING_VERIFY_FAIL: &str = "naming_verify_fail";
    /// [`AnnualRenew`](crate::inbound::AnnualRenew).
    pub const ANNUAL_RENEW: &str = "annual_renew";
    /// [`VerifyExpired`](crate::inbound::VerifyExpired).
    pub const VERIFY_EXPIRED: &str = "verify_expired";
    /// [`SubscribeMessagePopup`](crate::inbound::SubscribeMessagePopup).
    pub const SUBSCRIBE_MSG_POPUP_EVENT: &str = "subscribe_msg_popup_event";
    /// [`SubscribeMessageChange`](crate::inbound::SubscribeMessageChange).
    pub const SUBSCRIBE_MSG_CHANGE_EVENT: &str = "subscribe_msg_change_event";
    /// [`SubscribeMessageSent`](crate::inbound::SubscribeMessageSent).
    pub const SUBSCRIBE_MSG_SENT_EVENT: &str = "subscribe_msg_sent_event";
    /// [`UserInfoModified`](crate::inbound::UserInfoModified).
    pub const USER_INFO_MODIFIED: &str = "user_info_modified";
    /// [`UserAuthorizationRevoke`](crate::inbound::UserAuthorizationRevoke).
    pub const USER_AUTHORIZATION_REVOKE: &str = "user_authorization_revoke";
    /// [`UserAuthorizationCancellation`](crate::inbound::UserAuthorizationCancellation).
    pub const USER_AUTHORIZATION_CANCELLATION: &str = "user_authorization_cancellation";
    /// [`UserEnterTempsession`](crate::inbound::UserEnterTempsession).
    pub const USER_ENTER_TEMPSESSION: &str = "user_enter_tempsession";
    /// [`WxaMediaCheck`](crate::inbound::WxaMediaCheck).
    pub const WXA_MEDIA_CHECK: &str = "wxa_media_check";
    /// [`DebugDemo`](crate::inbound::DebugDemo).
    pub const DEBUG_DEMO: &str = "debug_demo";
    /// [`AddNearbyPoiAuditInfo`](crate::inbound::AddNearbyPoiAuditInfo).
    pub const ADD_NEARBY_POI_AUDIT_INFO: &str = "add_nearby_poi_audit_info";
    /// [`WeappAuditSuccess`](crate::inbound::WeappAuditSuccess).
    pub const WEAPP_AUDIT_SUCCESS: &str = "weapp_audit_success";
    /// [`WeappAuditFail`](crate::inbound::WeappAuditFail).
    pub const WEAPP_AUDIT_FAIL: &str = "weapp_audit_fail";
    /// [`WeappAuditDelay`](crate::inbound::WeappAuditDelay).
    pub const WEAPP_AUDIT_DELAY: &str = "weapp_audit_delay";
    /// [`CardMerchantCheckResult`](crate::inbound::CardMerchantCheckResult).
    pub const CARD_MERCHANT_CHECK_RESULT: &str = "card_merchant_check_result";
    /// [`CardNotPassCheck`](crate::inbound::CardNotPassCheck).
    pub const CARD_NOT_PASS_CHECK: &str = "card_not_pass_check";
    /// [`CardPassCheck`](crate::inbound::CardPassCheck).
    pub const CARD_PASS_CHECK: &str = "card_pass_check";
    /// [`CardSkuRemind`](crate::inbound::CardSkuRemind).
    pub const CARD_SKU_REMIND: &str = "card_sku_remind";
    /// [`GiftcardPayDone`](crate::inbound::GiftcardPayDone).
    pub const GIFTCARD_PAY_DONE: &str = "giftcard_pay_done";
    /// [`GiftcardSendToFriend`](crate::inbound::GiftcardSendToFriend).
    pub const GIFTCARD_SEND_TO_FRIEND: &str = "giftcard_send_to_friend";
    /// [`GiftcardUserAccept`](crate::inbound::GiftcardUserAccept).
    pub const GIFTCARD_USER_ACCEPT: &str = "giftcard_user_accept";
    /// [`OrderFinanceSucceeded`](crate::inbound::OrderFinanceSucceeded).
    pub const ORDER_STATUS_FINANCE_SUCC: &str = "ORDER_STATUS_FINANCE_SUCC";
    /// [`SubmitMembercardUserInfo`](crate::inbound::SubmitMembercardUserInfo).
    pub const SUBMIT_MEMBERCARD_USER_INFO: &str = "submit_membercard_user_info";
    /// [`UpdateMemberCard`](crate::inbound::UpdateMemberCard).
    pub const UPDATE_MEMBER_CARD: &str = "update_member_card";
    /// [`UserConsumeCard`](crate::inbound::UserConsumeCard).
    pub const USER_CONSUME_CARD: &str = "user_consume_card";
    /// [`UserDelCard`](crate::inbound::UserDelCard).
    pub const USER_DEL_CARD: &str = "user_del_card";
    /// [`UserEnterSessionFromCard`](crate::inbound::UserEnterSessionFromCard).
    pub const USER_ENTER_SESSION_FROM_CARD: &str = "user_enter_session_from_card";
    /// [`UserGetCard`](crate::inbound::UserGetCard).
    pub const USER_GET_CARD: &str = "user_get_card";
    /// [`UserGiftingCard`](crate::inbound::UserGiftingCard).
    pub const USER_GIFTING_CARD: &str = "user_gifting_card";
    /// [`UserPayFromPayCell`](crate::inbound::UserPayFromPayCell).
    pub const USER_PAY_FROM_PAY_CELL: &str = "user_pay_from_pay_cell";
    /// [`UserViewCard`](crate::inbound::UserViewCard).
    pub const USER_VIEW_CARD: &str = "user_view_card";
    /// [`CloudInvoiceResult`](crate::inbound::CloudInvoiceResult).
    pub const CLOUD_INVOICE_INVOICERESULT_EVENT: &str = "cloud_invoice_invoiceresult_event";
    /// [`SubmitInvoiceTitle`](crate::inbound::SubmitInvoiceTitle).
    pub const SUBMIT_INVOICE_TITLE: &str = "submit_invoice_title";
    /// [`UpdateInvoiceStatus`](crate::inbound::UpdateInvoiceStatus).
    pub const UPDATE_INVOICE_STATUS: &str = "update_invoice_status";
    /// [`UserAuthorizeInvoice`](crate::inbound::UserAuthorizeInvoice).
    pub const USER_AUTHORIZE_INVOICE: &str = "user_authorize_invoice";
    /// [`MerchantOrder`](crate::inbound::MerchantOrder).
    pub const MERCHANT_ORDER: &str = "merchant_order";
    /// [`GuideQrcodeScan`](crate::inbound::GuideQrcodeScan).
    pub const GUIDE_QRCODE_SCAN_EVENT: &str = "guide_qrcode_scan_event";
    /// [`BetaAppAuthorizationApply`](crate::inbound::BetaAppAuthorizationApply).
    pub const BETAAPP_AUTHORIZATION_APPLY_EVENT: &str = "betaapp_authorization_apply_event";
    /// [`BetaAppVerifyApply`](crate::inbound::BetaAppVerifyApply).
    pub const BETAAPP_VERIFY_APPLY_EVENT: &str = "betaapp_verify_apply_event";
    /// [`BetaAppVerify`](crate::inbound::BetaAppVerify).
    pub const BETAAPP_VERIFY_EVENT: &str = "betaapp_verify_event";
    /// [`WxaAppealRecord`](crate::inbound::WxaAppealRecord).
    pub const WXA_APPEAL_RECORD: &str = "wxa_appeal_record";
    /// [`WxaCategoryAudit`](crate::inbound::WxaCategoryAudit).
    pub const WXA_CATEGORY_AUDIT: &str = "wxa_category_audit";
    /// [`WxaNicknameAudit`](crate::inbound::WxaNicknameAudit).
    pub const WXA_NICKNAME_AUDIT: &str = "wxa_nickname_audit";
    /// [`WxaPrivacyApply`](crate::inbound::WxaPrivacyApply).
    pub const WXA_PRIVACY_APPLY: &str = "wxa_privacy_apply";
    /// [`CreateMapPoiAuditInfo`](crate::inbound::CreateMapPoiAuditInfo).
    pub const CREATE_MAP_POI_AUDIT_INFO: &str = "create_map_poi_audit_info";
    /// [`WxaCommentBadScore`](crate::inbound::WxaCommentBadScore).
    pub const WXA_COMMENT_BAD_SCORE: &str = "wxa_comment_bad_score";
    /// [`MinigameCoinDeliverCompleted`](crate::inbound::MinigameCoinDeliverCompleted).
    pub const MINIGAME_COIN_DELIVER_COMPLETED: &str = "minigame_coin_deliver_completed";
    /// [`ComplaintCallback`](crate::inbound::ComplaintCallback).
    pub const COMPLAINT_CALLBACK: &str = "complaint_callback";
    /// [`BookAudit`](crate::inbound::BookAudit).
    pub const SECBOOK_AUDIT_EVENT: &str = "secbook_audit_event";
    /// [`TradeManageOrderSettlement`](crate::inbound::TradeManageOrderSettlement).
    pub const TRADE_MANAGE_ORDER_SETTLEMENT: &str = "trade_manage_order_settlement";
    /// [`TradeManageRemindAccessApi`](crate::inbound::TradeManageRemindAccessApi).
    pub const TRADE_MANAGE_REMIND_ACCESS_API: &str = "trade_manage_remind_access_api";
    /// [`TradeManageRemindShipping`](crate::inbound::TradeManageRemindShipping).
    pub const TRADE_MANAGE_REMIND_SHIPPING: &str = "trade_manage_remind_shipping";
    /// [`DramaAudit`](crate::inbound::DramaAudit).
    pub const SECVOD_AUDIT_EVENT: &str = "secvod_audit_event";
    /// [`DramaUpload`](crate::inbound::DramaUpload).
    pub const SECVOD_UPLOAD_EVENT: &str = "secvod_upload_event";
    /// [`XpayCoinPayNotify`](crate::inbound::XpayCoinPayNotify).
    pub const XPAY_COIN_PAY_NOTIFY: &str = "xpay_coin_pay_notify";
    /// [`XpayGoodsDeliverNotify`](crate::inbound::XpayGoodsDeliverNotify).
    pub const XPAY_GOODS_DELIVER_NOTIFY: &str = "xpay_goods_deliver_notify";
    /// [`XpayRefundNotify`](crate::inbound::XpayRefundNotify).
    pub const XPAY_REFUND_NOTIFY: &str = "xpay_refund_notify";
    /// [`ShakearoundUserShake`](crate::inbound::ShakearoundUserShake).
    pub const SHAKEAROUND_USER_SHAKE: &str = "ShakearoundUserShake";
    /// [`WifiConnected`](crate::inbound::WifiConnected).
    pub const WIFI_CONNECTED: &str = "WifiConnected";
    /// [`PoiCheckNotify`](crate::inbound::PoiCheckNotify).
    pub const POI_CHECK_NOTIFY: &str = "poi_check_notify";
    /// [`CardPayOrder`](crate::inbound::CardPayOrder).
    pub const CARD_PAY_ORDER: &str = "card_pay_order";
    /// [`ApplyMerchantAuditInfo`](crate::inbound::ApplyMerchantAuditInfo).
    pub const APPLY_MERCHANT_AUDIT_INFO: &str = "apply_merchant_audit_info";
    /// [`AddStoreAuditInfo`](crate::inbound::AddStoreAuditInfo).
    pub const ADD_STORE_AUDIT_INFO: &str = "add_store_audit_info";
    /// [`ModifyStoreAuditInfo`](crate::inbound::ModifyStoreAuditInfo).
    pub const MODIFY_STORE_AUDIT_INFO: &str = "modify_store_audit_info";
}

/// Values of `InfoType`, in the authorization events of a third-party platform.
pub mod info_type {
    /// [`ComponentVerifyTicket`](crate::inbound::info::ComponentVerifyTicket).
    pub const COMPONENT_VERIFY_TICKET: &str = "component_verify_ticket";
    /// [`Authorized`](crate::inbound::info::Authorized).
    pub const AUTHORIZED: &str = "authorized";
    /// [`UpdateAuthorized`](crate::inbound::info::UpdateAuthorized).
    pub const UPDATE_AUTHORIZED: &str = "updateauthorized";
    /// [`Unauthorized`](crate::inbound::info::Unauthorized).
    pub const UNAUTHORIZED: &str = "unauthorized";
    /// [`NotifyApplyIcpfilingResult`](crate::inbound::info::NotifyApplyIcpfilingResult).
    pub const NOTIFY_APPLY_ICPFILING_RESULT: &str = "notify_apply_icpfiling_result";
    /// [`NotifyThirdFastRegisterBetaApp`](crate::inbound::info::NotifyThirdFastRegisterBetaApp).
    pub const NOTIFY_THIRD_FASTREGISTERBETAAPP: &str = "notify_third_fastregisterbetaapp";
    /// [`NotifyThirdFastRegister`](crate::inbound::info::NotifyThirdFastRegister).
    pub const NOTIFY_THIRD_FASTEREGISTER: &str = "notify_third_fasteregister";
    /// [`NotifyThirdFastVerifyBetaApp`](crate::inbound::info::NotifyThirdFastVerifyBetaApp).
    pub const NOTIFY_THIRD_FASTVERIFYBETAAPP: &str = "notify_third_fastverifybetaapp";
}
