//! Money only moves: whatever is paid, with coupons or without, refunded, shared, transferred, sent, and settled in whatever order, purses, fund flow
//! and bills agree to the fen, and no order gives more than it brought.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use xinqiao_types::{UnixSeconds, shanghai};
use xinqiao_wire::bill::{Amount, Bill, Fund, FundSums, TradeSums};

use crate::{
    coupons,
    shop::{Shop, now},
};

/// What happens; numbers of orders and the like count from the latest that there is.
#[derive(Debug, Clone)]
enum Step {
    Pay {
        total: i64,
        shares: bool,
    },
    Refund {
        of: usize,
        percent: i64,
        available: bool,
    },
    Share {
        of: usize,
        percent: i64,
        last: bool,
    },
    Unfreeze {
        of: usize,
    },
    Return {
        of: usize,
        percent: i64,
    },
    Transfer {
        amount: i64,
    },
    Confirm {
        of: usize,
    },
    Cancel {
        of: usize,
    },
    Send {
        amount: i64,
        several: bool,
    },
    Open {
        of: usize,
    },
    /// A coupon is given, of a prepaid stock or of the other.
    Give {
        prepaid: bool,
    },
    Switch {
        rule: usize,
    },
    Pass {
        seconds: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let percent = || prop_oneof![Just(100_i64), 1_i64..130];
    prop_oneof![
        4 => (1_i64..10_000, any::<bool>()).prop_map(|(total, shares)| Step::Pay { total, shares }),
        3 => (0_usize..4, percent(), any::<bool>())
            .prop_map(|(of, percent, available)| Step::Refund { of, percent, available }),
        3 => (0_usize..4, 1_i64..40, any::<bool>())
            .prop_map(|(of, percent, last)| Step::Share { of, percent, last }),
        1 => (0_usize..4).prop_map(|of| Step::Unfreeze { of }),
        2 => (0_usize..4, percent()).prop_map(|(of, percent)| Step::Return { of, percent }),
        2 => (10_i64..10_000).prop_map(|amount| Step::Transfer { amount }),
        2 => (0_usize..4).prop_map(|of| Step::Confirm { of }),
        1 => (0_usize..4).prop_map(|of| Step::Cancel { of }),
        1 => (300_i64..2_000, any::<bool>()).prop_map(|(amount, several)| Step::Send { amount, several }),
        1 => (0_usize..4).prop_map(|of| Step::Open { of }),
        3 => any::<bool>().prop_map(|prepaid| Step::Give { prepaid }),
        1 => (0_usize..SWITCHES.len()).prop_map(|rule| Step::Switch { rule }),
        3 => prop_oneof![Just(1_i64), Just(2), Just(3_600), Just(86_400), Just(200 * 86_400)]
            .prop_map(|seconds| Step::Pass { seconds }),
    ]
}

const SWITCHES: [(&str, &str); 6] = [
    ("pay.refund_result", "CLOSED"),
    ("pay.refund_result", "SUCCESS"),
    ("pay.sharing_result", "RECEIVER_HIGH_RISK"),
    ("pay.sharing_result", "SUCCESS"),
    ("pay.transfer_result", "ACCOUNT_FROZEN"),
    ("pay.transfer_result", "SUCCESS"),
];

/// A shop with a partner, and what became of it.
struct Books {
    shop: Shop,
    partner: String,
    /// The platform's numbers of orders, and their sums.
    orders: Vec<(String, i64)>,
    /// What the customer paid of them.
    paid: i64,
    /// Stocks of coupons: a prepaid one, and one that is not.
    stocks: [String; 2],
    steps: usize,
    /// The first second of the first day.
    begins: i64,
    first: BTreeMap<String, i64>,
}

const PURSES: [&str; 4] = ["unsettled", "available", "frozen", "operation"];

impl Books {
    async fn open() -> Self {
        let shop = Shop::open().await;
        let freeze = json!({"freeze": true});
        shop.world.must("POST", "/clock", freeze).await;
        shop.world.next_morning().await;
        let little = json!({"unsettled": 3_000, "available": 3_000, "operation": 9_000});
        let path = format!("/merchants/{}", shop.mchid);
        shop.world.must("PATCH", &path, little).await;
        // Bills begin with the day after the purses were set.
        shop.world.next_morning().await;
        let new = json!({"name": "供货商", "available": 0, "unsettled": 0, "operation": 0});
        let partner = shop.world.must("POST", "/merchants", new).await;
        let partner = partner["mchid"].as_str().unwrap().to_owned();
        let (_, key) = shop.encryption_key();
        let receiver = json!({
            "appid": shop.appid, "type": "MERCHANT_ID", "account": partner,
            "name": key.encrypt("供货商").unwrap(), "relation_type": "SUPPLIER",
        });
        let path = "/v3/profitsharing/receivers/add";
        assert_eq!(shop.call("POST", path, receiver).await.status, 200);
        let clock = shop.world.get("/clock").await["now"].as_i64().unwrap();
        let begins = shanghai::next_midnight(UnixSeconds(clock)).0 - 86_400;
        let mut books = Self {
            shop,
            partner,
            orders: Vec::new(),
            paid: 0,
            stocks: [String::new(), String::new()],
            steps: 0,
            begins,
            first: BTreeMap::new(),
        };
        books.first = books.purses().await;
        for (at, prepaid) in [true, false].into_iter().enumerate() {
            let mut stock = coupons::stock(&books.shop, &format!("S{at}")).await;
            stock["no_cash"] = json!(!prepaid);
            stock["stock_use_rule"] = json!({
                "max_coupons": 20, "max_amount": 600, "max_coupons_per_user": 20,
            });
            stock["coupon_use_rule"]["fixed_normal_coupon"] =
                json!({"coupon_amount": 30, "transaction_minimum": 31});
            books.stocks[at] = coupons::started(&books.shop, stock).await;
        }
        books
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let list = self
            .shop
            .world
            .get(&format!("/merchants/{}/{what}", self.shop.mchid))
            .await;
        assert!(list["next"].is_null(), "a page holds all of it");
        list["items"].as_array().unwrap().clone()
    }

    async fn purses(&self) -> BTreeMap<String, i64> {
        let merchant = self
            .shop
            .world
            .get(&format!("/merchants/{}", self.shop.mchid))
            .await;
        let of = |name: &str| (name.to_owned(), merchant[name].as_i64().unwrap());
        PURSES.into_iter().map(of).collect()
    }

    /// One of the latest.
    fn order(&self, of: usize) -> Option<&(String, i64)> {
        self.orders.iter().rev().nth(of)
    }

    async fn act(&self, how: Value) {
        let mut how = how;
        how["account"] = json!(self.shop.appid);
        let path = format!("/users/{}/actions", self.shop.user);
        let (status, answer) = self.shop.world.control("POST", &path, how).await;
        assert!(status == 200 || status == 422, "{answer}");
    }

    async fn call(&self, path: &str, body: Value) {
        let answer = self.shop.call("POST", path, body).await;
        assert!(answer.status < 500, "{path}: {answer:?}");
    }

    async fn go(&mut self, step: &Step) {
        self.steps += 1;
        let at = self.steps;
        match *step {
            Step::Pay { total, shares } => self.pay(total, shares).await,
            Step::Refund {
                of,
                percent,
                available,
            } => {
                let Some((id, total)) = self.order(of) else {
                    return;
                };
                let mut body = json!({
                    "transaction_id": id,
                    "out_refund_no": format!("R{at}"),
                    "amount": {"refund": (total * percent / 100).max(1), "total": total, "currency": "CNY"},
                });
                if available {
                    body["funds_account"] = json!("AVAILABLE");
                }
                self.call("/v3/refund/domestic/refunds", body).await;
            }
            Step::Share { of, percent, last } => {
                let Some((id, total)) = self.order(of) else {
                    return;
                };
                let part = json!({
                    "type": "MERCHANT_ID", "account": self.partner, "description": "货款",
                    "amount": (total * percent / 100).max(1),
                });
                let body = json!({
                    "appid": self.shop.appid, "transaction_id": id, "out_order_no": format!("P{at}"),
                    "receivers": [part], "unfreeze_unsplit": last,
                });
                self.call("/v3/profitsharing/orders", body).await;
            }
            Step::Unfreeze { of } => {
                let Some((id, _)) = self.order(of) else {
                    return;
                };
                let body = json!({
                    "transaction_id": id, "out_order_no": format!("P{at}"), "description": "解冻",
                });
                self.call("/v3/profitsharing/orders/unfreeze", body).await;
            }
            Step::Return { of, percent } => {
                let shared = self.list("sharings").await;
                let Some(sharing) = shared.iter().rev().nth(of) else {
                    return;
                };
                let part = &sharing["receivers"][0];
                let amount = part["amount"].as_i64().unwrap_or(1) * percent / 100;
                let body = json!({
                    "out_order_no": sharing["out_order_no"], "out_return_no": format!("B{at}"),
                    "return_mchid": self.partner, "amount": amount.max(1), "description": "退货",
                });
                self.call("/v3/profitsharing/return-orders", body).await;
            }
            Step::Transfer { amount } => {
                let body = json!({
                    "appid": self.shop.appid, "out_bill_no": format!("T{at}"), "openid": self.shop.openid,
                    "transfer_scene_id": "1000", "transfer_amount": amount, "transfer_remark": "佣金",
                    "transfer_scene_report_infos": [{"info_type": "活动名称", "info_content": "新年"}],
                });
                self.call("/v3/fund-app/mch-transfer/transfer-bills", body)
                    .await;
            }
            Step::Confirm { of } => {
                let transfers = self.list("transfers").await;
                let Some(transfer) = transfers.iter().rev().nth(of) else {
                    return;
                };
                let package = &transfer["package_info"];
                if package.is_string() {
                    let how = json!({"do": "confirm_transfer", "package_info": package});
                    self.act(how).await;
                }
            }
            Step::Cancel { of } => {
                let transfers = self.list("transfers").await;
                let Some(transfer) = transfers.iter().rev().nth(of) else {
                    return;
                };
                let number = transfer["out_bill_no"].as_str().unwrap();
                let path =
                    format!("/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{number}/cancel");
                self.call(&path, Value::Null).await;
            }
            Step::Send { amount, several } => self.send(amount, several).await,
            Step::Open { of } => {
                let packets = self.list("red-packets").await;
                let Some(packet) = packets.iter().rev().nth(of) else {
                    return;
                };
                let how = json!({"do": "open_red_packet", "red_packet": packet["red_packet"]});
                self.act(how).await;
            }
            Step::Give { prepaid } => {
                let stock_id = &self.stocks[usize::from(!prepaid)];
                let given = coupons::give(&self.shop, stock_id, &format!("C{at}")).await;
                assert!(given.status < 500, "{given:?}");
            }
            Step::Switch { rule } => {
                let (name, word) = SWITCHES[rule];
                let path = format!("/merchants/{}", self.shop.mchid);
                let rules = json!({"rules": {name: word}});
                self.shop.world.must("PATCH", &path, rules).await;
            }
            Step::Pass { seconds } => self.shop.world.advance(seconds).await,
        }
    }

    async fn pay(&mut self, total: i64, shares: bool) {
        let mut order = self.shop.order(&format!("O2026{}", self.steps));
        order["amount"]["total"] = json!(total);
        order["settle_info"] = json!({"profit_sharing": shares});
        let path = "/v3/pay/transactions/jsapi";
        let placed = self.shop.call("POST", path, order).await;
        let prepay_id = &placed.body["prepay_id"];
        let (status, paid) = self.shop.pay(json!({"prepay_id": prepay_id})).await;
        assert_eq!(status, 200, "{paid}");
        let id = paid["order"]["transaction_id"].as_str().unwrap();
        self.orders.push((id.to_owned(), total));
        self.paid += paid["order"]["payer_total"].as_i64().unwrap();
    }

    async fn send(&self, amount: i64, several: bool) {
        let (number, amount) = (format!("H{}", self.steps), amount.to_string());
        let mut fields = vec![
            ("wxappid", self.shop.appid.as_str()),
            ("mch_id", &self.shop.mchid),
            ("mch_billno", &number),
            ("send_name", "桥头咖啡"),
            ("re_openid", &self.shop.openid),
            ("total_amount", &amount),
            ("wishing", "新年好"),
            ("act_name", "新年"),
            ("remark", "快来抢"),
        ];
        let path = if several {
            fields.extend([("total_num", "3"), ("amt_type", "ALL_RAND")]);
            "/mmpaymkttransfers/sendgroupredpack"
        } else {
            fields.extend([("total_num", "1"), ("client_ip", "127.0.0.1")]);
            "/mmpaymkttransfers/sendredpack"
        };
        let answer = self.shop.xml_alone(path, &fields).await;
        assert!(!answer.is_empty());
    }

    /// What is the merchant's, its partner's and the customer's, and on its way between them, is what the customer paid
    /// and did not get back.
    async fn check(&self) {
        let purses = self.purses().await;
        for (name, fen) in &purses {
            assert!(*fen >= 0, "{name} is overdrawn: {purses:?}");
        }
        let sum = |list: &[Value], name: &str| -> i64 {
            list.iter().map(|one| one[name].as_i64().unwrap_or(0)).sum()
        };
        let in_state = |list: Vec<Value>, name: &str, states: &[&str]| -> Vec<Value> {
            let fits = |one: &Value| states.contains(&one[name].as_str().unwrap_or_default());
            list.into_iter().filter(fits).collect()
        };
        let standing = ["PROCESSING", "SUCCESS", "ABNORMAL"];
        let refunds = in_state(self.list("refunds").await, "status", &standing);
        let underway = ["ACCEPTED", "WAIT_USER_CONFIRM", "TRANSFERING", "CANCELING"];
        let transfers = in_state(self.list("transfers").await, "state", &underway);
        let packets = self.list("red-packets").await;
        let in_packets: i64 = packets
            .iter()
            .map(|packet| {
                let opened = sum(packet["opened"].as_array().unwrap(), "amount");
                packet["total"].as_i64().unwrap()
                    - opened
                    - packet["returned"].as_i64().unwrap_or(0)
            })
            .sum();
        let partner = self
            .shop
            .world
            .get(&format!("/merchants/{}", self.partner))
            .await;
        let wallet = self
            .shop
            .world
            .get(&format!("/users/{}/wallet", self.shop.user))
            .await;
        let budgets = sum(&self.list("coupon-stocks").await, "budget");
        // What is to go back to prepaid coupons.
        let on_their_way: i64 = { refunds.iter() }
            .filter(|one| one["status"] != "SUCCESS")
            .map(|one| {
                let of = |name: &str| one[name].as_i64().unwrap();
                of("settlement_refund") - of("payer_refund")
            })
            .sum();
        let is: i64 = purses.values().sum::<i64>()
            + budgets
            + on_their_way
            + partner["available"].as_i64().unwrap()
            + wallet["received"].as_i64().unwrap()
            + sum(&transfers, "amount")
            + in_packets;
        let first: i64 = self.first.values().sum();
        assert_eq!(
            is,
            first + self.paid - sum(&refunds, "payer_refund"),
            "money appears or is lost"
        );

        for (id, total) in &self.orders {
            let of = |one: &&Value| one["transaction_id"] == json!(id);
            let back: i64 = { refunds.iter().filter(of) }
                .map(|one| one["amount"].as_i64().unwrap())
                .sum();
            assert!(back <= *total, "{id}: {back} of {total} are refunded");
        }

        let mut held: BTreeMap<&str, i64> = BTreeMap::new();
        let movements = self.list("funds").await;
        for movement in &movements {
            let purse = PURSES
                .iter()
                .find(|purse| movement["purse"] == json!(purse))
                .unwrap();
            let balance = movement["balance"].as_i64().unwrap();
            let before = balance - movement["change"].as_i64().unwrap();
            if let Some(held) = held.insert(purse, balance) {
                assert_eq!(held, before, "{movement}");
            }
        }
        for (purse, balance) in held {
            assert_eq!(balance, purses[purse], "the fund flow of {purse}");
        }
    }

    async fn bill(&self, path: &str) -> Option<Bill> {
        let answer = self.shop.call("GET", path, Value::Null).await;
        if answer.body["code"] == "NO_STATEMENT_EXIST" {
            return None;
        }
        let address = answer.body["download_url"].as_str().unwrap();
        let token = address.split_once("token=").unwrap().1;
        let target = format!("/v3/billdownload/file?token={token}");
        let proof = self.shop.authorization("GET", &target, "", now());
        let file = self.shop.send("GET", &target, "", &proof).await;
        Some(Bill::parse(&file.raw).unwrap())
    }

    /// Day by day the bills lead from what each account had to what it has, and tell what was paid and given back.
    async fn check_bills(&self) {
        // What comes back after a day does so on a day that is over then.
        self.shop.world.advance(2 * 86_400).await;
        let clock = self.shop.world.get("/clock").await["now"].as_i64().unwrap();
        let purses = self.purses().await;
        let basic = |purses: &BTreeMap<String, i64>| {
            purses["unsettled"] + purses["available"] + purses["frozen"]
        };
        let (mut in_basic, mut in_operation) = (basic(&self.first), self.first["operation"]);
        let (mut paid, mut back) = (0, 0);
        // Days on which nothing happened have no bills; only those of movements are asked for.
        let movements = self.list("funds").await;
        let day_of = |at: i64| (at - self.begins).div_euclid(86_400);
        let days: std::collections::BTreeSet<i64> = { movements.iter() }
            .map(|movement| day_of(movement["at"].as_i64().unwrap()))
            .filter(|day| *day >= 0 && *day < day_of(clock))
            .collect();
        for day in days {
            let date = shanghai::written(UnixSeconds(self.begins + day * 86_400), "%Y-%m-%d");
            for (account, held) in [("BASIC", &mut in_basic), ("OPERATION", &mut in_operation)] {
                let path = format!("/v3/bill/fundflowbill?bill_date={date}&account_type={account}");
                let Some(bill) = self.bill(&path).await else {
                    continue;
                };
                let before = *held;
                for row in &bill.rows {
                    let row: Fund = row.read().unwrap();
                    *held += fen(row.change());
                    assert_eq!(fen(row.balance), *held, "{date} {account} {row:?}");
                }
                let sums: FundSums = bill.sums.unwrap().read().unwrap();
                assert_eq!(fen(sums.income) - fen(sums.expense), *held - before);
            }
            let path = format!("/v3/bill/tradebill?bill_date={date}");
            if let Some(bill) = self.bill(&path).await {
                let sums: TradeSums = bill.sums.unwrap().read().unwrap();
                paid += fen(sums.order_total);
                back += fen(sums.refund);
            }
        }
        assert_eq!(in_basic, basic(&purses), "the bills of the basic account");
        assert_eq!(
            in_operation, purses["operation"],
            "those of the operation account"
        );
        assert_eq!(
            paid,
            self.orders.iter().map(|(_, total)| total).sum::<i64>()
        );
        let accepted = self.list("refunds").await;
        let accepted: i64 = accepted
            .iter()
            .filter(|one| one["status"] != "CLOSED")
            .map(|one| one["settlement_refund"].as_i64().unwrap())
            .sum();
        assert_eq!(back, accepted, "what was closed is no part of a bill's sum");
    }
}

fn fen(amount: Option<Amount>) -> i64 {
    amount.and_then(Amount::fen).unwrap().0
}

/// Of each way that money goes at least one, whatever chance says.
fn all_of_it() -> Vec<Step> {
    vec![
        Step::Give { prepaid: true },
        Step::Pay {
            total: 5_000,
            shares: true,
        },
        Step::Give { prepaid: false },
        Step::Pay {
            total: 700,
            shares: false,
        },
        Step::Share {
            of: 1,
            percent: 20,
            last: false,
        },
        Step::Refund {
            of: 1,
            percent: 30,
            available: false,
        },
        Step::Refund {
            of: 0,
            percent: 50,
            available: true,
        },
        Step::Transfer { amount: 800 },
        Step::Pass { seconds: 2 },
        Step::Return { of: 0, percent: 50 },
        Step::Confirm { of: 0 },
        Step::Send {
            amount: 600,
            several: true,
        },
        Step::Open { of: 0 },
        Step::Transfer { amount: 900 },
        Step::Cancel { of: 0 },
        Step::Unfreeze { of: 1 },
        Step::Pass { seconds: 86_400 },
    ]
}

async fn play(steps: &[Step]) {
    let mut books = Books::open().await;
    for step in steps {
        books.go(step).await;
        books.check().await;
    }
    books.check_bills().await;
}

#[test]
fn purses_fund_flow_and_bills_agree_whatever_happens() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(play(&all_of_it()));
    let config = Config {
        cases: 8,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 5..40);
    TestRunner::new(config)
        .run(&steps, |steps| {
            runtime.block_on(play(&steps));
            Ok(())
        })
        .unwrap();
}

/// Refunds and sharings of one frozen order at once take no more than it brought.
#[tokio::test]
async fn of_many_refunds_and_sharings_at_once_no_more_is_taken_than_was_paid() {
    let mut books = Books::open().await;
    let rules = json!({"rules": {"pay.sharing_percent": 100}});
    let path = format!("/merchants/{}", books.shop.mchid);
    books.shop.world.must("PATCH", &path, rules).await;
    books.pay(100, true).await;
    let books = Arc::new(books);
    let id = books.orders[0].0.clone();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..64 {
        let (books, id) = (Arc::clone(&books), id.clone());
        calls.spawn(async move {
            let (path, body) = if number % 2 == 0 {
                let body = json!({
                    "transaction_id": id, "out_refund_no": format!("R{number}"),
                    "amount": {"refund": 7, "total": 100, "currency": "CNY"},
                });
                ("/v3/refund/domestic/refunds", body)
            } else {
                let part = json!({
                    "type": "MERCHANT_ID", "account": books.partner, "amount": 7, "description": "货款",
                });
                let body = json!({
                    "appid": books.shop.appid, "transaction_id": id,
                    "out_order_no": format!("P{number}"),
                    "receivers": [part], "unfreeze_unsplit": false,
                });
                ("/v3/profitsharing/orders", body)
            };
            books.shop.call("POST", path, body).await.status
        });
    }
    let answers = calls.join_all().await;
    let accepted = answers.iter().filter(|status| **status == 200).count();
    assert_eq!(accepted, 14, "14 × 7 fen of 100");
    books.check().await;
    books.shop.world.advance(2).await;
    books.check().await;
    assert_eq!(books.purses().await["frozen"], 2);
}
