//! Money as bills write it.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Neg, Sub},
    str::FromStr,
};

use xinqiao_types::Fen;

/// How many decimals are kept.
const DECIMALS: usize = 6;
/// An amount of 1.
const ONE: i64 = 1_000_000;
/// A hundredth.
const HUNDREDTH: i64 = ONE / 100;

/// Money as bills write it: yuan (or the bill's currency) with decimals, fees with five. Kept exactly.
///
/// ```
/// use xinqiao_wire::bill::Amount;
///
/// let fee: Amount = "0.00600".parse().unwrap();
/// assert_eq!(fee.fen(), None); // less than a fen
/// let total: Amount = ["1.00", "0.40"].iter().map(|text| text.parse::<Amount>().unwrap()).sum();
/// assert_eq!(total.to_string(), "1.40");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// In fen, if it is a whole number of them.
    pub const fn fen(self) -> Option<Fen> {
        if self.0 % HUNDREDTH == 0 {
            Some(Fen(self.0 / HUNDREDTH))
        } else {
            None
        }
    }

    /// In millionths of a yuan.
    pub const fn millionths(self) -> i64 {
        self.0
    }
}

impl From<Fen> for Amount {
    /// An amount beyond nine trillion yuan becomes the largest.
    fn from(fen: Fen) -> Self {
        Self(fen.0.saturating_mul(HUNDREDTH))
    }
}

impl FromStr for Amount {
    type Err = ();

    /// Reads `1`, `1.00`, `-0.01000`; no blanks, no separators of thousands.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (minus, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Zeros behind the last decimal that is kept say nothing.
        let kept = decimals.get(..DECIMALS).unwrap_or(decimals);
        let beyond = &decimals[kept.len().min(decimals.len())..];
        if !all_digits(whole) || !all_digits(decimals) || beyond.bytes().any(|byte| byte != b'0') {
            return Err(());
        }
        let whole: i64 = whole.parse().map_err(drop)?;
        let decimals: i64 = format!("{kept:0<DECIMALS$}").parse().map_err(drop)?;
        let amount = whole.checked_mul(ONE).ok_or(())?;
        let amount = amount.checked_add(decimals).ok_or(())?;
        Ok(Self(if minus { -amount } else { amount }))
    }
}

impl fmt::Display for Amount {
    /// With two decimals, with more where there are more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let decimals = format!("{:0DECIMALS$}", size % one);
        let (cents, rest) = decimals.split_at(2);
        write!(
            f,
            "{sign}{}.{cents}{}",
            size / one,
            rest.trim_end_matches('0')
        )
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}
