//! A template's text, what is written into it, and the library that templates are taken from.

use serde_json::{Map, Value};

/// A template of the library.
pub(super) struct Kept {
    pub(super) short: &'static str,
    pub(super) title: &'static str,
    pub(super) content: &'static str,
    pub(super) example: &'static str,
}

/// The library: the platform has some ten thousand, we have what documentation and SDKs name.
pub(super) const LIBRARY: &[Kept] = &[
    Kept {
        short: "TM00015",
        title: "订单支付成功",
        content: "{{first.DATA}}\n\n支付金额：{{orderMoneySum.DATA}}\n商品信息：{{orderProductName.DATA}}\n{{Remark.DATA}}",
        example: "我们已收到您的货款，开始为您打包商品，请耐心等待: )\n\n支付金额：30.00元\n商品信息：我是商品名字\n\n如有问题请致电400-828-1878或直接在微信留言。",
    },
    Kept {
        short: "OPENTM207940503",
        title: "订单提交成功通知",
        content: "{{first.DATA}}\n订单编号：{{keyword1.DATA}}\n下单时间：{{keyword2.DATA}}\n{{remark.DATA}}",
        example: "您的订单已提交\n订单编号：20231115001\n下单时间：2023年11月15日\n感谢您的使用",
    },
    Kept {
        short: "43216",
        title: "订单支付成功通知",
        content: "订单编号：{{character_string1.DATA}}\n商品名称：{{thing2.DATA}}\n支付金额：{{amount3.DATA}}\n支付时间：{{time4.DATA}}",
        example: "订单编号：20231115001\n商品名称：绿茶\n支付金额：30.00元\n支付时间：2023年11月15日 10:00",
    },
];

/// Names of values that were dropped from messages on 2023-05-04.
const DROPPED: [&str; 3] = ["first", "remark", "Remark"];
/// From then on a value is cut after so many characters.
const VALUE: usize = 20;

/// One line of a template: the words before its value, and the value's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) label: &'t str,
    pub(super) name: &'t str,
}

/// The lines of a text that have a value.
pub(super) fn lines(content: &str) -> Vec<Line<'_>> {
    content
        .lines()
        .filter_map(|line| {
            let (label, rest) = line.split_once("{{")?;
            let (name, _) = rest.split_once(".DATA}}")?;
            let label = label.trim_end().trim_end_matches(['：', ':']);
            Some(Line { label, name })
        })
        .collect()
}

/// How people see values: as they are shown since 2023, or as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    Cut,
    Whole,
}

/// What of the data is shown, in the template's order: label, name and text.
///
/// WECHAT: the call succeeds whatever is dropped or cut. Source: announcement of 2023-03-30, in force from 2023-05-04.
pub(super) fn shown<'t>(
    content: &'t str,
    data: &Map<String, Value>,
    display: Display,
) -> Vec<(&'t str, &'t str, String)> {
    let told = |line: Line<'t>| {
        let value = data.get(line.name)?;
        let value = value.get("value").unwrap_or(value);
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let text = match display {
            Display::Whole => text,
            Display::Cut if DROPPED.contains(&line.name) => return None,
            Display::Cut => {
                let first = text.lines().next().unwrap_or_default();
                first.chars().take(VALUE).collect()
            }
        };
        Some((line.label, line.name, text))
    };
    lines(content).into_iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "{{first.DATA}}\n金额：{{sum.DATA}}\n说明: {{why.DATA}}\n无值的一行";

    fn check(display: Display, want: &[(&str, &str, &str)]) {
        let data = json!({"first": {"value": "您好"}, "sum": {"value": 3}, "why": {"value": "一二三四五六七八九十一二三四五六七八九十多\n下一行"}, "no": {"value": "x"}});
        let shown = shown(TEXT, data.as_object().unwrap(), display);
        let shown: Vec<_> = { shown.iter() }
            .map(|(label, name, text)| (*label, *name, text.as_str()))
            .collect();
        assert_eq!(shown, want);
    }

    #[test]
    fn first_and_remark_are_dropped_and_values_are_cut() {
        check(
            Display::Cut,
            &[
                ("金额", "sum", "3"),
                ("说明", "why", "一二三四五六七八九十一二三四五六七八九十"),
            ],
        );
    }

    #[test]
    fn before_2023_all_was_shown() {
        check(
            Display::Whole,
            &[
                ("", "first", "您好"),
                ("金额", "sum", "3"),
                (
                    "说明",
                    "why",
                    "一二三四五六七八九十一二三四五六七八九十多\n下一行",
                ),
            ],
        );
    }
}
