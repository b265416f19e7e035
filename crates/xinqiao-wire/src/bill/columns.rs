//! Rows as types, by the names of columns that the platform's pages list, older names beside newer ones.

use super::{Amount, Row};

/// A value that is not of its column's kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: `{value}` is no {kind}")]
#[non_exhaustive]
pub struct ValueError {
    /// The row's line, from 1.
    pub line: usize,
    /// The column, as the bill names it.
    pub column: &'static str,
    /// What stands there.
    pub value: String,
    /// What should: `amount` or `count`.
    pub kind: &'static str,
}

/// A type that is read from a row by the names of its columns.
pub trait Columns: Sized {
    /// Reads a row. A column that the bill doesn't have leaves its field empty.
    ///
    /// # Errors
    /// A value is not of its column's kind.
    fn read(row: &Row) -> Result<Self, ValueError>;
}

impl Row {
    /// The row as a type.
    ///
    /// # Errors
    /// A value is not of its column's kind.
    pub fn read<C: Columns>(&self) -> Result<C, ValueError> {
        C::read(self)
    }

    /// The value of the first of these columns that there is, as `V`.
    fn first<V: Value>(&self, columns: &[&'static str]) -> Result<V, ValueError> {
        let mut found = columns
            .iter()
            .filter_map(|column| Some((*column, self.get(column)?)));
        let Some((column, value)) = found.next() else {
            return Ok(V::default());
        };
        V::of(value.trim()).ok_or_else(|| ValueError {
            line: self.line(),
            column,
            value: value.to_owned(),
            kind: V::KIND,
        })
    }
}

trait Value: Default {
    const KIND: &'static str;
    fn of(text: &str) -> Option<Self>;
}

impl Value for String {
    const KIND: &'static str = "text";

    fn of(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for Option<String> {
    const KIND: &'static str = "text";

    /// WECHAT: where there is no number, the bill says `0` or nothing.
    fn of(text: &str) -> Option<Self> {
        Some((!matches!(text, "" | "0")).then(|| text.to_owned()))
    }
}

impl Value for Option<Amount> {
    const KIND: &'static str = "amount";

    fn of(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(None);
        }
        text.parse().ok().map(Some)
    }
}

impl Value for Option<u64> {
    const KIND: &'static str = "count";

    /// WECHAT: counts are written as `20` or as `20.0`.
    fn of(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(None);
        }
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let whole = whole.parse().ok()?;
        decimals
            .bytes()
            .all(|byte| byte == b'0')
            .then_some(Some(whole))
    }
}

macro_rules! columns {
    (
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$about:meta])* $field:ident: $ty:ty = $($column:literal)|+, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$about])*
                #[doc = concat!("\n\nColumn ", $("`", $column, "` "),+)]
                pub $field: $ty,
            )*
        }

        impl Columns for $name {
            fn read(row: &Row) -> Result<Self, ValueError> {
                Ok(Self { $( $field: row.first(&[$($column),+])?, )* })
            }
        }
    };
}

columns! {
    /// A row of a trade bill (交易账单): a payment, a refund or a reversal, whichever kind of bill was asked for.
    ///
    /// A bill is a snapshot of its day: payments stand on the day of their success, refunds on the day on which they
    /// were accepted, and what becomes of them later never appears in it.
    Trade {
        /// When the payment succeeded or the refund was accepted, in Beijing: `2026-02-01 08:01:00`.
        time: String = "交易时间",
        /// The account to whose users the order was given.
        appid: String = "公众账号ID",
        /// The merchant; of a service provider's bill the provider.
        mchid: String = "商户号",
        /// The sub-merchant, in a service provider's bill.
        sub_mchid: Option<String> = "特约商户号" | "子商户号",
        /// The merchant's number of the device.
        device: Option<String> = "设备号",
        /// The platform's number of the payment.
        transaction_id: String = "微信订单号",
        /// The merchant's number of the order.
        out_trade_no: String = "商户订单号",
        /// The payer's openid.
        openid: String = "用户标识",
        /// `JSAPI`, `NATIVE`, `APP`, `MICROPAY`, `MWEB`, …
        trade_type: String = "交易类型",
        /// `SUCCESS`: a payment; `REFUND`: a refund; `REVOKED`: a reversed payment.
        state: String = "交易状态",
        /// The bank or purse that paid.
        bank: String = "付款银行",
        /// Currency, `CNY`.
        currency: String = "货币种类",
        /// What is settled: the order without free coupons.
        settlement_total: Option<Amount> = "应结订单金额" | "总金额",
        /// What coupons paid.
        coupon: Option<Amount> = "代金券金额" | "代金券或立减优惠金额" | "企业红包金额",
        /// When the refund was asked for; in bills of refunds only.
        refund_asked_at: Option<String> = "退款申请时间",
        /// When the refund succeeded; in bills of refunds only.
        refunded_at: Option<String> = "退款成功时间",
        /// The platform's number of the refund.
        refund_id: Option<String> = "微信退款单号",
        /// The merchant's number of the refund.
        out_refund_no: Option<String> = "商户退款单号",
        /// What is given back: the refund without free coupons.
        refund: Option<Amount> = "退款金额",
        /// What coupons get back.
        coupon_refund: Option<Amount> = "充值券退款金额" | "代金券或立减优惠退款金额" | "企业红包退款金额",
        /// Where the refund goes, for instance `ORIGINAL`.
        refund_type: Option<String> = "退款类型",
        /// State of the refund when the bill was made, for instance `SUCCESS`, `PROCESSING`.
        refund_status: Option<String> = "退款状态",
        /// What was sold; a text of the merchant.
        goods: String = "商品名称",
        /// The order's `attach`; a text of the merchant.
        attach: String = "商户数据包",
        /// The platform's fee, with five decimals; negative where a refund gives it back.
        fee: Option<Amount> = "手续费",
        /// The rate of the fee: `0.60%`.
        rate: Option<String> = "费率",
        /// The order's total, coupons included; in newer bills.
        order_total: Option<Amount> = "订单金额",
        /// What was to be refunded, coupons included; in newer bills.
        refund_asked: Option<Amount> = "申请退款金额",
        /// What the rate is due to; in newer bills.
        rate_note: Option<String> = "费率备注",
    }
}

columns! {
    /// The sums of a trade bill.
    TradeSums {
        /// How many rows there are.
        count: Option<u64> = "总交易单数",
        /// Sum of what is settled.
        settlement_total: Option<Amount> = "应结订单总金额" | "总交易额",
        /// Sum of refunds.
        refund: Option<Amount> = "退款总金额" | "总退款金额",
        /// Sum of what coupons got back.
        coupon_refund: Option<Amount> = "充值券退款总金额" | "总代金券或立减优惠退款金额" | "总企业红包退款金额",
        /// Sum of fees.
        fee: Option<Amount> = "手续费总金额",
        /// Sum of orders, in newer bills.
        order_total: Option<Amount> = "订单总金额",
        /// Sum of refunds that were asked for, in newer bills.
        refund_asked: Option<Amount> = "申请退款总金额",
    }
}

columns! {
    /// A row of a fund flow bill (资金账单): one change of an account's balance.
    Fund {
        /// When the balance changed, in Beijing.
        time: String = "记账时间",
        /// The platform's number of the business: of a payment, a refund, a withdrawal.
        business_id: String = "微信支付业务单号",
        /// Number of this change.
        flow_id: String = "资金流水单号",
        /// Name of the business, for instance 交易, 退款.
        business: String = "业务名称",
        /// Kind of the business.
        business_type: String = "业务类型",
        /// `收入` (money in) or `支出` (money out).
        direction: String = "收支类型",
        /// How much, never negative: see [`Fund::change`].
        amount: Option<Amount> = "收支金额(元)" | "收支金额（元）" | "收支金额",
        /// The balance afterwards.
        balance: Option<Amount> = "账户结余(元)" | "账户结余（元）" | "账户结余",
        /// Who asked for the change.
        applicant: Option<String> = "资金变更提交申请人",
        /// A note.
        note: String = "备注",
        /// Number of the voucher: the merchant's number, for instance of the refund.
        voucher: Option<String> = "业务凭证号",
    }
}

columns! {
    /// The sums of a fund flow bill.
    FundSums {
        /// How many rows there are.
        count: Option<u64> = "资金流水总笔数",
        /// How many of them are money in.
        income_count: Option<u64> = "收入笔数",
        /// Sum of money in.
        income: Option<Amount> = "收入金额",
        /// How many of them are money out.
        expense_count: Option<u64> = "支出笔数",
        /// Sum of money out.
        expense: Option<Amount> = "支出金额",
    }
}

impl Fund {
    /// By how much the balance changed: negative for money out. None if the bill has no amount or an unknown
    /// direction.
    pub fn change(&self) -> Option<Amount> {
        match self.direction.as_str() {
            "收入" => self.amount,
            "支出" => self.amount.map(|amount| -amount),
            _ => None,
        }
    }
}
