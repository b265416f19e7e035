// @generated from what the simulator's features declare. Not edited by hand: `WRITE_DECLARED=1 cargo test -p xinqiao-simulator declared` writes it.
import type { Declared } from "./types";

/** Fields of the bubbles of each kind. */
export interface Bubbles {
  hardware: { message_view: string; message_action?: string };
  image: { media_id: string; url?: string };
  interactive_taskcard: { title: string; description?: string; url?: string; task_id?: string; btn?: { key: string; name: string }[] };
  link: { title: string; description?: string; url?: string; thumb_url?: string };
  location: { lat: number; lng: number; scale?: number; label?: string };
  markdown: { content: string };
  miniprogram_notice: { title: string; description?: string; appid?: string; page?: string; emphasis_first_item?: boolean; content_item?: { key: string; value: string }[] };
  miniprogrampage: { title?: string; appid: string; pagepath: string; thumb_media_id?: string };
  mpnews: { media_id: string };
  mpnewsarticle: { article_id: string };
  msgmenu: { head_content?: string; list: { id: string; content: string }[]; tail_content?: string };
  music: { title?: string; description?: string; url?: string; hq_url?: string; thumb_media_id?: string };
  news: { articles: { title: string; description?: string; url?: string; picurl?: string; appid?: string; pagepath?: string; btntxt?: string }[] };
  shortvideo: { media_id: string; thumb_media_id?: string; title?: string; description?: string };
  template: { title?: string; url?: string; data: unknown; lines?: { name: string; value: string }[]; appid?: string; pagepath?: string };
  template_card: { card_type: string; source?: unknown; main_title?: unknown; emphasis_content?: unknown; quote_area?: unknown; card_image?: unknown; image_text_area?: unknown; sub_title_text?: string; vertical_content_list?: unknown; horizontal_content_list?: unknown; jump_list?: unknown; card_action?: unknown; button_list?: unknown; button_selection?: unknown; checkbox?: unknown; select_list?: unknown; submit_button?: unknown; task_id?: string };
  template_msg: { template_id: string; url?: string; miniprogram?: unknown; content_item?: { key: string; value: string }[] };
  text: { content: string };
  textcard: { title: string; description: string; url: string; btntxt?: string };
  video: { media_id: string; thumb_media_id?: string; title?: string; description?: string };
  voice: { media_id: string; recognition?: string };
  wxcard: { card_id: string };
}

/** What each sheet is opened with. */
export interface Sheets {
  cashier: Record<never, never>;
  page: { url: string; title: string; from?: string };
}

/** Facts that a row of the timeline may have. */
export interface Facts {
  call: { endpoint: string; method: string; host: string; path: string; fidelity: string; client: string; errcode?: number };
  callback: { delivery: string; attempt: number; of: number; url: string; mode: string; msg_type: string; event?: string; msg_id?: string };
  js_call: { name: string; page: string; params?: unknown; answer: string };
  payment: { merchant: string; out_trade_no: string; description: string; total: number };
}

/** What an act takes besides its account. */
export interface Acts {
  block_templates: { allow?: boolean };
  browse: { from?: string; url: string };
  click: { count?: number; key?: string; label?: string; lat?: number; lng?: number; precision?: number; result?: string; url?: string };
  confirm_once: { consent?: boolean; redirect_url?: string; reserved?: string; scene: number };
  enter: Record<never, never>;
  follow: Record<never, never>;
  js_config: { apis?: unknown; nonce: string; signature: string; timestamp: string; url: string };
  open: { consent?: boolean; from?: string; url: string };
  pay: { app?: unknown; code_url?: string; h5_url?: string; jsapi?: unknown; look?: boolean; prepay_id?: string };
  scan: { ticket: string };
  send: { message: unknown };
  subscribe: { settings?: boolean; templates: unknown };
  unfollow: Record<never, never>;
}

/** What a row of the timeline is about. */
export type RowKind = "act" | "call" | "callback" | "js_sdk" | "reply" | "system" | "web_login";

/** Kinds of diagnoses. */
export type DiagnosisKind = "call" | "callback" | "js_sdk" | "pay_signature" | "web_login";

/** What an account's page shows. */
export type CardName = "authorizations" | "corp" | "followers" | "material" | "qr_codes" | "tags" | "templates";

/** The same with the words for people. */
export const declared: Declared = {
  bubbles: {
    hardware: {"kind":"hardware","title":{"zh":"硬件消息","en":"Device message"},"line":"[硬件] {message_view}","fields":[{"name":"message_view","title":{"zh":"展示","en":"View"},"holds":"text","optional":false},{"name":"message_action","title":{"zh":"动作","en":"Action"},"holds":"text","optional":true}]},
    image: {"kind":"image","title":{"zh":"图片","en":"Picture"},"line":"[图片]","fields":[{"name":"media_id","title":{"zh":"文件","en":"File"},"holds":"text","optional":false},{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":true}]},
    interactive_taskcard: {"kind":"interactive_taskcard","title":{"zh":"任务卡片（旧）","en":"Task card (old)"},"line":"[任务] {title}","fields":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":false},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":true},{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":true},{"name":"task_id","title":{"zh":"任务","en":"Task"},"holds":"text","optional":true},{"name":"btn","title":{"zh":"按钮","en":"Buttons"},"holds":{"list":[{"name":"key","title":{"zh":"键","en":"Key"},"holds":"text","optional":false},{"name":"name","title":{"zh":"名称","en":"Name"},"holds":"text","optional":false}]},"optional":true}]},
    link: {"kind":"link","title":{"zh":"链接","en":"Link"},"line":"[链接] {title}","fields":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":false},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":true},{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":true},{"name":"thumb_url","title":{"zh":"缩略图","en":"Thumbnail"},"holds":"text","optional":true}]},
    location: {"kind":"location","title":{"zh":"位置","en":"Location"},"line":"[位置] {label}","fields":[{"name":"lat","title":{"zh":"纬度","en":"Latitude"},"holds":"number","optional":false},{"name":"lng","title":{"zh":"经度","en":"Longitude"},"holds":"number","optional":false},{"name":"scale","title":{"zh":"缩放","en":"Scale"},"holds":"number","optional":true},{"name":"label","title":{"zh":"地点","en":"Place"},"holds":"text","optional":true}]},
    markdown: {"kind":"markdown","title":{"zh":"Markdown","en":"Markdown"},"line":"{content}","fields":[{"name":"content","title":{"zh":"内容","en":"Content"},"holds":"text","optional":false}]},
    miniprogram_notice: {"kind":"miniprogram_notice","title":{"zh":"小程序通知","en":"Mini program notice"},"line":"[小程序] {title}","fields":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":false},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":true},{"name":"appid","title":{"zh":"小程序","en":"Mini program"},"holds":"text","optional":true},{"name":"page","title":{"zh":"页面","en":"Page"},"holds":"text","optional":true},{"name":"emphasis_first_item","title":{"zh":"放大第一项","en":"First line large"},"holds":"flag","optional":true},{"name":"content_item","title":{"zh":"内容","en":"Content"},"holds":{"list":[{"name":"key","title":{"zh":"名称","en":"Name"},"holds":"text","optional":false},{"name":"value","title":{"zh":"值","en":"Value"},"holds":"text","optional":false}]},"optional":true}]},
    miniprogrampage: {"kind":"miniprogrampage","title":{"zh":"小程序卡片","en":"Page of a mini program"},"line":"[小程序] {title}","fields":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":true},{"name":"appid","title":{"zh":"小程序","en":"Mini program"},"holds":"text","optional":false},{"name":"pagepath","title":{"zh":"页面","en":"Page"},"holds":"text","optional":false},{"name":"thumb_media_id","title":{"zh":"缩略图","en":"Thumbnail"},"holds":"text","optional":true}]},
    mpnews: {"kind":"mpnews","title":{"zh":"图文（素材）","en":"Articles of the library"},"line":"[图文]","fields":[{"name":"media_id","title":{"zh":"素材","en":"Material"},"holds":"text","optional":false}]},
    mpnewsarticle: {"kind":"mpnewsarticle","title":{"zh":"图文（已发布）","en":"Published article"},"line":"[图文]","fields":[{"name":"article_id","title":{"zh":"文章","en":"Article"},"holds":"text","optional":false}]},
    msgmenu: {"kind":"msgmenu","title":{"zh":"菜单消息","en":"Menu message"},"line":"{head_content}","fields":[{"name":"head_content","title":{"zh":"开头","en":"Head"},"holds":"text","optional":true},{"name":"list","title":{"zh":"选项","en":"Choices"},"holds":{"list":[{"name":"id","title":{"zh":"编号","en":"id"},"holds":"text","optional":false},{"name":"content","title":{"zh":"内容","en":"Content"},"holds":"text","optional":false}]},"optional":false},{"name":"tail_content","title":{"zh":"结尾","en":"Tail"},"holds":"text","optional":true}]},
    music: {"kind":"music","title":{"zh":"音乐","en":"Music"},"line":"[音乐] {title}","fields":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":true},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":true},{"name":"url","title":{"zh":"音乐链接","en":"Music"},"holds":"text","optional":true},{"name":"hq_url","title":{"zh":"高品质音乐链接","en":"Music of high quality"},"holds":"text","optional":true},{"name":"thumb_media_id","title":{"zh":"缩略图","en":"Thumbnail"},"holds":"text","optional":true}]},
    news: {"kind":"news","title":{"zh":"图文","en":"Articles"},"line":"[图文] {articles.title}","fields":[{"name":"articles","title":{"zh":"文章","en":"Articles"},"holds":{"list":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":false},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":true},{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":true},{"name":"picurl","title":{"zh":"图片","en":"Picture"},"holds":"text","optional":true},{"name":"appid","title":{"zh":"小程序","en":"Mini program"},"holds":"text","optional":true},{"name":"pagepath","title":{"zh":"小程序页面","en":"Page of it"},"holds":"text","optional":true},{"name":"btntxt","title":{"zh":"按钮","en":"Button"},"holds":"text","optional":true}]},"optional":false}]},
    shortvideo: {"kind":"shortvideo","title":{"zh":"小视频","en":"Short video"},"line":"[视频]","fields":[{"name":"media_id","title":{"zh":"文件","en":"File"},"holds":"text","optional":false},{"name":"thumb_media_id","title":{"zh":"缩略图","en":"Thumbnail"},"holds":"text","optional":true},{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":true},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":true}]},
    template: {"kind":"template","title":{"zh":"模板消息","en":"Template message"},"line":"[模板消息] {title}","fields":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":true},{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":true},{"name":"data","title":{"zh":"内容","en":"Content"},"holds":"any","optional":false},{"name":"lines","title":{"zh":"各行","en":"Lines"},"holds":{"list":[{"name":"name","title":{"zh":"名称","en":"Name"},"holds":"text","optional":false},{"name":"value","title":{"zh":"内容","en":"Value"},"holds":"text","optional":false}]},"optional":true},{"name":"appid","title":{"zh":"小程序","en":"Mini program"},"holds":"text","optional":true},{"name":"pagepath","title":{"zh":"小程序页面","en":"Page of it"},"holds":"text","optional":true}]},
    template_card: {"kind":"template_card","title":{"zh":"模板卡片","en":"Template card"},"line":"[卡片] {main_title.title}","fields":[{"name":"card_type","title":{"zh":"卡片类型","en":"Card type"},"holds":"text","optional":false},{"name":"source","title":{"zh":"来源","en":"Source"},"holds":"any","optional":true},{"name":"main_title","title":{"zh":"主标题","en":"Main title"},"holds":"any","optional":true},{"name":"emphasis_content","title":{"zh":"关键数据","en":"Key figure"},"holds":"any","optional":true},{"name":"quote_area","title":{"zh":"引用","en":"Quotation"},"holds":"any","optional":true},{"name":"card_image","title":{"zh":"图片","en":"Picture"},"holds":"any","optional":true},{"name":"image_text_area","title":{"zh":"左图右文","en":"Picture and text"},"holds":"any","optional":true},{"name":"sub_title_text","title":{"zh":"二级文本","en":"Subtitle"},"holds":"text","optional":true},{"name":"vertical_content_list","title":{"zh":"纵向内容","en":"Paragraphs"},"holds":"any","optional":true},{"name":"horizontal_content_list","title":{"zh":"横向内容","en":"Lines"},"holds":"any","optional":true},{"name":"jump_list","title":{"zh":"跳转","en":"Links"},"holds":"any","optional":true},{"name":"card_action","title":{"zh":"整体跳转","en":"Link of the card"},"holds":"any","optional":true},{"name":"button_list","title":{"zh":"按钮","en":"Buttons"},"holds":"any","optional":true},{"name":"button_selection","title":{"zh":"下拉选项","en":"Selection"},"holds":"any","optional":true},{"name":"checkbox","title":{"zh":"选择题","en":"Check boxes"},"holds":"any","optional":true},{"name":"select_list","title":{"zh":"多项选择","en":"Selections"},"holds":"any","optional":true},{"name":"submit_button","title":{"zh":"提交","en":"Submit"},"holds":"any","optional":true},{"name":"task_id","title":{"zh":"任务","en":"Task"},"holds":"text","optional":true}]},
    template_msg: {"kind":"template_msg","title":{"zh":"模板消息","en":"Template message"},"line":"[模板消息]","fields":[{"name":"template_id","title":{"zh":"模板","en":"Template"},"holds":"text","optional":false},{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":true},{"name":"miniprogram","title":{"zh":"小程序","en":"Mini program"},"holds":"any","optional":true},{"name":"content_item","title":{"zh":"内容","en":"Content"},"holds":{"list":[{"name":"key","title":{"zh":"名称","en":"Name"},"holds":"text","optional":false},{"name":"value","title":{"zh":"值","en":"Value"},"holds":"text","optional":false}]},"optional":true}]},
    text: {"kind":"text","title":{"zh":"文本","en":"Text"},"line":"{content}","fields":[{"name":"content","title":{"zh":"内容","en":"Content"},"holds":"text","optional":false}]},
    textcard: {"kind":"textcard","title":{"zh":"文本卡片","en":"Text card"},"line":"[卡片] {title}","fields":[{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":false},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":false},{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":false},{"name":"btntxt","title":{"zh":"按钮","en":"Button"},"holds":"text","optional":true}]},
    video: {"kind":"video","title":{"zh":"视频","en":"Video"},"line":"[视频]","fields":[{"name":"media_id","title":{"zh":"文件","en":"File"},"holds":"text","optional":false},{"name":"thumb_media_id","title":{"zh":"缩略图","en":"Thumbnail"},"holds":"text","optional":true},{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":true},{"name":"description","title":{"zh":"描述","en":"Description"},"holds":"text","optional":true}]},
    voice: {"kind":"voice","title":{"zh":"语音","en":"Voice"},"line":"[语音]","fields":[{"name":"media_id","title":{"zh":"文件","en":"File"},"holds":"text","optional":false},{"name":"recognition","title":{"zh":"识别结果","en":"Recognised text"},"holds":"text","optional":true}]},
    wxcard: {"kind":"wxcard","title":{"zh":"卡券","en":"Card"},"line":"[卡券]","fields":[{"name":"card_id","title":{"zh":"卡券","en":"Card"},"holds":"text","optional":false}]},
  },
  sheets: {
    cashier: {"name":"cashier","title":{"zh":"收银台","en":"Cashier"},"kinds":["service","subscription","miniprogram","mobileapp","website"],"tray":true,"fields":[]},
    page: {"name":"page","title":{"zh":"网页","en":"Page"},"kinds":[],"tray":false,"fields":[{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":false},{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":false},{"name":"from","title":{"zh":"从哪里打开","en":"Opened from"},"holds":"text","optional":true}]},
  },
  rows: {
    act: {"name":"act","title":{"zh":"操作","en":"Act"},"sign":"●","side":"person"},
    call: {"name":"call","title":{"zh":"接口调用","en":"Call"},"sign":"←","side":"call"},
    callback: {"name":"callback","title":{"zh":"推送","en":"Callback"},"sign":"→","side":"push"},
    js_sdk: {"name":"js_sdk","title":{"zh":"JS-SDK","en":"JS-SDK"},"sign":"⌘","side":"world"},
    reply: {"name":"reply","title":{"zh":"回复","en":"Reply"},"sign":"⤷","side":"answer"},
    system: {"name":"system","title":{"zh":"平台","en":"Platform"},"sign":"·","side":"world"},
    web_login: {"name":"web_login","title":{"zh":"网页授权","en":"Web login"},"sign":"⇢","side":"world"},
  },
  facts: {
    call: {"name":"call","title":{"zh":"接口调用","en":"Call"},"fields":[{"name":"endpoint","title":{"zh":"接口","en":"Endpoint"},"holds":"text","optional":false},{"name":"method","title":{"zh":"方法","en":"Method"},"holds":"text","optional":false},{"name":"host","title":{"zh":"域名","en":"Host"},"holds":"text","optional":false},{"name":"path","title":{"zh":"路径","en":"Path"},"holds":"text","optional":false},{"name":"fidelity","title":{"zh":"仿真程度","en":"Fidelity"},"holds":{"choice":[{"word":"stateful","title":{"zh":"有状态","en":"Stateful"}},{"word":"modelled","title":{"zh":"按规则计算","en":"Modelled"}},{"word":"fallback","title":{"zh":"只按结构回答","en":"From its schema only"}},{"word":"none","title":{"zh":"没有这个接口","en":"No such endpoint"}}]},"optional":false},{"name":"client","title":{"zh":"调用者","en":"Client"},"holds":"text","optional":false},{"name":"errcode","title":{"zh":"错误码","en":"Error code"},"holds":"number","optional":true}]},
    callback: {"name":"callback","title":{"zh":"推送","en":"Callback"},"fields":[{"name":"delivery","title":{"zh":"投递","en":"Delivery"},"holds":"text","optional":false},{"name":"attempt","title":{"zh":"第几次","en":"Attempt"},"holds":"number","optional":false},{"name":"of","title":{"zh":"最多几次","en":"Of"},"holds":"number","optional":false},{"name":"url","title":{"zh":"回调地址","en":"Callback URL"},"holds":"text","optional":false},{"name":"mode","title":{"zh":"加密方式","en":"Encryption"},"holds":{"choice":[{"word":"plain","title":{"zh":"明文模式","en":"Plain"}},{"word":"compat","title":{"zh":"兼容模式","en":"Compatible"}},{"word":"safe","title":{"zh":"安全模式","en":"Safe"}}]},"optional":false},{"name":"msg_type","title":{"zh":"消息类型","en":"Message type"},"holds":"text","optional":false},{"name":"event","title":{"zh":"事件","en":"Event"},"holds":"text","optional":true},{"name":"msg_id","title":{"zh":"MsgId","en":"MsgId"},"holds":"text","optional":true}]},
    js_call: {"name":"js_call","title":{"zh":"网页的调用","en":"Call of a page"},"fields":[{"name":"name","title":{"zh":"接口","en":"Function"},"holds":"text","optional":false},{"name":"page","title":{"zh":"页面","en":"Page"},"holds":"text","optional":false},{"name":"params","title":{"zh":"参数","en":"Parameters"},"holds":"any","optional":true},{"name":"answer","title":{"zh":"结果","en":"Answer"},"holds":"text","optional":false}]},
    payment: {"name":"payment","title":{"zh":"支付","en":"Payment"},"fields":[{"name":"merchant","title":{"zh":"商户号","en":"Merchant"},"holds":"text","optional":false},{"name":"out_trade_no","title":{"zh":"商户订单号","en":"out_trade_no"},"holds":"text","optional":false},{"name":"description","title":{"zh":"商品","en":"Goods"},"holds":"text","optional":false},{"name":"total","title":{"zh":"金额","en":"Amount"},"holds":"money","optional":false}]},
  },
  diagnoses: {
    call: {"name":"call","title":{"zh":"接口调用","en":"Call"},"rules":["call","credential","errcode","fault","interaction","media","permission","quota"],"fields":[{"name":"received","title":{"zh":"收到","en":"Received"},"holds":"text","optional":true},{"name":"expected","title":{"zh":"应该是","en":"Should be"},"holds":"text","optional":true}]},
    callback: {"name":"callback","title":{"zh":"推送与回复","en":"Callback and reply"},"rules":["callback","reply"],"fields":[{"name":"received","title":{"zh":"应用回答","en":"The app answered"},"holds":"text","optional":true},{"name":"expected","title":{"zh":"应该是","en":"Should be"},"holds":"text","optional":true}]},
    js_sdk: {"name":"js_sdk","title":{"zh":"JS-SDK","en":"JS-SDK"},"rules":["jssdk"],"fields":[{"name":"received","title":{"zh":"收到的","en":"Received"},"holds":"text","optional":true},{"name":"expected","title":{"zh":"应该是","en":"Should be"},"holds":"text","optional":true}]},
    pay_signature: {"name":"pay_signature","title":{"zh":"支付签名","en":"Payment signature"},"rules":["pay.signature.mismatch"],"fields":[{"name":"received","title":{"zh":"带来的签名","en":"Signature that came"},"holds":"text","optional":true},{"name":"expected","title":{"zh":"被签名的串","en":"What is signed"},"holds":"text","optional":true}]},
    web_login: {"name":"web_login","title":{"zh":"网页授权","en":"Web login"},"rules":["web_login"],"fields":[{"name":"received","title":{"zh":"链接里是","en":"In the link"},"holds":"text","optional":true},{"name":"expected","title":{"zh":"应该是","en":"Should be"},"holds":"text","optional":true}]},
  },
  cards: {
    authorizations: {"name":"authorizations","title":{"zh":"授权的账号","en":"Accounts that authorized"},"kinds":["component"],"path":"/accounts/{appid}/authorizations","fields":[{"name":"account","title":{"zh":"账号","en":"Account"},"holds":"text","optional":false},{"name":"since","title":{"zh":"授权时间","en":"Since"},"holds":"time","optional":false},{"name":"receives_messages","title":{"zh":"代收消息","en":"Receives its messages"},"holds":"flag","optional":false},{"name":"functions","title":{"zh":"权限集","en":"Permission sets"},"holds":"any","optional":false}]},
    corp: {"name":"corp","title":{"zh":"所在企业","en":"Corporation"},"kinds":["corp"],"path":"","fields":[{"name":"corpid","title":{"zh":"企业 ID","en":"corpid"},"holds":"text","optional":false},{"name":"agentid","title":{"zh":"应用 ID","en":"Agentid"},"holds":"number","optional":false}]},
    followers: {"name":"followers","title":{"zh":"粉丝","en":"Followers"},"kinds":["subscription","service"],"path":"","fields":[{"name":"followers","title":{"zh":"关注人数","en":"People who follow"},"holds":"number","optional":false}]},
    material: {"name":"material","title":{"zh":"永久素材","en":"Permanent material"},"kinds":["subscription","service"],"path":"/accounts/{appid}/material","fields":[{"name":"name","title":{"zh":"名称","en":"Name"},"holds":"text","optional":false},{"name":"kind","title":{"zh":"类型","en":"Kind"},"holds":"text","optional":false},{"name":"media_id","title":{"zh":"media_id","en":"media_id"},"holds":"text","optional":false},{"name":"added_at","title":{"zh":"新增时间","en":"Added"},"holds":"number","optional":false}]},
    qr_codes: {"name":"qr_codes","title":{"zh":"带参数二维码","en":"QR codes"},"kinds":["subscription","service"],"path":"/accounts/{appid}/qr_codes","fields":[{"name":"scene","title":{"zh":"场景值","en":"Scene"},"holds":"text","optional":false},{"name":"action","title":{"zh":"类型","en":"Kind"},"holds":"text","optional":false},{"name":"ticket","title":{"zh":"ticket","en":"Ticket"},"holds":"text","optional":false},{"name":"expires_at","title":{"zh":"到期","en":"Ends"},"holds":"number","optional":true}]},
    tags: {"name":"tags","title":{"zh":"用户标签","en":"Tags"},"kinds":["subscription","service"],"path":"/accounts/{appid}/tags","fields":[{"name":"id","title":{"zh":"编号","en":"id"},"holds":"number","optional":false},{"name":"name","title":{"zh":"标签","en":"Tag"},"holds":"text","optional":false},{"name":"count","title":{"zh":"人数","en":"People"},"holds":"number","optional":false}]},
    templates: {"name":"templates","title":{"zh":"消息模板","en":"Message templates"},"kinds":["subscription","service"],"path":"/accounts/{appid}/templates","fields":[{"name":"template_id","title":{"zh":"模板编号","en":"template_id"},"holds":"text","optional":false},{"name":"title","title":{"zh":"标题","en":"Title"},"holds":"text","optional":false},{"name":"content","title":{"zh":"内容","en":"Content"},"holds":"text","optional":false}]},
  },
  acts: {
    block_templates: [{"title":{"zh":"拒收模板消息","en":"Block template messages"},"kinds":["subscription","service"],"fields":[{"name":"allow","title":{"zh":"恢复接收","en":"Allow again"},"holds":"flag","optional":true}]}],
    browse: [{"title":{"zh":"在浏览器里打开","en":"Open in a browser"},"kinds":["subscription","service"],"fields":[{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":false},{"name":"from","title":{"zh":"从哪里打开","en":"Opened from"},"holds":{"choice":[{"word":"session","title":{"zh":"会话","en":"Chat"}},{"word":"menu","title":{"zh":"菜单","en":"Menu"}},{"word":"web","title":{"zh":"别处","en":"Elsewhere"}}]},"optional":true}]}],
    click: [{"title":{"zh":"点菜单","en":"Press a button"},"kinds":["subscription","service"],"fields":[{"name":"key","title":{"zh":"按钮的 key","en":"Key of the button"},"holds":"text","optional":true},{"name":"url","title":{"zh":"按钮的链接","en":"Link of the button"},"holds":"text","optional":true},{"name":"result","title":{"zh":"扫码结果","en":"What was scanned"},"holds":"text","optional":true},{"name":"count","title":{"zh":"图片数","en":"Pictures"},"holds":"number","optional":true},{"name":"lat","title":{"zh":"纬度","en":"Latitude"},"holds":"number","optional":true},{"name":"lng","title":{"zh":"经度","en":"Longitude"},"holds":"number","optional":true},{"name":"label","title":{"zh":"地点","en":"Place"},"holds":"text","optional":true},{"name":"precision","title":{"zh":"精度","en":"Precision"},"holds":"number","optional":true}]}],
    confirm_once: [{"title":{"zh":"确认一次性订阅","en":"Confirm a one-time subscription"},"kinds":["subscription","service"],"fields":[{"name":"scene","title":{"zh":"场景","en":"Scene"},"holds":"number","optional":false},{"name":"redirect_url","title":{"zh":"回到","en":"Back to"},"holds":"text","optional":true},{"name":"reserved","title":{"zh":"reserved","en":"reserved"},"holds":"text","optional":true},{"name":"consent","title":{"zh":"同意","en":"Agrees"},"holds":"flag","optional":true}]}],
    enter: [{"title":{"zh":"进入","en":"Enter"},"kinds":["subscription","service"],"fields":[]},{"title":{"zh":"进入","en":"Enter"},"kinds":["corp"],"fields":[]}],
    follow: [{"title":{"zh":"关注","en":"Follow"},"kinds":["subscription","service"],"fields":[]}],
    js_config: [{"title":{"zh":"校验 wx.config","en":"Check wx.config"},"kinds":["subscription","service"],"fields":[{"name":"url","title":{"zh":"页面地址","en":"Address of the page"},"holds":"text","optional":false},{"name":"timestamp","title":{"zh":"timestamp","en":"timestamp"},"holds":"text","optional":false},{"name":"nonce","title":{"zh":"nonceStr","en":"nonceStr"},"holds":"text","optional":false},{"name":"signature","title":{"zh":"signature","en":"signature"},"holds":"text","optional":false},{"name":"apis","title":{"zh":"jsApiList","en":"jsApiList"},"holds":"any","optional":true}]}],
    open: [{"title":{"zh":"打开授权链接","en":"Open a login link"},"kinds":["subscription","service"],"fields":[{"name":"url","title":{"zh":"链接","en":"Link"},"holds":"text","optional":false},{"name":"consent","title":{"zh":"同意","en":"Agrees"},"holds":"flag","optional":true},{"name":"from","title":{"zh":"从哪里打开","en":"Opened from"},"holds":{"choice":[{"word":"session","title":{"zh":"会话","en":"Chat"}},{"word":"menu","title":{"zh":"菜单","en":"Menu"}},{"word":"web","title":{"zh":"别处","en":"Elsewhere"}}]},"optional":true}]}],
    pay: [{"title":{"zh":"支付","en":"Pay"},"kinds":["service","subscription","miniprogram","mobileapp","website"],"fields":[{"name":"jsapi","title":{"zh":"requestPayment 的参数","en":"Parameters of requestPayment"},"holds":"any","optional":true},{"name":"app","title":{"zh":"App 调起支付的参数","en":"Parameters of an app"},"holds":"any","optional":true},{"name":"prepay_id","title":{"zh":"prepay_id","en":"prepay_id"},"holds":"text","optional":true},{"name":"code_url","title":{"zh":"code_url","en":"code_url"},"holds":"text","optional":true},{"name":"h5_url","title":{"zh":"h5_url","en":"h5_url"},"holds":"text","optional":true},{"name":"look","title":{"zh":"只看不付","en":"Look, and do not pay"},"holds":"flag","optional":true}]}],
    scan: [{"title":{"zh":"扫码","en":"Scan"},"kinds":["subscription","service"],"fields":[{"name":"ticket","title":{"zh":"二维码的 ticket 或 url","en":"Ticket or url of the code"},"holds":"text","optional":false}]}],
    send: [{"title":{"zh":"发消息","en":"Send"},"kinds":["subscription","service"],"fields":[{"name":"message","title":{"zh":"消息","en":"Message"},"holds":"any","optional":false}]},{"title":{"zh":"发消息","en":"Send"},"kinds":["corp"],"fields":[{"name":"message","title":{"zh":"消息","en":"Message"},"holds":"any","optional":false}]}],
    subscribe: [{"title":{"zh":"答复订阅弹窗","en":"Answer the sheet that asks for notices"},"kinds":["subscription","service"],"fields":[{"name":"templates","title":{"zh":"各模板的答复","en":"Answer by template"},"holds":"any","optional":false},{"name":"settings","title":{"zh":"在设置里改","en":"Changed in the settings"},"holds":"flag","optional":true}]}],
    unfollow: [{"title":{"zh":"取消关注","en":"Unfollow"},"kinds":["subscription","service"],"fields":[]}],
  },
};
