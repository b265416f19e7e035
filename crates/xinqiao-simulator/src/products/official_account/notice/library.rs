//! The public library of subscription notices: what its titles ask for, and which values a line takes.

/// A notice of one consent.
pub(super) const ONCE: u8 = 2;
/// The category of every account.
pub(super) const CATEGORY: (u64, &str) = (616, "电商平台");

/// A title with its possible lines.
pub(super) struct Title {
    pub(super) tid: u64,
    pub(super) words: &'static str,
    pub(super) keywords: &'static [Keyword],
}

/// A possible line.
pub(super) struct Keyword {
    pub(super) kid: u64,
    pub(super) name: &'static str,
    pub(super) example: &'static str,
    /// The type of its value.
    pub(super) rule: &'static str,
}

const fn line(kid: u64, name: &'static str, example: &'static str, rule: &'static str) -> Keyword {
    Keyword {
        kid,
        name,
        example,
        rule,
    }
}

/// The library: the platform has thousands.
pub(super) const TITLES: &[Title] = &[
    Title {
        tid: 99,
        words: "付款成功通知",
        keywords: &[
            line(1, "商品名称", "绿茶", "thing"),
            line(2, "付款金额", "¥30.00", "amount"),
            line(3, "付款时间", "2023-11-15 10:00", "date"),
            line(4, "订单号", "20231115001", "character_string"),
            line(5, "备注", "感谢惠顾", "thing"),
        ],
    },
    Title {
        tid: 307,
        words: "订单发货提醒",
        keywords: &[
            line(1, "商品名称", "绿茶", "thing"),
            line(2, "快递公司", "顺丰快递", "phrase"),
            line(3, "快递单号", "SF100", "character_string"),
            line(4, "联系电话", "0755-86013388", "phone_number"),
            line(5, "数量", "2", "number"),
        ],
    },
];

/// A title by its number.
pub(super) fn title(tid: u64) -> Option<&'static Title> {
    TITLES.iter().find(|title| title.tid == tid)
}

impl Keyword {
    /// The name of its value: `thing1`.
    pub(super) fn key(&self) -> String {
        format!("{}{}", self.rule, self.kid)
    }

    /// Whether its value may be this.
    pub(super) fn takes(&self, value: &str) -> bool {
        let length = value.chars().count();
        if length == 0 {
            return false;
        }
        match self.rule {
            "thing" => length <= 20,
            "number" => length <= 32 && value.parse::<f64>().is_ok_and(f64::is_finite),
            "letter" => length <= 32 && value.bytes().all(|byte| byte.is_ascii_alphabetic()),
            "symbol" => length <= 5 && !value.chars().any(char::is_alphanumeric),
            "character_string" => length <= 32 && value.bytes().all(|byte| byte.is_ascii_graphic()),
            "amount" => {
                let digits = value.trim_end_matches('元');
                let digits = digits.trim_start_matches(|first: char| !first.is_ascii_digit());
                length - digits.chars().count() <= 2
                    && digits.len() <= 13
                    && digits.parse::<f64>().is_ok()
            }
            "phone_number" => {
                let fits = |letter: char| letter.is_ascii_digit() || "+-() ".contains(letter);
                length <= 17 && value.chars().all(fits)
            }
            "phrase" => length <= 5 && value.chars().all(|letter| !letter.is_ascii()),
            "date" | "time" => value.chars().any(|letter| letter.is_ascii_digit()) && length <= 40,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &'static str, takes: &[&str], refuses: &[&str]) {
        let keyword = line(1, "", "", rule);
        for value in takes {
            assert!(keyword.takes(value), "{rule} takes {value}");
        }
        for value in refuses {
            assert!(!keyword.takes(value), "{rule} does not take {value}");
        }
    }

    #[test]
    fn a_line_takes_values_of_its_type() {
        check(
            "thing",
            &["绿茶 a"],
            &["", "一二三四五六七八九十一二三四五六七八九十多"],
        );
        check(
            "amount",
            &["¥30.00", "30元", "30"],
            &["三十", "¥¥¥3", "12345678901234"],
        );
        check("character_string", &["SF-1"], &["顺丰", "a b"]);
        check("phone_number", &["0755-86013388"], &["电话"]);
        check("phrase", &["已发货"], &["sent", "一二三四五六"]);
        check("number", &["3", "3.5"], &["三", "inf"]);
        check("date", &["2023年11月15日"], &["昨天"]);
    }
}
