//! Bills of both generations, and that they agree with orders, refunds and purses.

use std::io::Read as _;

use serde_json::{Value, json};
use xinqiao_crypto::{Hex, pay_v2::SignType};
use xinqiao_testkit::TestWorld;
use xinqiao_wire::bill::{Bill, Fund, FundSums, Trade, TradeSums};

use crate::{
    shop::{Answer, Shop, now},
    till,
};

/// A shop at ten in the morning, which paid, refunded and was refused.
struct Day {
    shop: Shop,
    /// As the third generation writes it.
    date: String,
}

impl Day {
    async fn begin() -> Self {
        Self::begin_in(TestWorld::start().await).await
    }

    async fn begin_in(world: TestWorld) -> Self {
        let shop = Shop::open_in(world, json!({})).await;
        let freeze = json!({"freeze": true});
        shop.world.must("POST", "/clock", freeze).await;
        shop.world.next_morning().await;
        let clock = shop.world.get("/clock").await["now"].as_i64().unwrap();
        let date = xinqiao_types::shanghai::written(xinqiao_types::UnixSeconds(clock), "%Y-%m-%d");
        Self { shop, date }
    }

    async fn pay(&self, out_trade_no: &str, total: i64) {
        let mut order = self.shop.order(out_trade_no);
        order["amount"]["total"] = json!(total);
        let path = "/v3/pay/transactions/jsapi";
        let placed = self.shop.call("POST", path, order).await;
        let prepay_id = &placed.body["prepay_id"];
        let (status, paid) = self.shop.pay(json!({"prepay_id": prepay_id})).await;
        assert_eq!(status, 200, "{paid}");
    }

    /// Pays several orders of the shop as one.
    async fn pay_as_one(&self, number: &str, parts: &[(String, i64)]) {
        let shop = &self.shop;
        let subs: Vec<Value> = { parts.iter() }
            .map(|(out_trade_no, total)| {
                json!({
                    "mchid": shop.mchid,
                    "attach": "a",
                    "description": "拿铁",
                    "out_trade_no": out_trade_no,
                    "amount": {"total_amount": total, "currency": "CNY"},
                })
            })
            .collect();
        let order = json!({
            "combine_appid": shop.appid,
            "combine_mchid": shop.mchid,
            "combine_out_trade_no": number,
            "notify_url": shop.app.url,
            "sub_orders": subs,
        });
        let path = "/v3/combine-transactions/native";
        let placed = shop.call("POST", path, order).await;
        let (status, paid) = shop.pay(json!({"code_url": placed.body["code_url"]})).await;
        assert_eq!(status, 200, "{paid}");
    }

    async fn refund(&self, out_trade_no: &str, number: &str, refund: i64, total: i64) -> u16 {
        let body = json!({
            "out_trade_no": out_trade_no,
            "out_refund_no": number,
            "amount": {"refund": refund, "total": total, "currency": "CNY"},
        });
        let path = "/v3/refund/domestic/refunds";
        self.shop.call("POST", path, body).await.status
    }

    /// What the merchant has in both purses, in fen.
    async fn owns(&self) -> i64 {
        let path = format!("/merchants/{}", self.shop.mchid);
        let merchant = self.shop.world.get(&path).await;
        let fen = |name: &str| merchant[name].as_i64().unwrap();
        fen("unsettled") + fen("available")
    }

    async fn trade_bill(&self, more: &str) -> Answer {
        let date = &self.date;
        let path = format!("/v3/bill/tradebill?bill_date={date}{more}");
        self.shop.call("GET", &path, Value::Null).await
    }

    async fn fund_bill(&self, more: &str) -> Answer {
        let date = &self.date;
        let path = format!("/v3/bill/fundflowbill?bill_date={date}{more}");
        self.shop.call("GET", &path, Value::Null).await
    }

    /// The file behind an answer, whose hash must hold.
    async fn file(&self, answer: &Answer) -> Vec<u8> {
        assert_eq!(answer.status, 200, "{answer:?}");
        let address = answer.body["download_url"].as_str().unwrap();
        let token = address.split_once("token=").unwrap().1;
        let fetched = self.fetch(token).await;
        assert_eq!(fetched.0, 200, "{:?}", String::from_utf8_lossy(&fetched.1));
        fetched.1
    }

    async fn fetch(&self, token: &str) -> (u16, Vec<u8>) {
        let target = format!("/v3/billdownload/file?token={token}");
        let proof = self.shop.authorization("GET", &target, "", now());
        let answer = self.shop.send("GET", &target, "", &proof).await;
        (answer.status, answer.raw)
    }
}

/// `GET /v3/bill/tradebill`, `/v3/bill/fundflowbill` and `/v3/billdownload/file`.
#[tokio::test]
async fn a_days_bills_are_asked_for_fetched_and_agree() {
    let day = Day::begin().await;
    day.pay("T2026020100001", 150).await;
    day.pay("T2026020100002", 50).await;
    assert_eq!(day.refund("T2026020100001", "R1", 30, 150).await, 200);
    let today = day.trade_bill("").await;
    assert_eq!(
        today.body["code"], "NO_STATEMENT_EXIST",
        "the day is not over"
    );
    day.shop.world.advance(86_400).await;
    day.pay("T2026020200001", 7).await;

    let answer = day.trade_bill("").await;
    let origin = answer.body["download_url"].as_str().unwrap();
    assert!(
        origin.starts_with("https://api.mch.weixin.qq.com/"),
        "{origin}"
    );
    let file = day.file(&answer).await;
    let hash = answer.body["hash_value"].as_str().unwrap();
    assert_eq!(hash, sha1(&file));
    let bill = Bill::parse(&file).unwrap();
    assert_eq!(bill.columns.len(), 27);
    let rows: Vec<Trade> = bill.rows.iter().map(|row| row.read().unwrap()).collect();
    assert_eq!(
        rows.len(),
        3,
        "two payments and a refund, nothing of another day"
    );
    assert_eq!(rows[0].goods, "拿铁");
    assert_eq!(rows[0].settlement_total.unwrap().fen().unwrap().0, 150);
    assert_eq!(rows[2].out_refund_no.as_deref(), Some("R1"));
    assert_eq!(rows[2].refund.unwrap().fen().unwrap().0, 30);
    let sums: TradeSums = bill.sums.unwrap().read().unwrap();
    assert_eq!(sums.count, Some(3));
    assert_eq!(sums.settlement_total.unwrap().fen().unwrap().0, 200);
    assert_eq!(sums.refund.unwrap().fen().unwrap().0, 30);

    for (kind, columns, count) in [("SUCCESS", 20, 2), ("REFUND", 29, 1)] {
        let answer = day.trade_bill(&format!("&bill_type={kind}")).await;
        let bill = Bill::parse(&day.file(&answer).await).unwrap();
        assert_eq!(
            (bill.columns.len(), bill.rows.len()),
            (columns, count),
            "{kind}"
        );
    }

    let answer = day.trade_bill("&tar_type=GZIP").await;
    let packed = day.file(&answer).await;
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, file, "packed it is the same text");
    assert_eq!(answer.body["hash_value"], hash, "and has the same hash");

    let answer = day.fund_bill("").await;
    let bill = Bill::parse(&day.file(&answer).await).unwrap();
    assert_eq!(bill.columns.len(), 11);
    let rows: Vec<Fund> = bill.rows.iter().map(|row| row.read().unwrap()).collect();
    let sums: FundSums = bill.sums.unwrap().read().unwrap();
    assert_eq!((rows.len(), sums.count), (3, Some(3)));
    assert_eq!(sums.income.unwrap().fen().unwrap().0, 200);
    assert_eq!(sums.expense.unwrap().fen().unwrap().0, 30);
}

#[tokio::test]
async fn refunds_that_were_closed_are_no_part_of_a_bills_sums() {
    let day = Day::begin().await;
    day.pay("T2026020100001", 150).await;
    let path = format!("/merchants/{}", day.shop.mchid);
    let ends = async |word: &str| {
        let rules = json!({"rules": {"pay.refund_result": word}});
        day.shop.world.must("PATCH", &path, rules).await;
    };
    ends("CLOSED").await;
    assert_eq!(day.refund("T2026020100001", "R1", 30, 150).await, 200);
    day.shop.world.advance(2).await;
    ends("SUCCESS").await;
    assert_eq!(day.refund("T2026020100001", "R2", 20, 150).await, 200);
    day.shop.world.advance(86_400).await;
    for kind in ["ALL", "REFUND"] {
        let answer = day.trade_bill(&format!("&bill_type={kind}")).await;
        let bill = Bill::parse(&day.file(&answer).await).unwrap();
        let sums: TradeSums = bill.sums.unwrap().read().unwrap();
        assert_eq!(sums.refund.unwrap().fen().unwrap().0, 20, "{kind}");
        assert_eq!(sums.refund_asked.unwrap().fen().unwrap().0, 20, "{kind}");
        assert!(bill.rows.len() >= 2, "both have their rows");
    }
}

fn sha1(file: &[u8]) -> String {
    use sha1::Digest as _;
    Hex::from(<[u8; 20]>::from(sha1::Sha1::digest(file))).to_string()
}

#[tokio::test]
async fn a_bill_is_the_same_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || TestWorld::start_with(crate::persistence::options(folder.path()));
    let mut day = Day::begin_in(kept().await).await;
    day.pay("T2026020100001", 150).await;
    day.shop.world.advance(86_400).await;
    for more in ["", "&tar_type=GZIP"] {
        let answer = day.trade_bill(more).await;
        let before = day.file(&answer).await;
        let ended = std::mem::replace(&mut day.shop.world, TestWorld::start().await);
        ended.shutdown().await;
        day.shop.world = kept().await;
        assert_eq!(day.file(&answer).await, before);
    }
}

#[tokio::test]
async fn a_bill_is_fetched_by_its_merchant_within_five_minutes() {
    let day = Day::begin().await;
    day.pay("T2026020100001", 150).await;
    day.shop.world.advance(86_400).await;
    let answer = day.trade_bill("").await;
    let address = answer.body["download_url"].as_str().unwrap().to_owned();
    let token = address.split_once("token=").unwrap().1;
    assert_eq!(day.fetch("other").await.0, 400);
    assert_eq!(day.fetch(token).await.0, 200);
    day.shop.world.advance(300).await;
    assert_eq!(day.fetch(token).await.0, 400);
    for wrong in ["2026-2-01", "20260201", "2026-13-01", "tomorrow"] {
        let path = format!("/v3/bill/tradebill?bill_date={wrong}");
        let answer = day.shop.call("GET", &path, Value::Null).await;
        assert_eq!(answer.body["code"], "PARAM_ERROR", "{wrong}");
    }
    let operation = day.fund_bill("&account_type=OPERATION").await;
    assert_eq!(operation.body["code"], "NO_STATEMENT_EXIST");
}

#[tokio::test]
async fn a_bill_may_be_late_as_on_the_platform() {
    let day = Day::begin().await;
    let path = format!("/merchants/{}", day.shop.mchid);
    let rules = json!({"rules": {"pay.bill_ready_hour": 9}});
    day.shop.world.must("PATCH", &path, rules).await;
    day.pay("T2026020100001", 150).await;
    // It is eight in the morning.
    day.shop.world.advance(86_400).await;
    let early = day.trade_bill("").await;
    assert_eq!(early.body["code"], "STATEMENT_CREATING");
    day.shop.world.advance(3600).await;
    assert_eq!(day.trade_bill("").await.status, 200);
}

#[tokio::test]
async fn an_hour_that_no_day_has_is_refused() {
    let day = Day::begin().await;
    let path = format!("/merchants/{}", day.shop.mchid);
    for hour in [24, i64::MAX] {
        let rules = json!({"rules": {"pay.bill_ready_hour": hour}});
        let (status, answer) = day.shop.world.control("PATCH", &path, rules).await;
        assert_eq!(status, 400, "{hour}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("pay.bill_ready_hour") && message.contains("23"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_bill_has_the_whole_day_though_the_clock_was_set_back() {
    let day = Day::begin().await;
    let morning = day.shop.world.get("/clock").await["now"].as_i64().unwrap();
    day.shop.world.advance(86_400).await;
    day.pay("T2026020200001", 7).await;
    day.shop
        .world
        .must("POST", "/clock", json!({"now": morning}))
        .await;
    day.pay("T2026020100001", 150).await;
    day.shop.world.advance(2 * 86_400).await;
    for (date, sum) in [(0, 150), (86_400, 7)] {
        let date = xinqiao_types::UnixSeconds(morning + date);
        let date = xinqiao_types::shanghai::written(date, "%Y-%m-%d");
        let path = format!("/v3/bill/tradebill?bill_date={date}");
        let answer = day.shop.call("GET", &path, Value::Null).await;
        let bill = Bill::parse(&day.file(&answer).await).unwrap();
        let sums: TradeSums = bill.sums.unwrap().read().unwrap();
        let paid = sums.settlement_total.unwrap().fen().unwrap().0;
        assert_eq!((sums.count, paid), (Some(1), sum), "{date}");
    }
}

/// `/pay/downloadbill` and `/pay/downloadfundflow`.
#[tokio::test]
async fn a_days_bills_are_fetched_in_xml() {
    let day = Day::begin().await;
    let how = SignType::Md5;
    let date = day.date.replace('-', "");
    let fields = [("bill_date", date.as_str()), ("bill_type", "ALL")];
    day.shop.world.advance(86_400).await;
    let none = day.shop.xml("/pay/downloadbill", &fields, how).await;
    let message = none.iter().find(|(name, _)| name == "return_msg").unwrap();
    assert_eq!(message.1, "No Bill Exist");

    let day = Day::begin().await;
    day.pay("T2026020100001", 150).await;
    assert_eq!(day.refund("T2026020100001", "R1", 30, 150).await, 200);
    day.shop.world.advance(86_400).await;
    let date = day.date.replace('-', "");
    let fields = [("bill_date", date.as_str()), ("bill_type", "ALL")];
    let text = day.shop.text("/pay/downloadbill", &fields, how).await;
    assert_eq!(Bill::parse(text.as_bytes()).unwrap().rows.len(), 2);
    let fields = [("bill_date", date.as_str()), ("account_type", "Basic")];
    let text = day.shop.text("/pay/downloadfundflow", &fields, how).await;
    let bill = Bill::parse(text.as_bytes()).unwrap();
    let sums: FundSums = bill.sums.unwrap().read().unwrap();
    assert_eq!(sums.expense.unwrap().fen().unwrap().0, 30);
}

/// Whatever is paid and given back, purses, movements and bills agree to the fen.
#[tokio::test]
async fn purses_movements_and_bills_agree_whatever_happens() {
    // A small generator of its own, so that a failure can be repeated.
    let mut state = 20_260_201_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let day = Day::begin().await;
    let mut orders: Vec<(String, i64)> = Vec::new();
    let mut reversed: Vec<String> = Vec::new();
    let (mut came, mut went) = (0, 0);
    for step in 0..90_u64 {
        match draw(14) {
            13 => {
                let parts = [1, 2].map(|part| {
                    (
                        format!("T2026020{part}{step:05}C"),
                        1 + draw(500).cast_signed(),
                    )
                });
                day.pay_as_one(&format!("C20260201{step:05}"), &parts).await;
                came += parts[0].1 + parts[1].1;
                orders.extend(parts);
            }
            10 | 11 => {
                // At a till; of a quarter the phone asks for a password, and the order waits.
                let (number, total) = (format!("T20260202{step:05}"), 1 + draw(500).cast_signed());
                let password =
                    ["always", "never", "never", "never"][(total % 4).unsigned_abs() as usize];
                let code = till::code(&day.shop, json!({"password": password})).await;
                let body = till::charged(&day.shop, &number, total, &code);
                let path = "/v3/pay/transactions/codepay";
                let status = day.shop.call("POST", path, body).await.status;
                assert_eq!(status == 200, password == "never");
                if status == 200 {
                    came += total;
                }
                orders.push((number, total));
            }
            12 if !orders.is_empty() => {
                // What was not paid at a till, was refunded or taken back before gives nothing back.
                let which = usize::try_from(draw(orders.len() as u64)).unwrap();
                let (number, total) = orders[which].clone();
                let before = day.owns().await;
                let (status, _) = till::reverse(&day.shop, &number).await;
                let back = before - day.owns().await;
                assert!(
                    back == 0 || (status == 200 && back == total),
                    "{number}: {back}"
                );
                if back > 0 {
                    reversed.push(number);
                }
                went += back;
            }
            0..=4 => {
                let (number, total) = (format!("T20260201{step:05}"), 1 + draw(500).cast_signed());
                day.pay(&number, total).await;
                orders.push((number, total));
                came += total;
            }
            5..=8 if !orders.is_empty() => {
                let which = usize::try_from(draw(orders.len() as u64)).unwrap();
                let (number, total) = orders[which].clone();
                let fen = 1 + draw(total.unsigned_abs()).cast_signed();
                if day.refund(&number, &format!("R{step}"), fen, total).await == 200 {
                    went += fen;
                }
            }
            _ => day.shop.world.advance(1 + draw(600).cast_signed()).await,
        }
    }
    let path = format!("/merchants/{}", day.shop.mchid);
    let merchant = day.shop.world.get(&path).await;
    let fen = |name: &str| merchant[name].as_i64().unwrap();
    assert_eq!(
        fen("unsettled") + fen("available"),
        20_000_000 + came - went
    );
    day.shop.world.advance(86_400).await;
    let merchant = day.shop.world.get(&path).await;
    let fen = |name: &str| merchant[name].as_i64().unwrap();
    assert_eq!(fen("unsettled"), 10_000_000, "the day is settled");
    assert_eq!(fen("available"), 10_000_000 + came - went);

    let answer = day.trade_bill("").await;
    let bill = Bill::parse(&day.file(&answer).await).unwrap();
    let sums: TradeSums = bill.sums.unwrap().read().unwrap();
    let paid = sums.settlement_total.unwrap().fen().unwrap().0;
    let refunded = sums.refund.unwrap().fen().unwrap().0;
    assert_eq!((paid, refunded), (came, went));
    let answer = day.fund_bill("").await;
    let bill = Bill::parse(&day.file(&answer).await).unwrap();
    let rows: Vec<Fund> = bill.rows.iter().map(|row| row.read().unwrap()).collect();
    let last = rows.last().unwrap().balance.unwrap().fen().unwrap().0;
    assert_eq!(last, 20_000_000 + came - went);
    let sums: FundSums = bill.sums.unwrap().read().unwrap();
    assert_eq!(sums.income.unwrap().fen().unwrap().0, came);
    assert_eq!(sums.expense.unwrap().fen().unwrap().0, went);
    let refunds = day
        .shop
        .world
        .get(&format!("{path}/refunds?limit=100"))
        .await;
    let refunds = refunds["items"].as_array().unwrap();
    assert!(!reversed.is_empty(), "something was taken back");
    for (number, total) in &orders {
        let of_order = refunds.iter().filter(|one| one["out_trade_no"] == **number);
        let back: i64 = of_order.map(|one| one["amount"].as_i64().unwrap()).sum();
        let back = back + if reversed.contains(number) { *total } else { 0 };
        assert!(back <= *total, "{number}: {back} of {total} fen");
    }
}
