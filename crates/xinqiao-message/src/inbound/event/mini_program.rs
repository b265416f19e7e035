//! Mini programs.

use crate::inbound::field::record;

record! {
    /// The group `result`.
    pub struct WxaMediaCheckResult {
        suggest: String = "suggest",
        label: i64 = "label",
    }
}

record! {
    /// The group `detail`.
    pub struct WxaMediaCheckDetail {
        strategy: String = "strategy",
        errcode: i64 = "errcode",
        suggest: String = "suggest",
        label: i64 = "label",
        prob: i64 = "prob",
    }
}

record! {
    /// The result of an asynchronous content check (event `wxa_media_check`).
    pub struct WxaMediaCheck {
        appid: String = "appid",
        trace_id: String = "trace_id",
        version: i64 = "version",
        result: WxaMediaCheckResult = "result",
        detail: Vec<WxaMediaCheckDetail> = "detail",
        isrisky: Option<i64> = "isrisky",
        extra_info_json: Option<String> = "extra_info_json",
        status_code: Option<i64> = "status_code",
    }
}

record! {
    /// The code of a mini program passed the review (event `weapp_audit_success`).
    pub struct WeappAuditSuccess {
        succ_time: i64 = "SuccTime",
    }
}

record! {
    /// The code of a mini program was refused (event `weapp_audit_fail`).
    pub struct WeappAuditFail {
        reason: String = "Reason",
        fail_time: i64 = "FailTime",
        screen_shot: Option<String> = "ScreenShot",
    }
}

record! {
    /// The review of a mini program takes longer (event `weapp_audit_delay`).
    pub struct WeappAuditDelay {
        reason: String = "Reason",
        delay_time: i64 = "DelayTime",
    }
}

record! {
    /// A user paid with a card (event `user_pay_from_pay_cell`).
    pub struct UserPayFromPayCell {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
        trans_id: Option<String> = "TransId",
        location_id: Option<i64> = "LocationId",
        location_name: Option<String> = "LocationName",
        fee: i64 = "Fee",
        original_fee: i64 = "OriginalFee",
    }
}

record! {
    /// The group `result`.
    pub struct WxaCommentBadScoreResult {
        comment_id: String = "comment_id",
    }
}

record! {
    /// A user left a bad rating (event `wxa_comment_bad_score`).
    pub struct WxaCommentBadScore {
        result: WxaCommentBadScoreResult = "result",
    }
}

record! {
    /// The group `MiniGame`.
    pub struct MiniGame {
        payload: String = "Payload",
        pay_event_sig: String = "PayEventSig",
        is_mock: i64 = "IsMock",
    }
}

record! {
    /// Coins of a mini game were delivered (event `minigame_coin_deliver_completed`).
    pub struct MinigameCoinDeliverCompleted {
        mini_game: MiniGame = "MiniGame",
    }
}

record! {
    /// The group `history`.
    pub struct BussiCallBackInfoHistory {
        time: i64 = "time",
        content: Option<String> = "content",
        media_id_list: Vec<String> = "media_id_list",
    }
}

record! {
    /// The group `BussiCallBackInfo`.
    pub struct BussiCallBackInfo {
        appid: String = "appid",
        option_type: String = "option_type",
        complaint_order_id: i64 = "complaint_order_id",
        open_id: String = "open_id",
        type_: i64 = "type",
        status: i64 = "status",
        phone_number: String = "phone_number",
        customer_material_content: Option<String> = "customer_material_content",
        customer_material_media_id_list: Option<String> = "customer_material_media_id_list",
        order_id: String = "order_id",
        out_trade_no: String = "out_trade_no",
        product_name: String = "product_name",
        pay_time: i64 = "pay_time",
        total_cost: i64 = "total_cost",
        create_time: i64 = "create_time",
        expire_time: i64 = "expire_time",
        history: Vec<BussiCallBackInfoHistory> = "history",
    }
}

record! {
    /// A complaint about a transaction changes its state (event `complaint_callback`).
    pub struct ComplaintCallback {
        bussi_call_back_info: BussiCallBackInfo = "BussiCallBackInfo",
    }
}

record! {
    /// The group `audit_detail`.
    pub struct BookAuditDetailState {
        status: i64 = "status",
        create_time: i64 = "create_time",
        audit_time: i64 = "audit_time",
    }
}

record! {
    /// The group `audit_event`.
    pub struct BookAuditDetail {
        book_id: String = "book_id",
        audit_detail: BookAuditDetailState = "audit_detail",
    }
}

record! {
    /// The review of a book is done (event `secbook_audit_event`).
    pub struct BookAudit {
        audit_event: BookAuditDetail = "audit_event",
    }
}

record! {
    /// An order is about to be settled, or was (event `trade_manage_order_settlement`).
    pub struct TradeManageOrderSettlement {
        shipped_time: i64 = "shipped_time",
        estimated_settlement_time: Option<i64> = "estimated_settlement_time",
        confirm_receive_method: Option<i64> = "confirm_receive_method",
        confirm_receive_time: Option<i64> = "confirm_receive_time",
        settlement_time: Option<i64> = "settlement_time",
    }
}

record! {
    /// The account must connect the shipping interface (event `trade_manage_remind_access_api`).
    pub struct TradeManageRemindAccessApi {
        msg: Option<String> = "msg",
    }
}

record! {
    /// An order waits for its shipping data (event `trade_manage_remind_shipping`).
    pub struct TradeManageRemindShipping {
        merchant_id: String = "merchant_id",
        sub_merchant_id: Option<String> = "sub_merchant_id",
        merchant_trade_no: String = "merchant_trade_no",
        transaction_id: String = "transaction_id",
        pay_time: i64 = "pay_time",
        msg: Option<String> = "msg",
    }
}

record! {
    /// The group `audit_detail`.
    pub struct DramaAuditDetailState {
        audit_type: i64 = "audit_type",
        status: i64 = "status",
        create_time: i64 = "create_time",
        audit_time: i64 = "audit_time",
    }
}

record! {
    /// The group `audit_event`.
    pub struct DramaAuditDetail {
        drama_id: String = "drama_id",
        audit_detail: DramaAuditDetailState = "audit_detail",
    }
}

record! {
    /// The review of a short drama is done (event `secvod_audit_event`).
    pub struct DramaAudit {
        audit_event: DramaAuditDetail = "audit_event",
    }
}

record! {
    /// The group `upload_event`.
    pub struct DramaUploadDetail {
        media_id: String = "media_id",
        source_context: String = "source_context",
        errcode: i64 = "errcode",
        errmsg: Option<String> = "errmsg",
    }
}

record! {
    /// The upload of a short drama is done (event `secvod_upload_event`).
    pub struct DramaUpload {
        upload_event: DramaUploadDetail = "upload_event",
    }
}

record! {
    /// The group `WeChatPayInfo`.
    pub struct WeChatPayInfo {
        mch_order_no: String = "MchOrderNo",
        transaction_id: String = "TransactionId",
        paid_time: i64 = "PaidTime",
    }
}

record! {
    /// The group `CoinInfo`.
    pub struct CoinInfo {
        quantity: i64 = "Quantity",
        orig_price: i64 = "OrigPrice",
        actual_price: i64 = "ActualPrice",
        attach: Option<String> = "Attach",
    }
}

record! {
    /// Virtual payment: coins were bought (event `xpay_coin_pay_notify`).
    pub struct XpayCoinPayNotify {
        openid: String = "OpenId",
        out_trade_no: String = "OutTradeNo",
        env: i64 = "Env",
        we_chat_pay_info: Option<WeChatPayInfo> = "WeChatPayInfo",
        coin_info: Option<CoinInfo> = "CoinInfo",
    }
}

record! {
    /// The group `GoodsInfo`.
    pub struct GoodsInfo {
        product_id: String = "ProductId",
        quantity: i64 = "Quantity",
        orig_price: i64 = "OrigPrice",
        actual_price: i64 = "ActualPrice",
        attach: Option<String> = "Attach",
    }
}

record! {
    /// Virtual payment: goods are to be delivered (event `xpay_goods_deliver_notify`).
    pub struct XpayGoodsDeliverNotify {
        openid: String = "OpenId",
        out_trade_no: String = "OutTradeNo",
        env: i64 = "Env",
        we_chat_pay_info: Option<WeChatPayInfo> = "WeChatPayInfo",
        goods_info: Option<GoodsInfo> = "GoodsInfo",
    }
}

record! {
    /// Virtual payment: a refund is done (event `xpay_refund_notify`).
    pub struct XpayRefundNotify {
        openid: String = "OpenId",
        mch_refund_id: String = "MchRefundId",
        wx_refund_id: String = "WxRefundId",
        mch_order_id: String = "MchOrderId",
        wx_order_id: String = "WxOrderId",
        wxpay_refund_transaction_id: Option<String> = "WxpayRefundTransactionId",
        refund_fee: i64 = "RefundFee",
        ret_code: i64 = "RetCode",
        ret_msg: Option<String> = "RetMsg",
        refund_start_timestamp: i64 = "RefundStartTimestamp",
        refund_succ_timestamp: Option<i64> = "RefundSuccTimestamp",
        retry_times: i64 = "RetryTimes",
    }
}
