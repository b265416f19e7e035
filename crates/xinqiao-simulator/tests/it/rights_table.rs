//! The table as the page has it, with what each row covers: literals, so that a wrong catalog is noticed.

use crate::rights::{
    Cell::{Apply, No, Yes},
    Row,
};

pub(crate) const ROWS: &[Row] = &[
    Row {
        title: "基础支持-获取access_token",
        cells: [Yes, Yes, Yes, Yes],
        id: "base.token",
        calls: "+/cgi-bin/clear_quota +/cgi-bin/openapi/quota/clear +/cgi-bin/openapi/quota/get \
            +/cgi-bin/openapi/rid/get",
        events: "",
        js: "",
    },
    Row {
        title: "基础支持-获取微信服务器IP地址",
        cells: [Yes, Yes, Yes, Yes],
        id: "base.ip",
        calls: "/cgi-bin/get_api_domain_ip /cgi-bin/getcallbackip +/cgi-bin/callback/check",
        events: "",
        js: "",
    },
    Row {
        title: "接收消息-验证消息真实性、接收普通消息、接收事件推送、接收语音识别结果",
        cells: [Yes, Yes, Yes, Yes],
        id: "msg.receive",
        calls: "",
        events: "event.subscribe event.unsubscribe message.text message.image message.voice message.video \
            message.shortvideo message.location message.link message.file",
        js: "",
    },
    Row {
        title: "发送消息-被动回复消息",
        cells: [Yes, Yes, Yes, Yes],
        id: "msg.passive",
        calls: "",
        events: "",
        js: "",
    },
    Row {
        title: "发送消息-客服接口",
        cells: [No, Yes, No, Yes],
        id: "msg.custom",
        calls: "+/cgi-bin/message/custom/business/send +/cgi-bin/message/custom/business/typing \
            +/cgi-bin/message/custom/send +/cgi-bin/message/custom/typing",
        events: "",
        js: "",
    },
    Row {
        title: "发送消息-群发接口",
        cells: [No, Yes, No, Yes],
        id: "msg.mass",
        calls: "+/cgi-bin/media/uploadimg +/cgi-bin/media/uploadnews +/cgi-bin/media/uploadvideo \
            +/cgi-bin/message/mass/delete +/cgi-bin/message/mass/get +/cgi-bin/message/mass/preview \
            +/cgi-bin/message/mass/send +/cgi-bin/message/mass/sendall /cgi-bin/message/mass/speed/get \
            +/cgi-bin/message/mass/speed/get +/cgi-bin/message/mass/speed/set",
        events: "event.masssendjobfinish",
        js: "",
    },
    Row {
        title: "发送消息-模板消息接口（发送业务通知）",
        cells: [No, No, No, Yes],
        id: "msg.template",
        calls: "+/cgi-bin/message/template/send +/cgi-bin/template/api_add_template +/cgi-bin/template/api_set_industry \
            +/cgi-bin/template/del_private_template /cgi-bin/template/get_all_private_template \
            /cgi-bin/template/get_industry +/wxa/sec/queryblocktmplmsg",
        events: "event.templatesendjobfinish",
        js: "",
    },
    Row {
        title: "发送消息-一次性订阅消息接口",
        cells: [No, Yes, No, Yes],
        id: "msg.once_subscribe",
        calls: "+/cgi-bin/message/template/subscribe",
        events: "",
        js: "",
    },
    Row {
        title: "用户管理-用户分组管理",
        cells: [No, Yes, No, Yes],
        id: "user.group",
        calls: "+/cgi-bin/groups/create +/cgi-bin/groups/delete /cgi-bin/groups/get +/cgi-bin/groups/getid \
            +/cgi-bin/groups/members/batchupdate +/cgi-bin/groups/members/update +/cgi-bin/groups/update \
            +/cgi-bin/tags/create +/cgi-bin/tags/delete /cgi-bin/tags/get +/cgi-bin/tags/getidlist \
            +/cgi-bin/tags/members/batchblacklist +/cgi-bin/tags/members/batchtagging \
            +/cgi-bin/tags/members/batchunblacklist +/cgi-bin/tags/members/batchuntagging \
            +/cgi-bin/tags/members/getblacklist +/cgi-bin/tags/update +/cgi-bin/user/tag/get",
        events: "",
        js: "",
    },
    Row {
        title: "用户管理-设置用户备注名",
        cells: [No, Yes, No, Yes],
        id: "user.remark",
        calls: "+/cgi-bin/user/info/updateremark",
        events: "",
        js: "",
    },
    Row {
        title: "用户管理-获取用户基本信息",
        cells: [No, Yes, No, Yes],
        id: "user.info",
        calls: "/cgi-bin/user/info +/cgi-bin/user/info/batchget",
        events: "",
        js: "",
    },
    Row {
        title: "用户管理-获取用户列表",
        cells: [No, Yes, No, Yes],
        id: "user.list",
        calls: "+/cgi-bin/changeopenid /cgi-bin/user/get",
        events: "",
        js: "",
    },
    Row {
        title: "用户管理-获取用户地理位置",
        cells: [No, No, No, Yes],
        id: "user.location",
        calls: "",
        events: "event.location",
        js: "",
    },
    Row {
        title: "用户管理-网页授权获取用户openid/用户基本信息",
        cells: [No, No, No, Yes],
        id: "web.oauth",
        calls: "",
        events: "",
        js: "",
    },
    Row {
        title: "推广支持-生成带参数二维码",
        cells: [No, No, No, Yes],
        id: "promo.qrcode",
        calls: "+/cgi-bin/qrcode/create",
        events: "event.scan",
        js: "",
    },
    Row {
        title: "推广支持-长链接转短链接口",
        cells: [No, No, No, Yes],
        id: "promo.shorturl",
        calls: "+/cgi-bin/shorturl +/cgi-bin/shorten/fetch +/cgi-bin/shorten/gen",
        events: "",
        js: "",
    },
    Row {
        title: "界面丰富-自定义菜单",
        cells: [No, Yes, Yes, Yes],
        id: "ui.menu",
        calls: "+/cgi-bin/menu/create /cgi-bin/menu/delete /cgi-bin/menu/get",
        events: "event.click event.view event.view_miniprogram event.scancode_push event.scancode_waitmsg \
            event.pic_sysphoto event.pic_photo_or_album event.pic_weixin event.location_select",
        js: "",
    },
    Row {
        title: "素材管理-素材管理接口",
        cells: [No, Yes, No, Yes],
        id: "material",
        calls: "+/cgi-bin/material/add_material +/cgi-bin/material/add_news +/cgi-bin/material/batchget_material \
            +/cgi-bin/material/del_material +/cgi-bin/material/get_material /cgi-bin/material/get_materialcount \
            +/cgi-bin/material/update_news /cgi-bin/media/get /cgi-bin/media/get/jssdk +/cgi-bin/media/upload \
            +/cgi-bin/media/uploadimg",
        events: "",
        js: "",
    },
    Row {
        title: "智能接口-语义理解接口",
        cells: [No, No, No, Yes],
        id: "ai.semantic",
        calls: "+/semantic/semproxy/search +/cgi-bin/media/voice/addvoicetorecofortext \
            +/cgi-bin/media/voice/queryrecoresultfortext +/cgi-bin/media/voice/translatecontent",
        events: "",
        js: "",
    },
    Row {
        title: "多客服-获取多客服消息记录、客服管理",
        cells: [No, No, No, Yes],
        id: "kf.manage",
        calls: "/cgi-bin/customservice/getkflist /customservice/getkflist /cgi-bin/customservice/getonlinekflist \
            /customservice/getonlinekflist +/customservice/kfaccount/add +/cgi-bin/customservice/kfaccount/add \
            /customservice/kfaccount/canceladmin /customservice/kfaccount/del /cgi-bin/customservice/kfaccount/del \
            +/customservice/kfaccount/del +/cgi-bin/customservice/kfaccount/del \
            +/customservice/kfaccount/inviteworker +/cgi-bin/customservice/kfaccount/inviteworker \
            /customservice/kfaccount/setadmin +/customservice/kfaccount/update \
            +/cgi-bin/customservice/kfaccount/update +/customservice/kfaccount/uploadheadimg \
            +/cgi-bin/customservice/kfaccount/uploadheadimg +/customservice/kfsession/close \
            +/customservice/kfsession/create /customservice/kfsession/getsession \
            /customservice/kfsession/getsessionlist /customservice/kfsession/getwaitcase \
            +/customservice/msgrecord/getmsglist +/customservice/msgrecord/getrecord",
        events: "event.kf_create_session event.kf_close_session event.kf_switch_session",
        js: "",
    },
    Row {
        title: "微信支付接口",
        cells: [No, No, No, Apply],
        id: "pay",
        calls: "",
        events: "",
        js: "",
    },
    Row {
        title: "微信小店接口",
        cells: [No, No, No, Apply],
        id: "shop",
        calls: "+/merchant/category/getproperty +/merchant/category/getsku +/merchant/category/getsub \
            +/merchant/common/upload_img +/merchant/create +/merchant/del +/merchant/express/add \
            +/merchant/express/del /merchant/express/getall +/merchant/express/getbyid +/merchant/express/update \
            /merchant/get +/merchant/getbystatus +/merchant/group/add +/merchant/group/del /merchant/group/getall \
            +/merchant/group/getbyid +/merchant/group/productmod +/merchant/group/propertymod \
            +/merchant/modproductstatus +/merchant/order/close +/merchant/order/getbyfilter \
            +/merchant/order/getbyid +/merchant/order/setdelivery +/merchant/shelf/add +/merchant/shelf/del \
            /merchant/shelf/getall +/merchant/shelf/getbyid +/merchant/shelf/mod +/merchant/shelf/setdeliverymod \
            +/merchant/stock/add +/merchant/stock/reduce +/merchant/update",
        events: "event.merchant_order",
        js: "",
    },
    Row {
        title: "微信卡券接口",
        cells: [No, Apply, No, Apply],
        id: "card",
        calls: "+/card/code/checkcode +/card/code/consume +/card/code/decrypt +/card/code/deposit +/card/code/get \
            +/card/code/getdepositcount +/card/code/mark +/card/code/unavailable +/card/code/update \
            +/card/giftcard/maintain/set +/card/giftcard/order/batchget +/card/giftcard/order/get \
            +/card/giftcard/order/refund +/card/giftcard/page/add +/card/giftcard/page/batchget \
            +/card/giftcard/page/get +/card/giftcard/page/update +/card/giftcard/pay/submch/bind \
            +/card/giftcard/pay/whitelist/add +/card/giftcard/pay/wxa/set +/card/giftcard/wxa/set +/card/batchget \
            +/card/boardingpass/checkin +/card/create +/card/delete +/card/generalcard/updateuser +/card/get \
            /card/getapplyprotocol +/card/getcolors +/card/landingpage/create +/card/location/batchadd \
            +/card/location/batchget +/card/luckymoney/updateuserbalance +/card/meetingticket/updateuser \
            +/card/membercard/activate +/card/membercard/activate/geturl +/card/membercard/activatetempinfo/get \
            +/card/membercard/activateuserform/set +/card/membercard/updateuser +/card/membercard/userinfo/get \
            +/card/mkt/activity/create +/card/modifystock +/card/movieticket/updateuser +/card/mpnews/gethtml \
            +/card/pay/activate +/card/pay/confirm +/card/pay/getcoinsinfo +/card/pay/getorder \
            +/card/pay/getorderlist +/card/pay/getpayprice +/card/pay/recharge +/card/paycell/set \
            +/card/paygiftcard/add +/card/paygiftcard/batchget +/card/paygiftcard/delete +/card/paygiftcard/getbyid \
            +/card/paygiftmembercard/add +/card/paygiftmembercard/delete /card/paygiftmembercard/get \
            +/card/qrcode/create +/card/selfconsumecell/set +/card/storewxa/get +/card/storewxa/set \
            +/card/submerchant/batchget +/card/submerchant/get +/card/submerchant/submit +/card/submerchant/update \
            +/card/testwhitelist/set +/card/update +/card/user/getcardlist +/datacube/getcardbizuininfo \
            +/datacube/getcardcardinfo +/datacube/getcardmembercarddetail +/datacube/getcardmembercardinfo",
        events: "event.card_pass_check event.card_not_pass_check event.card_merchant_check_result event.card_pay_order \
            event.card_sku_remind event.user_get_card event.user_gifting_card event.user_del_card \
            event.user_consume_card event.user_pay_from_pay_cell event.user_view_card \
            event.user_enter_session_from_card event.update_member_card event.submit_membercard_user_info \
            event.giftcard_pay_done event.giftcard_send_to_friend event.giftcard_user_accept",
        js: "",
    },
    Row {
        title: "微信设备功能接口",
        cells: [No, No, No, Apply],
        id: "device",
        calls: "+/device/authorize_device +/device/bind +/device/compel_bind +/device/compel_unbind \
            +/device/create_qrcode /device/get_bind_device /device/get_openid /device/getqrcode /device/get_stat \
            +/device/transmsg +/device/unbind +/device/verify_qrcode",
        events: "message.device_text",
        js: "",
    },
    Row {
        title: "微信发票接口",
        cells: [No, Yes, No, Yes],
        id: "invoice",
        calls: "+/card/invoice/biz/getselecttitleurl +/card/invoice/biz/getusertitleurl +/card/invoice/clearoutinvoice \
            +/card/invoice/getauthdata +/card/invoice/getauthurl +/card/invoice/insert \
            +/card/invoice/makeoutinvoice +/card/invoice/platform/createcard +/card/invoice/platform/getpdf \
            +/card/invoice/platform/setpdf +/card/invoice/platform/updatestatus +/card/invoice/queryinvoceinfo \
            +/card/invoice/reimburse/getinvoicebatch +/card/invoice/reimburse/getinvoiceinfo \
            +/card/invoice/reimburse/updateinvoicestatus +/card/invoice/reimburse/updatestatusbatch \
            +/card/invoice/rejectinsert +/card/invoice/scantitle +/card/invoice/setbizattr?action=get_auth_field \
            +/card/invoice/setbizattr?action=get_contact +/card/invoice/setbizattr?action=get_pay_mch \
            +/card/invoice/setbizattr?action=set_auth_field +/card/invoice/setbizattr?action=set_contact \
            +/card/invoice/setbizattr?action=set_pay_mch +/card/invoice/seturl +/nontax/createbillcard \
            +/nontax/downloadbill +/nontax/getbillauthurl +/nontax/getorder +/nontax/getorderlist \
            +/nontax/getrealname +/nontax/insertbill +/nontax/micropay +/nontax/mocknotification \
            +/nontax/mockqueryfee +/nontax/notifyinconsistentorder +/nontax/queryfee +/nontax/refund \
            +/nontax/unifiedorder +/nontax/vehicle/entrancenotify +/nontax/vehicle/payapply \
            +/nontax/vehicle/querystate",
        events: "event.user_authorize_invoice event.submit_invoice_title event.update_invoice_status \
            event.cloud_invoice_invoiceresult_event",
        js: "",
    },
    Row {
        title: "微信JS-SDK-基础接口",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.base",
        calls: "/cgi-bin/ticket/getticket?type=jsapi",
        events: "",
        js: "checkJsApi",
    },
    Row {
        title: "微信JS-SDK-分享接口",
        cells: [No, Yes, No, Yes],
        id: "js.share",
        calls: "",
        events: "",
        js: "updateAppMessageShareData updateTimelineShareData onMenuShareTimeline onMenuShareAppMessage \
            onMenuShareQQ onMenuShareWeibo onMenuShareQZone",
    },
    Row {
        title: "微信JS-SDK-图像接口",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.image",
        calls: "",
        events: "",
        js: "chooseImage previewImage uploadImage downloadImage getLocalImgData",
    },
    Row {
        title: "微信JS-SDK-音频接口",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.audio",
        calls: "",
        events: "",
        js: "startRecord stopRecord onVoiceRecordEnd playVoice pauseVoice stopVoice onVoicePlayEnd uploadVoice \
            downloadVoice",
    },
    Row {
        title: "微信JS-SDK-智能接口（网页语音识别）",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.voice_recognition",
        calls: "",
        events: "",
        js: "translateVoice",
    },
    Row {
        title: "微信JS-SDK-设备信息",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.device_info",
        calls: "",
        events: "",
        js: "getNetworkType",
    },
    Row {
        title: "微信JS-SDK-地理位置",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.location",
        calls: "",
        events: "",
        js: "openLocation getLocation",
    },
    Row {
        title: "微信JS-SDK-界面操作",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.ui",
        calls: "",
        events: "",
        js: "hideOptionMenu showOptionMenu hideMenuItems showMenuItems hideAllNonBaseMenuItem showAllNonBaseMenuItem \
            closeWindow",
    },
    Row {
        title: "微信JS-SDK-微信扫一扫",
        cells: [Yes, Yes, Yes, Yes],
        id: "js.scan",
        calls: "",
        events: "",
        js: "scanQRCode",
    },
    Row {
        title: "微信JS-SDK-微信小店",
        cells: [No, No, No, Yes],
        id: "js.shop",
        calls: "",
        events: "",
        js: "openProductSpecificView",
    },
    Row {
        title: "微信JS-SDK-微信卡券",
        cells: [No, Yes, No, Yes],
        id: "js.card",
        calls: "/cgi-bin/ticket/getticket?type=wx_card",
        events: "",
        js: "chooseCard addCard openCard consumeAndShareCard",
    },
    Row {
        title: "微信JS-SDK-微信支付",
        cells: [No, No, No, Yes],
        id: "js.pay",
        calls: "",
        events: "",
        js: "chooseWXPay",
    },
];
