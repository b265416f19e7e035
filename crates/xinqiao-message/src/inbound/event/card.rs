//! Cards and coupons (卡券).

use crate::inbound::field::record;

record! {
    /// The review of a sub-merchant is done (event `card_merchant_check_result`).
    pub struct CardMerchantCheckResult {
        merchant_id: String = "MerchantId",
        is_pass: i64 = "IsPass",
        reason: Option<String> = "Reason",
    }
}

record! {
    /// A card did not pass the review (event `card_not_pass_check`).
    pub struct CardNotPassCheck {
        refuse_reason: String = "RefuseReason",
    }
}

record! {
    /// A card passed the review (event `card_pass_check`).
    pub struct CardPassCheck {
        card_id: String = "CardId",
    }
}

record! {
    /// The stock of a card runs low (event `card_sku_remind`).
    pub struct CardSkuRemind {
        card_id: String = "CardId",
        detail: String = "Detail",
    }
}

record! {
    /// A gift card was bought (event `giftcard_pay_done`).
    pub struct GiftcardPayDone {
        page_id: String = "PageId",
        order_id: String = "OrderId",
    }
}

record! {
    /// A gift card was given (event `giftcard_send_to_friend`).
    pub struct GiftcardSendToFriend {
        page_id: String = "PageId",
        order_id: String = "OrderId",
        is_return_back: i64 = "IsReturnBack",
        is_chat_room: i64 = "IsChatRoom",
    }
}

record! {
    /// A gift card was accepted (event `giftcard_user_accept`).
    pub struct GiftcardUserAccept {
        page_id: String = "PageId",
        order_id: String = "OrderId",
        is_chat_room: i64 = "IsChatRoom",
    }
}

record! {
    /// Coupon points were bought or paid back (event `ORDER_STATUS_FINANCE_SUCC`).
    pub struct OrderFinanceSucceeded {
        order_id: String = "OrderId",
        order_type: String = "OrderType",
        status: String = "Status",
        create_order_time: i64 = "CreateOrderTime",
        pay_finish_time: i64 = "PayFinishTime",
        desc: Option<String> = "Desc",
        free_coin_count: i64 = "FreeCoinCount",
        pay_coin_count: i64 = "PayCoinCount",
        refund_free_coin_count: i64 = "RefundFreeCoinCount",
        refund_pay_coin_count: i64 = "RefundPayCoinCount",
        receipt_info: Option<String> = "ReceiptInfo",
        memo: Option<String> = "Memo",
    }
}

record! {
    /// A user activated a member card (event `submit_membercard_user_info`).
    pub struct SubmitMembercardUserInfo {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
    }
}

record! {
    /// The content of a member card changed (event `update_member_card`).
    pub struct UpdateMemberCard {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
        modify_bonus: Option<i64> = "ModifyBonus",
        modify_balance: Option<i64> = "ModifyBalance",
    }
}

record! {
    /// A card was used (event `user_consume_card`).
    pub struct UserConsumeCard {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
        consume_source: String = "ConsumeSource",
        location_id: Option<i64> = "LocationId",
        location_name: Option<String> = "LocationName",
        staff_openid: Option<String> = "StaffOpenId",
        verify_code: Option<String> = "VerifyCode",
        remark_amount: Option<String> = "RemarkAmount",
        outer_id: Option<String> = "OuterId",
        outer_str: Option<String> = "OuterStr",
    }
}

record! {
    /// A user deleted a card (event `user_del_card`).
    pub struct UserDelCard {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
    }
}

record! {
    /// A user enters the chat from a card (event `user_enter_session_from_card`).
    pub struct UserEnterSessionFromCard {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
    }
}

record! {
    /// A user took a card (event `user_get_card`).
    pub struct UserGetCard {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
        old_user_card_code: Option<String> = "OldUserCardCode",
        unionid: Option<String> = "UnionId",
        is_give_by_friend: i64 = "IsGiveByFriend",
        friend_user_name: Option<String> = "FriendUserName",
        is_restore_member_card: Option<i64> = "IsRestoreMemberCard",
        is_recommend_by_friend: Option<i64> = "IsRecommendByFriend",
        outer_id: Option<String> = "OuterId",
        outer_str: Option<String> = "OuterStr",
    }
}

record! {
    /// A user gives a card away (event `user_gifting_card`).
    pub struct UserGiftingCard {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
        friend_user_name: String = "FriendUserName",
        is_return_back: i64 = "IsReturnBack",
        is_chat_room: i64 = "IsChatRoom",
    }
}

record! {
    /// A user looks at a card (event `user_view_card`).
    pub struct UserViewCard {
        card_id: String = "CardId",
        user_card_code: String = "UserCardCode",
        outer_id: Option<String> = "OuterId",
        outer_str: Option<String> = "OuterStr",
    }
}

record! {
    /// An order of coupon points changed (event `card_pay_order`).
    pub struct CardPayOrder {
        order_id: String = "OrderId",
        status: String = "Status",
        create_order_time: i64 = "CreateOrderTime",
        pay_finish_time: i64 = "PayFinishTime",
        desc: String = "Desc",
        free_coin_count: String = "FreeCoinCount",
        pay_coin_count: String = "PayCoinCount",
        refund_free_coin_count: String = "RefundFreeCoinCount",
        refund_pay_coin_count: String = "RefundPayCoinCount",
        order_type: String = "OrderType",
        memo: String = "Memo",
        receipt_info: String = "ReceiptInfo",
    }
}
