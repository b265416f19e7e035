//! The command line in Chinese.
//!
//! A key is a command's words, or these and the name of an argument; `*` stands for any command. A test holds the table
//! against the command line: nothing may be missing, nothing left over.

use clap::Command;

use crate::lang::Lang;

/// Puts the texts of a language into a command line that was built.
pub(super) fn translate(command: &mut Command, lang: Lang) {
    name_help(command);
    if lang == Lang::Zh {
        apply(command, "");
    }
}

/// clap's own words about its `help` are long, and speak of subcommands.
fn name_help(command: &mut Command) {
    for verb in command.get_subcommands_mut() {
        if verb.get_name() == "help" {
            *verb = std::mem::take(verb).about("Print the help of a command");
        } else {
            name_help(verb);
        }
    }
}

fn apply(command: &mut Command, path: &str) {
    let mut changed = std::mem::take(command).mut_args(|arg| {
        let id = arg.get_id().to_string();
        let arg = match arg.get_help_heading().and_then(heading) {
            Some(heading) => arg.help_heading(heading),
            None => arg,
        };
        match text(&format!("{path} {id}")).or_else(|| text(&format!("* {id}"))) {
            Some(help) => arg.help(help),
            None => arg,
        }
    });
    if let Some(about) = text(path) {
        changed = changed.about(about);
    } else if changed.get_name() == "help" {
        changed = changed.about("显示一个命令的帮助");
    }
    for verb in changed.get_subcommands_mut() {
        let path = format!("{path} {}", verb.get_name());
        apply(verb, path.trim_start());
    }
    *command = changed;
}

fn text(key: &str) -> Option<&'static str> {
    let key = key.trim_start();
    TEXTS
        .iter()
        .find(|(known, _)| *known == key)
        .map(|(_, text)| *text)
}

fn heading(english: &str) -> Option<&'static str> {
    match english {
        crate::crypt::KEYS => Some("密钥（都可以写成 @文件 或 env:变量名）"),
        crate::pay::REQUEST => Some("请求（APIv3）"),
        _ => None,
    }
}

/// Key and text.
pub(super) const TEXTS: &[(&str, &str)] = &[
    ("", "笔记本上的微信：带虚拟手机的模拟器，和网关"),
    ("help", "显示一个命令的帮助"),
    (
        "* lang",
        "说话的语言：zh 或 en（默认看 XINQIAO_LANG，再看系统语言）",
    ),
    (
        "* ready_file",
        "正在运行的 dev 的就绪文件（默认：从这里往上找 .xinqiao/ready.json）",
    ),
    ("* json", "输出 JSON"),
    (
        "* via",
        "直接调用模拟器，还是经过网关（默认：同 dev 启动时）",
    ),
    ("* account", "账号（appid 或名称；默认第一个）"),
    ("* input", "输入：文本本身、@文件，或 - 表示标准输入"),
    ("* parts", "也显示各部分：被签名的串、密文里面的内容"),
    ("* timestamp", "1970 年以来的秒数（默认：现在）"),
    ("* nonce", "随机串（默认：十位数字）"),
    ("* product", "只要这个产品，可重复"),
    ("* output", "写到这个文件，不写到标准输出"),
    ("* compact", "不要换行和缩进"),
    ("* token", "服务器地址的 Token"),
    ("* aes_key", "EncodingAESKey，43 个字符"),
    (
        "* receiver",
        "密文是给谁的：appid、corpid、suite id 或第三方平台的 appid；企业微信机器人用 ''",
    ),
    (
        "* session_key",
        "小程序用户的 session_key：处理小程序数据，不处理回调",
    ),
    ("* ticket", "jsapi_ticket：处理 JS-SDK 签名，不处理回调"),
    ("* url", "页面的地址"),
    (
        "* hmac",
        "用 session_key 做 HMAC-SHA256（校验登录态用），不用 SHA-1",
    ),
    ("* v2_key", "APIv2 密钥"),
    ("* private_key", "商户私钥，即 apiclient_key.pem 的内容"),
    ("dev", "启动模拟器、网关、控制台；没有 --app 时还有演示应用"),
    (
        "* app",
        "你的应用的回调地址；可以晚些再启动。企业微信和第三方平台写 work=URL、component=URL；可重复",
    ),
    (
        "dev via",
        "应用的回调怎么走：direct 直达（默认），gateway 经过网关",
    ),
    (
        "sim via",
        "应用的回调怎么走：direct 直达（默认），gateway 经过网关",
    ),
    (
        "* seed",
        "决定每个 appid、secret、openid 和 token（默认 1）",
    ),
    (
        "* port",
        "五个相邻端口中的第一个（网关从 PORT+10 开始）；0 表示全部随机（默认 8600）",
    ),
    (
        "* tls",
        "再开一个 TLS 端口，以项目自己的根证书充当平台的每个域名，供写死了域名的程序使用；0 表示任一空闲端口",
    ),
    ("* fresh", "先忘掉保存的世界"),
    ("* memory", "什么都不存盘"),
    ("* quiet", "不打印发生的事（dev 默认每件事打印一行）"),
    ("dev ready_file", "就绪文件另外写一份到这里"),
    ("sim ready_file", "就绪文件另外写一份到这里"),
    (
        "* bind",
        "监听的地址；让别的机器和容器访问要用 0.0.0.0（默认 127.0.0.1）",
    ),
    ("* host", "除本机外，可以用来打开控制台的主机名，可重复"),
    ("* callback_allow", "除本机外，允许回调到这些网段，可重复"),
    (
        "dev browser",
        "用 Chromium 打开控制台，应用的页面在其中以真实域名运行，如同在手机里",
    ),
    (
        "dev page_host",
        "应用页面在该浏览器里的域名（也可 https）和它的服务地址（默认是应用的端口），可重复",
    ),
    (
        "sim",
        "只启动模拟器和手机（用于 CI）；不加 --seeded 时世界是空的",
    ),
    ("sim seeded", "带上 dev 的预置账号和用户"),
    ("serve", "在真实平台前运行网关"),
    ("serve config", "配置文件，见 docs/configuration.md"),
    (
        "exec",
        "运行任意程序，让它对平台域名的调用到达正在运行的 dev",
    ),
    ("exec offline", "只许连接平台和本机，其余拒绝"),
    (
        "exec account",
        "程序从 XINQIAO_APPID 等变量里得到哪个账号（appid 或名称）",
    ),
    ("exec command", "要运行的命令及其参数"),
    ("env", "把同样的重定向打印成可粘贴的配置"),
    ("env shell", "POSIX shell 的语句（默认）"),
    (
        "env spring",
        "WxJava 的 Spring Boot starter 用的 application.properties",
    ),
    (
        "env dotenv",
        "EasyWeChat（Laravel）用的 .env，附上要写进代码的设置",
    ),
    (
        "env docker",
        "docker --env-file 用的文件，本机写作 host.docker.internal",
    ),
    ("env python", "wechatpy 用的 Python 代码"),
    ("env node", "co-wechat-api 用的 Node 代码"),
    ("env go", "silenceper/wechat 用的 Go 代码"),
    ("env rust", "Rust SDK 读的变量"),
    (
        "env tls",
        "dev --tls 的端口怎么用：各种语言怎样信任根证书、怎样把域名指过去",
    ),
    ("env json", "输出 JSON：变量、各主机的地址"),
    ("env via", "指向模拟器还是网关；默认同 dev 启动时"),
    ("env account", "为哪个账号配置（appid 或名称；默认第一个）"),
    ("status", "说明这里运行着什么，应用接通没有"),
    ("open", "在浏览器里打开手机和控制台"),
    ("open print", "只打印地址"),
    ("say", "以用户的身份给应用发文字，打印应用的回答"),
    ("say text", "发什么"),
    ("say user", "谁来发（id 或名字；默认第一个）"),
    ("say json", "输出 JSON：各次投递"),
    ("trigger", "向应用推送目录中的任意事件"),
    ("trigger event", "事件：目录里的 id，或线上的名字"),
    ("trigger user", "由哪个用户引起（id 或名字）"),
    ("trigger set", "设一个字段：名字=值，可重复"),
    ("trigger json", "输出 JSON：各次投递"),
    ("resend", "重发一次回调，原样或改过"),
    (
        "resend row",
        "哪个回调：投递号（d12，logs 里有）或行号（默认：最近一个）",
    ),
    ("resend edit", "先用 VISUAL 或 EDITOR 修改解密后的内容"),
    (
        "resend new_id",
        "换新的 MsgId 和现在的时间：当作又发生了一次，而不是重复",
    ),
    ("resend json", "输出 JSON：各次投递"),
    ("test", "演一遍场景：人做什么，结果必须怎样"),
    ("test files", "场景，每个是一个 YAML 文件"),
    (
        "test running",
        "就在正在运行的世界里演，即使场景写了要启动的应用",
    ),
    ("test tap", "按 TAP（Test Anything Protocol）输出"),
    ("test junit", "另外把 JUnit 的 XML 写到这个文件"),
    ("clock", "查看或拨动模拟时钟"),
    ("clock advance", "往前拨这么久：7201、90m、48h、2d"),
    ("clock now", "拨到这个时间，1970 年以来的秒数"),
    ("clock freeze", "停住时钟"),
    ("clock run", "让时钟继续走"),
    ("fault", "让接下来的平台调用失败，或让推送出错"),
    ("fault path", "哪个路径的调用失败，如 /cgi-bin/menu/get"),
    ("fault errcode", "返回这个错误码，如 45009 或 -1"),
    ("fault http_status", "返回这个 HTTP 状态"),
    ("fault delay_ms", "晚这么多毫秒才应答"),
    ("fault drop", "不应答就断开连接"),
    ("fault push", "不对调用，对推送做这件事"),
    ("fault msg_type", "只对这类消息的推送，如 text"),
    ("fault event", "只对这个事件的推送，如 CLICK"),
    ("fault late_ms", "配合 late：晚这么多毫秒"),
    ("fault late_seconds", "配合 late：模拟时钟晚这么多秒"),
    ("fault remove", "取消这个故障"),
    ("fault list", "列出现有的故障"),
    ("fault account", "只对这个账号"),
    ("fault times", "对多少次调用或推送有效"),
    ("logs", "打印时间线"),
    ("logs follow", "有新的就接着打印"),
    ("logs account", "只要这个账号"),
    ("logs user", "只要这个用户"),
    ("logs json", "每行一个 JSON 对象"),
    ("explain", "解释错误码、诊断、事件、接口或字段"),
    (
        "explain code",
        "错误码（45015、ORDERPAID）或它的名字，诊断（callback.signature.token），事件（subscribe），接口的 id 或路径，字段（openid），或含有错误码的整个应答",
    ),
    ("explain json", "输出 JSON，每行一个对象"),
    ("crypt", "解密、加密、签名、验签：回调、小程序数据、JS-SDK"),
    ("crypt decrypt", "解密回调、回复，或小程序的 encryptedData"),
    (
        "crypt decrypt input",
        "回调的正文、回复，或单独的密文：文本本身、@文件，或 - 表示标准输入",
    ),
    (
        "crypt decrypt query",
        "回调地址里的参数，或整个地址；不给就不检查签名",
    ),
    ("crypt decrypt iv", "随 encryptedData 来的 iv"),
    (
        "crypt encrypt",
        "加密并签名一条推送或回复，或像小程序那样加密数据",
    ),
    (
        "crypt encrypt input",
        "消息或回复，XML 或 JSON：文本本身、@文件，或 - 表示标准输入",
    ),
    ("crypt encrypt reply", "按应用的回复来封装，不按平台的推送"),
    (
        "crypt encrypt mode",
        "推送用明文（plain）、兼容（compat）还是安全（safe）模式",
    ),
    (
        "crypt encrypt iv",
        "加密用的 iv，16 字节的 base64（默认随机）",
    ),
    ("crypt encrypt json", "输出 JSON：query、body 和内容类型"),
    ("crypt sign", "给回调、rawData 或 JS-SDK 页面签名"),
    (
        "crypt sign input",
        "一同签名的密文，或 rawData：文本本身、@文件，或 - 表示标准输入",
    ),
    ("crypt verify", "检查这样的签名，并说明错在哪里"),
    (
        "crypt verify input",
        "回调的正文、回复，或 rawData：文本本身、@文件，或 - 表示标准输入",
    ),
    ("crypt verify query", "回调地址里的参数，或整个地址"),
    ("crypt verify signature", "随 rawData 来的，或页面里的签名"),
    ("crypt verify timestamp", "页面签名时用的时间戳"),
    ("crypt verify nonce", "页面签名时用的随机串"),
    ("crypt decrypt json", "输出 JSON，含各部分"),
    ("crypt sign json", "输出 JSON，含各部分"),
    ("crypt verify json", "输出 JSON，含各部分"),
    ("pay", "微信支付 APIv2、APIv3：签名、验签、解密、读账单"),
    (
        "pay sign",
        "给参数（APIv2）、请求或调起支付的参数（APIv3）签名",
    ),
    (
        "pay sign input",
        "XML、JSON 或 a=1&b=2 形式的参数，或 APIv3 请求的正文：文本本身、@文件，或 - 表示标准输入",
    ),
    ("pay sign certificate", "商户证书，取它的序列号"),
    (
        "pay sign sign_type",
        "APIv2 参数的签名方式（默认看其中的 sign_type，没有则 md5）",
    ),
    ("pay sign method", "请求方法"),
    ("pay sign url", "地址，或带参数的路径，与发送的逐字相同"),
    ("pay sign mchid", "商户号"),
    ("pay sign serial", "商户证书的序列号"),
    (
        "pay sign package",
        "prepay_id=…（App 只用 id）：签调起支付的参数，不签请求",
    ),
    ("pay sign appid", "调起支付的应用或页面的 appid"),
    ("pay sign json", "输出 JSON，含各部分"),
    ("pay verify", "检查通知或应答的签名，并说明错在哪里"),
    (
        "pay verify input",
        "通知或应答；curl -i 的输出可以连头一起给：文本本身、@文件，或 - 表示标准输入",
    ),
    ("pay verify certificate", "平台证书，可重复"),
    (
        "pay verify public_key",
        "微信支付公钥，即 pub_key.pem 的内容",
    ),
    ("pay verify public_key_id", "公钥的 id，PUB_KEY_ID_…"),
    ("pay verify header", "一个请求头，可重复"),
    ("pay verify headers", "请求头，每行一个：文本本身或 @文件"),
    (
        "pay verify fresh",
        "像服务器那样，拒绝与现在相差五分钟以上的签名",
    ),
    ("pay verify json", "输出 JSON，含各部分"),
    (
        "pay decrypt",
        "解密通知的 resource、退款通知的 req_info，或敏感字段",
    ),
    (
        "pay decrypt input",
        "通知、其中的 resource、req_info 或字段：文本本身、@文件，或 - 表示标准输入",
    ),
    ("pay decrypt v3_key", "APIv3 密钥，32 个字节"),
    ("pay bill", "读账单：列成表、输出 JSON、核对合计"),
    ("pay bill file", "下载的账单，压缩与否都行；- 表示标准输入"),
    (
        "pay bill columns",
        "只要这些列，用逗号隔开（默认：最说明问题的几列）",
    ),
    ("pay bill all", "所有的列，每笔一段"),
    ("pay bill sums", "只要合计，以及它与各行是否相符"),
    ("pay bill json", "输出 JSON：列、行、合计，以及不相符的地方"),
    ("api", "列出、查看、调用目录中的接口"),
    ("api ls", "列出接口：id、方法、主机和路径、标题"),
    (
        "api ls filter",
        "id、路径或标题里要含有的词，全部都要有：work.message、菜单、menu create",
    ),
    ("api ls product", "只要这个产品"),
    ("api ls events", "列出消息、事件、通知和回复，不列接口"),
    ("api ls json", "每行一个 JSON 对象"),
    ("api show", "显示目录对一个接口或回调所知的一切"),
    (
        "api show what",
        "id，或路径：方法加路径、单独的路径、整个地址",
    ),
    ("api show json", "输出 JSON（输出不是终端时默认如此）"),
    ("api show text", "输出文字（输出是终端时默认如此）"),
    ("api call", "用一个预置账号调用正在运行的 dev 的接口"),
    ("api call id", "接口的 id，或只对应一个接口的路径"),
    (
        "api call parameters",
        "路径、查询和正文的参数，写成一个 JSON 对象；@文件 读文件，- 读标准输入",
    ),
    ("api call file", "要发送的文件：部分的名字=路径"),
    (
        "api call output",
        "应答写到这个文件（图片、账单）；应答是错误时不写",
    ),
    ("api call force", "不符合结构也照样发送"),
    (
        "api call account",
        "用哪个账号调用（appid 或名称；默认第一个）",
    ),
    ("openapi", "把目录打印成 OpenAPI 3.1 文档"),
    ("catalog", "把目录导出为数据"),
    (
        "catalog export",
        "全部内容作为一个 JSON 文档：接口、事件、类型、错误码、权限、额度、诊断",
    ),
    ("completions", "打印某个 shell 的补全脚本"),
    ("completions shell", "哪个 shell"),
    ("man", "打印手册页，或写出全部手册页"),
    ("man command", "哪个命令的手册页（默认：程序本身）"),
    ("man output", "把全部手册页写到这个目录"),
];
