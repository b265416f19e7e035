//! Sentences of our own libraries in Chinese. The libraries speak English, as their interfaces do; a person who reads
//! Chinese meets them here only.

use crate::lang::Lang;

/// A sentence as it is worded there, `*` for what varies, and the same in Chinese with `*` in the same order.
const WORDS: &[(&str, &str)] = &[
    // Starting.
    (
        "port * of * is in use; stop the program that holds it, or choose another: --port, for serve listen.port",
        "端口 *（*）已被占用；先停掉占用它的程序，或换一个：--port，serve 用 listen.port",
    ),
    (
        "cannot listen on *; is it an address of this machine, and above port 1023?",
        "无法监听 *；它是本机的地址、端口大于 1023 吗？",
    ),
    (
        "cannot make the folder *; choose another or use --memory",
        "无法建立目录 *；换一个目录，或用 --memory",
    ),
    (
        "cannot use *; start with --fresh to make a new one, or with --memory",
        "无法使用 *；用 --fresh 重新建立，或用 --memory",
    ),
    (
        "* is in use by another simulator; stop it, or start in another folder or with --memory",
        "* 正被另一个模拟器使用；先停掉它，或换一个目录，或用 --memory",
    ),
    (
        "the world kept in * cannot be read: *; start with --fresh to make a new one",
        "* 里保存的世界读不出来：*；用 --fresh 重新建立",
    ),
    (
        "cannot write the files of the world in *; choose another folder or use --memory",
        "无法在 * 写入世界的文件；换一个目录，或用 --memory",
    ),
    ("the system does not start a thread", "系统不让启动线程"),
    ("cannot use *", "无法使用 *"),
    // Parameters of a call.
    ("is required", "必须给出"),
    ("must be an object", "要是 JSON 对象"),
    ("must be a list", "要是列表"),
    ("must be a number", "要是数"),
    ("must be text", "要是文本"),
    ("must be true or false", "要是 true 或 false"),
    ("must be JSON in a string", "要是写在字符串里的 JSON"),
    ("must not be empty", "不能为空"),
    ("must be one of *", "只能是：*"),
    ("is nested too deeply", "嵌套太深"),
    ("has * items, at most *", "有 * 项，最多 * 项"),
    ("has * bytes, at most *", "有 * 个字节，最多 * 个"),
    ("has more than * characters", "超过了 * 个字符"),
    // Refusals of the control interface.
    ("there is no account `*`", "没有账号 *"),
    ("there is no user `*`", "没有用户 *"),
    ("there is no fault `*`", "没有故障 *"),
    ("there is no file `*`", "没有文件 *"),
    (
        "the catalog has no event `*` of official accounts",
        "目录里没有公众号事件 *",
    ),
    (
        "triggering events of a * is not built yet",
        "还不能推送这类账号（*）的事件",
    ),
    ("* is not built yet", "还没有实现：*"),
    (
        "`*` is no element of *: did you mean `*`?",
        "* 不是 * 的元素；是不是要写 *？",
    ),
    (
        "`*` is no element of *: it has none of its own",
        "* 不是 * 的元素，它没有自己的元素",
    ),
    ("`*` is no element of `*`", "* 不是 * 的元素"),
    ("`*` is set twice", "* 设了两次"),
    (
        "`*` stands in the head, which the platform writes: choose account and user, or set the clock",
        "* 由平台填写，不能设：选择账号和用户，或拨动时钟",
    ),
    ("`*` is a whole number", "* 要是整数"),
    ("`*` is a number", "* 要是数"),
    ("`*` is 0 or 1", "* 要是 0 或 1"),
    ("`*` is JSON that is broken", "* 的 JSON 不完整"),
    (
        "`*` is a group: give it as JSON",
        "* 是一组元素：用 JSON 给出",
    ),
    (
        "`advance` leads beyond 4102415999 (2099-12-31)",
        "拨得太远：最晚到 4102415999（2099-12-31）",
    ),
    (
        "`now` must lie between 1295539200 (2011-01-21) and 4102415999 (2099-12-31)",
        "--now 要在 1295539200（2011-01-21）和 4102415999（2099-12-31）之间",
    ),
    (
        "`advance` leads beyond the year 9999",
        "拨得太远：超过了公元 9999 年",
    ),
    (
        "`advance` must not be negative; use `now` to go back",
        "--advance 不能是负数；往回拨用 --now",
    ),
    (
        "`now` is not a second between 1970 and 9999",
        "--now 要是 1970 到 9999 年之间的秒数",
    ),
    (
        "`http_status` must be between 100 and 599",
        "--http-status 要在 100 到 599 之间",
    ),
    ("`times` must be at least 1", "--times 至少是 1"),
    (
        "`path` must begin with `/`, like `/cgi-bin/menu/get`",
        "路径要以 / 开头，如 /cgi-bin/menu/get",
    ),
    ("no endpoint has the path `*`", "没有接口的路径是 *"),
    ("`message.content` is missing or empty", "消息内容是空的"),
    (
        "a phone does not send so long a text",
        "文字太长，手机发不出去",
    ),
    ("the account has no menu", "这个账号没有菜单"),
    ("the simulator is stopping", "模拟器正在停止"),
    ("`account` is missing", "缺少账号"),
    (
        "give one of `errcode`, `http_status`, `delay_ms`, `drop`",
        "要给出一种故障",
    ),
    (
        "give one of `delay_ms`, `delay_seconds` with `late`",
        "推送晚到（late）要说晚多久：毫秒或秒，给一种",
    ),
    (
        "`delay_ms` and `delay_seconds` belong to `late`",
        "只有晚到（late）才说晚多久",
    ),
    (
        "the body is not as it should be: *",
        "模拟器不接受这个请求（版本不同？）",
    ),
    (
        "the query is not as it should be: *",
        "模拟器不接受这个请求（版本不同？）",
    ),
    ("`*` with a *", "还不能：*（*）"),
    ("the act `*`", "还不能：*"),
];

/// A sentence of ours in Chinese; none if nobody translated it. What varies may be a sentence, too.
pub(crate) fn sentence(english: &str) -> Option<String> {
    WORDS.iter().find_map(|(pattern, chinese)| {
        let found = captured(pattern, english)?;
        let found = found
            .into_iter()
            .map(|value| sentence(value).unwrap_or_else(|| value.to_owned()));
        Some(filled(chinese, &found.collect::<Vec<_>>()))
    })
}

/// What the control interface refused with, in the reader's language; what nobody translated is quoted.
pub(crate) fn refusal(message: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return message.to_owned();
    }
    let (words, rest) = match message.rsplit_once(" (HTTP ") {
        Some((words, status)) => (words, format!("（HTTP {}", status.replace(')', "）"))),
        None => (message, String::new()),
    };
    match sentence(words) {
        Some(chinese) => format!("{chinese}{rest}"),
        None => format!("模拟器拒绝：“{words}”{rest}"),
    }
}

/// An error and what is behind it, in the reader's language: our own sentences and the system's.
pub(crate) fn chain(error: &anyhow::Error, lang: Lang) -> String {
    if lang == Lang::En {
        return format!("{error:#}");
    }
    let said = error.chain().map(|cause| {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return lang.io(error);
        }
        if let Some(error) = cause.downcast_ref::<serde_json::Error>() {
            return format!(
                "JSON 有误（第 {} 行第 {} 列）",
                error.line(),
                error.column()
            );
        }
        let text = cause.to_string();
        sentence(&text).unwrap_or(text)
    });
    said.collect::<Vec<_>>().join("：")
}

/// What stands for each `*`, if the text fits the pattern.
fn captured<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = pattern.split('*');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let pieces: Vec<&str> = pieces.collect();
    let mut found = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at + 1 == pieces.len() {
            found.push(rest.strip_suffix(piece)?);
            return Some(found);
        }
        let (value, after) = rest.split_once(piece)?;
        found.push(value);
        rest = after;
    }
    rest.is_empty().then_some(found)
}

fn filled(pattern: &str, values: &[String]) -> String {
    let mut out = String::new();
    for (at, piece) in pattern.split('*').enumerate() {
        if at > 0 {
            out.push_str(values.get(at - 1).map_or("", String::as_str));
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_said_in_chinese_with_what_varies() {
        for (english, chinese) in [
            (
                "there is no account `wx1` (HTTP 404)",
                "没有账号 wx1（HTTP 404）",
            ),
            (
                "`Foo` is no element of official_account.event.scan: did you mean `Ticket`? (HTTP 400)",
                "Foo 不是 official_account.event.scan 的元素；是不是要写 Ticket？（HTTP 400）",
            ),
            (
                "`times` must be at least 1 (HTTP 400)",
                "--times 至少是 1（HTTP 400）",
            ),
            (
                "something new (HTTP 400)",
                "模拟器拒绝：“something new”（HTTP 400）",
            ),
        ] {
            assert_eq!(refusal(english, Lang::Zh), chinese);
            assert_eq!(refusal(english, Lang::En), english);
        }
    }

    #[test]
    fn a_chain_is_said_in_one_language() {
        let error = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = anyhow::Error::new(error).context("cannot use /x");
        assert_eq!(chain(&error, Lang::Zh), "无法使用 /x：没有权限");
        assert_eq!(chain(&error, Lang::En), "cannot use /x: permission denied");
    }

    /// The sentences are the libraries' own: a change there must change the table.
    #[test]
    fn every_sentence_is_one_of_our_libraries() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = String::new();
        let mut folders: Vec<_> = ["simulator", "http", "catalog"]
            .iter()
            .map(|name| crates.join(format!("xinqiao-{name}/src")))
            .collect();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    sources.push_str(&std::fs::read_to_string(&path).expect("a source"));
                }
            }
        }
        // `Refused::unknown` puts the kind of thing in.
        let sources = sources.replace(
            "there is no {what}",
            "there is no account there is no user there is no fault",
        );
        for (english, chinese) in WORDS {
            let pieces = english.split(['*', '`', ':']);
            let longest = pieces
                .max_by_key(|piece| piece.len())
                .unwrap_or_default()
                .trim();
            // What a field must be is put behind `is`.
            let longest = longest.strip_prefix("is ").unwrap_or(longest);
            assert!(sources.contains(longest), "{english}");
            let stars = |text: &str| text.matches('*').count();
            assert!(stars(english) >= stars(chinese), "{english}");
        }
    }
}
