//! Events: what happened to the account, as opposed to what a user said.

mod account;
mod card;
mod component;
mod customer_service;
mod follow;
mod invoice;
mod menu;
mod mini_program;
mod sending;
mod store;

pub use account::*;
pub use card::*;
pub use component::*;
pub use customer_service::*;
pub use follow::*;
pub use invoice::*;
pub use menu::*;
pub use mini_program::*;
pub use sending::*;
pub use store::*;

use super::variants::variants;
use crate::names::event;

variants! {
    /// What happened, by the `Event` element.
    pub enum Event by EventBody, EVENT {
        Subscribe = event::SUBSCRIBE,
        Unsubscribe = event::UNSUBSCRIBE,
        Scan = event::SCAN,
        LocationReport = event::LOCATION,
        Click = event::CLICK,
        View = event::VIEW,
        ScanCodePush = event::SCANCODE_PUSH,
        ScanCodeWait = event::SCANCODE_WAITMSG,
        PicSystemPhoto = event::PIC_SYSPHOTO,
        PicPhotoOrAlbum = event::PIC_PHOTO_OR_ALBUM,
        PicWeixin = event::PIC_WEIXIN,
        LocationSelect = event::LOCATION_SELECT,
        ViewMiniProgram = event::VIEW_MINIPROGRAM,
        TemplateSendFinished = event::TEMPLATE_SEND_JOB_FINISH,
        MassSendFinished = event::MASS_SEND_JOB_FINISH,
        PublishFinished = event::PUBLISH_JOB_FINISH,
        KfCreateSession = event::KF_CREATE_SESSION,
        KfCloseSession = event::KF_CLOSE_SESSION,
        KfSwitchSession = event::KF_SWITCH_SESSION,
        QualificationVerifySuccess = event::QUALIFICATION_VERIFY_SUCCESS,
        QualificationVerifyFail = event::QUALIFICATION_VERIFY_FAIL,
        NamingVerifySuccess = event::NAMING_VERIFY_SUCCESS,
        NamingVerifyFail = event::NAMING_VERIFY_FAIL,
        AnnualRenew = event::ANNUAL_RENEW,
        VerifyExpired = event::VERIFY_EXPIRED,
        SubscribeMessagePopup = event::SUBSCRIBE_MSG_POPUP_EVENT,
        SubscribeMessageChange = event::SUBSCRIBE_MSG_CHANGE_EVENT,
        SubscribeMessageSent = event::SUBSCRIBE_MSG_SENT_EVENT,
        UserInfoModified = event::USER_INFO_MODIFIED,
        UserAuthorizationRevoke = event::USER_AUTHORIZATION_REVOKE,
        UserAuthorizationCancellation = event::USER_AUTHORIZATION_CANCELLATION,
        UserEnterTempsession = event::USER_ENTER_TEMPSESSION,
        WxaMediaCheck = event::WXA_MEDIA_CHECK,
        DebugDemo = event::DEBUG_DEMO,
        AddNearbyPoiAuditInfo = event::ADD_NEARBY_POI_AUDIT_INFO,
        WeappAuditSuccess = event::WEAPP_AUDIT_SUCCESS,
        WeappAuditFail = event::WEAPP_AUDIT_FAIL,
        WeappAuditDelay = event::WEAPP_AUDIT_DELAY,
        CardMerchantCheckResult = event::CARD_MERCHANT_CHECK_RESULT,
        CardNotPassCheck = event::CARD_NOT_PASS_CHECK,
        CardPassCheck = event::CARD_PASS_CHECK,
        CardSkuRemind = event::CARD_SKU_REMIND,
        GiftcardPayDone = event::GIFTCARD_PAY_DONE,
        GiftcardSendToFriend = event::GIFTCARD_SEND_TO_FRIEND,
        GiftcardUserAccept = event::GIFTCARD_USER_ACCEPT,
        OrderFinanceSucceeded = event::ORDER_STATUS_FINANCE_SUCC,
        SubmitMembercardUserInfo = event::SUBMIT_MEMBERCARD_USER_INFO,
        UpdateMemberCard = event::UPDATE_MEMBER_CARD,
        UserConsumeCard = event::USER_CONSUME_CARD,
        UserDelCard = event::USER_DEL_CARD,
        UserEnterSessionFromCard = event::USER_ENTER_SESSION_FROM_CARD,
        UserGetCard = event::USER_GET_CARD,
        UserGiftingCard = event::USER_GIFTING_CARD,
        UserPayFromPayCell = event::USER_PAY_FROM_PAY_CELL,
        UserViewCard = event::USER_VIEW_CARD,
        CloudInvoiceResult = event::CLOUD_INVOICE_INVOICERESULT_EVENT,
        SubmitInvoiceTitle = event::SUBMIT_INVOICE_TITLE,
        UpdateInvoiceStatus = event::UPDATE_INVOICE_STATUS,
        UserAuthorizeInvoice = event::USER_AUTHORIZE_INVOICE,
        MerchantOrder = event::MERCHANT_ORDER,
        GuideQrcodeScan = event::GUIDE_QRCODE_SCAN_EVENT,
        BetaAppAuthorizationApply = event::BETAAPP_AUTHORIZATION_APPLY_EVENT,
        BetaAppVerifyApply = event::BETAAPP_VERIFY_APPLY_EVENT,
        BetaAppVerify = event::BETAAPP_VERIFY_EVENT,
        WxaAppealRecord = event::WXA_APPEAL_RECORD,
        WxaCategoryAudit = event::WXA_CATEGORY_AUDIT,
        WxaNicknameAudit = event::WXA_NICKNAME_AUDIT,
        WxaPrivacyApply = event::WXA_PRIVACY_APPLY,
        CreateMapPoiAuditInfo = event::CREATE_MAP_POI_AUDIT_INFO,
        WxaCommentBadScore = event::WXA_COMMENT_BAD_SCORE,
        MinigameCoinDeliverCompleted = event::MINIGAME_COIN_DELIVER_COMPLETED,
        ComplaintCallback = event::COMPLAINT_CALLBACK,
        BookAudit = event::SECBOOK_AUDIT_EVENT,
        TradeManageOrderSettlement = event::TRADE_MANAGE_ORDER_SETTLEMENT,
        TradeManageRemindAccessApi = event::TRADE_MANAGE_REMIND_ACCESS_API,
        TradeManageRemindShipping = event::TRADE_MANAGE_REMIND_SHIPPING,
        DramaAudit = event::SECVOD_AUDIT_EVENT,
        DramaUpload = event::SECVOD_UPLOAD_EVENT,
        XpayCoinPayNotify = event::XPAY_COIN_PAY_NOTIFY,
        XpayGoodsDeliverNotify = event::XPAY_GOODS_DELIVER_NOTIFY,
        XpayRefundNotify = event::XPAY_REFUND_NOTIFY,
        ShakearoundUserShake = event::SHAKEAROUND_USER_SHAKE,
        WifiConnected = event::WIFI_CONNECTED,
        PoiCheckNotify = event::POI_CHECK_NOTIFY,
        CardPayOrder = event::CARD_PAY_ORDER,
        ApplyMerchantAuditInfo = event::APPLY_MERCHANT_AUDIT_INFO,
        AddStoreAuditInfo = event::ADD_STORE_AUDIT_INFO,
        ModifyStoreAuditInfo = event::MODIFY_STORE_AUDIT_INFO,
    }
}
