//! The pages that a browser shows: plain, and without script but for the one that waits for a scan.

/// Words of a page, in Chinese and English.
type Words = (&'static str, &'static str);

const LOOK: &str = "body{font:17px/1.6 system-ui,sans-serif;margin:0;background:#f7f7f7;color:#191919;\
display:flex;justify-content:center}main{max-width:24em;width:100%;padding:4em 1.5em;box-sizing:border-box;\
text-align:center}h1{font-size:1.2em;font-weight:500}p{color:#737373;overflow-wrap:anywhere}\
button{font:inherit;width:11em;padding:.5em;margin:.5em;border:0;border-radius:8px;background:#e5e5e5;color:#191919;\
cursor:pointer}button.yes{background:#07c160;color:#fff}\
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}button{background:#333;color:#ddd}}";

const TITLE: Words = ("微信登录", "WeChat login");
const WHY: Words = (
    "为什么：见信桥控制台的时间线",
    "Why: see the timeline of the Xinqiao console",
);
const NOT_HERE: Words = (
    "在信桥的虚拟手机里打开这个链接",
    "Open this link in the virtual phone of Xinqiao",
);
const ASKS: Words = ("申请获取以下权限", "asks for this:");
const WHAT: Words = (
    "获得你的公开信息（昵称、头像等）",
    "your public profile (nickname, portrait)",
);
const YES: Words = ("同意", "Allow");
const NO: Words = ("拒绝", "Refuse");

fn said((zh, en): Words, english: bool) -> &'static str {
    if english { en } else { zh }
}

/// An error, in the platform's words.
pub(super) fn error(text: &str, nobodys_phone: bool, english: bool) -> String {
    let help = if nobodys_phone { NOT_HERE } else { WHY };
    let body = format!("<h1>{}</h1><p>{}</p>", escape(text), said(help, english));
    page(&body, english)
}

/// Asks the person.
pub(super) fn consent(account: &str, person: &str, english: bool) -> String {
    let body = format!(
        "<h1>{} {}</h1><p>{}</p><p>{}</p><form method=\"post\">\
         <button class=\"yes\" name=\"consent\" value=\"yes\">{}</button>\
         <button name=\"consent\" value=\"no\">{}</button></form>",
        escape(account),
        said(ASKS, english),
        said(WHAT, english),
        escape(person),
        said(YES, english),
        said(NO, english),
    );
    page(&body, english)
}

/// What a page shows of a code that is to be scanned.
pub(super) struct ToScan<'a> {
    pub(super) site: &'a str,
    /// What the code says.
    pub(super) says: &'a str,
    pub(super) uuid: &'a str,
    /// Path at which the script asks what became of the code.
    pub(super) asks: &'a str,
    /// Where the browser goes with a code, `__CODE__` in its place.
    pub(super) to: &'a str,
    /// Where it goes if the person refuses; nowhere if empty.
    pub(super) refused: &'a str,
    /// Whether it goes there inside its frame.
    pub(super) framed: bool,
}

const SCAN: Words = (
    "用信桥的虚拟手机扫一扫",
    "Scan with the virtual phone of Xinqiao",
);
const HOW: Words = (
    "二维码的内容，act scan 的 ticket：",
    "What the code says, `ticket` of the act `scan`:",
);
const SCANNED: Words = ("已扫码，请在手机上确认", "Scanned; confirm on the phone");
const REFUSED: Words = ("你已取消此次登录", "You cancelled this login");
const OVER: Words = (
    "二维码已失效，请刷新",
    "The code is past its time; load the page again",
);

/// Waits for somebody to scan.
pub(super) fn to_scan(code: &ToScan<'_>, script: &str, english: bool) -> String {
    let body = format!(
        "<h1>{}</h1><p id=\"state\">{}</p><p>{}<br><code>{}</code></p>\
         <script src=\"{script}\" data-uuid=\"{}\" data-asks=\"{}\" data-to=\"{}\" data-refused=\"{}\" data-framed=\"{}\" \
         data-404=\"{}\" data-403=\"{}\" data-402=\"{}\"></script>",
        escape(code.site),
        said(SCAN, english),
        said(HOW, english),
        escape(code.says),
        escape(code.uuid),
        escape(code.asks),
        escape(code.to),
        escape(code.refused),
        code.framed,
        said(SCANNED, english),
        said(REFUSED, english),
        said(OVER, english),
    );
    page(&body, english)
}

fn page(body: &str, english: bool) -> String {
    let language = if english { "en" } else { "zh-CN" };
    format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{LOOK}</style><main>{body}</main></html>\n",
        said(TITLE, english)
    )
}

fn escape(text: &str) -> String {
    { text.chars() }.fold(String::new(), |mut out, character| {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
        out
    })
}
