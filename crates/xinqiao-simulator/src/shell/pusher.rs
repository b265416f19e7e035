//! Carries a push out: has it sealed, posts it, reports what came back. The verdict is the world's.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, header};
use xinqiao_http::{OutboundError, OutboundRequest};
use xinqiao_message::envelope;
use xinqiao_types::{SystemEntropy, percent};

use super::Shared;
use crate::{
    kernel::World,
    kernel::row::{CallbackFacts, Exchange, Plain, Row, RowState, Timing, Words, diagnose, shown},
    options::AppState,
    push::{
        self, Kinds,
        deliveries::{self, DELIVERIES},
        envelope::{Sealed, Sealer},
        faults::Harm,
        order::{Judged, PushOrder, PushOutcome, PushResult},
    },
};

/// While somebody debugs, an app may take this long.
const PATIENCE: Duration = Duration::from_mins(10);
/// What the platform calls itself.
const USER_AGENT: &str = "Mozilla/4.0";
/// Nobody listens at the app's port.
pub(crate) const REFUSED: &str = "callback.refused";
/// Most bytes of an answer.
const MOST: usize = 1024 * 1024;

/// Carries one attempt out and reports it; the world orders the next one.
pub(super) async fn push(shared: Arc<Shared>, delivery: u64, attempt: u8) {
    let mut started_ms = Shared::wall_ms();
    let ask = || { &shared.world }.ask(move |world| ready(world, delivery, attempt));
    let mut ordered = ask().await;
    if let Ok(Some((
        PushOrder {
            fault: Some(fault), ..
        },
        _,
    ))) = &ordered
        && let Some(delay) = fault.delay_ms
    {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(delay)) => {}
        }
        started_ms = Shared::wall_ms();
        ordered = ask().await;
    }
    let Ok(Some((order, sealer))) = ordered else {
        // The delivery came to its end, or the world was replaced, before anything was sent.
        return;
    };
    let sealed = sealer.and_then(|sealer| {
        let (nonce, random) = chance();
        let sealed = (sealer.make)(started_ms / 1000, &nonce, random)?;
        let sealed = match &order.fault {
            Some(fault) => sealed.harmed(fault.push),
            None => sealed,
        };
        Ok((sealed, sealer.mode))
    });
    let (sealed, mode) = match sealed {
        Ok(sealed) => sealed,
        Err(message) => {
            let result = PushResult::Failed {
                rule: "callback.keys".to_owned(),
                message,
            };
            let none = Sealed::default();
            let spent = Spent::default();
            report(
                &shared,
                &order,
                &none,
                Vec::new(),
                started_ms,
                spent,
                result,
            )
            .await;
            return;
        }
    };
    let url = percent::with_query(&order.url, &sealed.query);
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(sealed.content_type),
    );
    headers.insert(
        header::USER_AGENT,
        header::HeaderValue::from_static(USER_AGENT),
    );
    headers.insert(header::ACCEPT, header::HeaderValue::from_static("*/*"));
    headers.insert(header::PRAGMA, header::HeaderValue::from_static("no-cache"));
    for (name, value) in &sealed.headers {
        if let Ok(value) = header::HeaderValue::from_str(value) {
            headers.insert(*name, value);
        }
    }
    let shown_headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let mut row = row(&order, &sealed, &mode, &url, &shown_headers, started_ms);
    row.id = shared.timeline.add(&shared.stream, row.clone());
    let timeout = if order.patient {
        PATIENCE
    } else {
        shared.attempt_timeout
    };
    let request = OutboundRequest {
        method: Method::POST,
        url,
        headers,
        body: sealed.body.clone().into(),
        timeout,
        max_response: MOST,
    };
    let answer = if order.meets(Harm::Drop) {
        None
    } else {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            answer = shared.outbound.send(request) => Some(answer),
        }
    };
    let ms = u64::try_from(Shared::wall_ms() - started_ms).unwrap_or(0);
    let (result, spent, response) = match answer {
        Some(Ok(answer)) => {
            let content_type = answer
                .headers
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned();
            let response = Exchange {
                status: Some(answer.status.as_u16()),
                headers: answer
                    .headers
                    .iter()
                    .map(|(name, value)| {
                        (
                            name.to_string(),
                            String::from_utf8_lossy(value.as_bytes()).into_owned(),
                        )
                    })
                    .collect(),
                body: shown(&answer.body),
                ..Exchange::default()
            };
            let spent = Spent {
                ms,
                first_byte: answer.first_byte.as_secs_f64() * 1000.0,
                total: answer.total.as_secs_f64() * 1000.0,
            };
            let result = PushResult::Answered {
                status: answer.status.as_u16(),
                content_type,
                body: answer.body.to_vec(),
            };
            (result, spent, Some(response))
        }
        Some(Err(error)) => {
            let result = PushResult::Failed {
                rule: rule_of(&error).to_owned(),
                message: error.to_string(),
            };
            let total = f64::from(u32::try_from(ms).unwrap_or(u32::MAX));
            (
                result,
                Spent {
                    ms,
                    first_byte: 0.0,
                    total,
                },
                None,
            )
        }
        None => {
            let result = PushResult::Failed {
                rule: "fault.injected".to_owned(),
                message: "a fault was ordered: this attempt never left".to_owned(),
            };
            (result, Spent::default(), None)
        }
    };
    let headers = shown_headers.clone();
    note_app(&shared, &order, &result);
    let judged = report(&shared, &order, &sealed, headers, started_ms, spent, result).await;
    finish(&shared, row, judged, spent, response);
}

/// The order of an attempt that still counts, and what seals it with the keys of now.
fn ready(world: &World, delivery: u64, attempt: u8) -> Option<(PushOrder, Result<Sealer, String>)> {
    let delivery = DELIVERIES.get(world, &delivery)?;
    let order = &delivery.order;
    if delivery.settled || order.attempt != attempt {
        return None;
    }
    let sealer = match world.house.part::<Kinds>().of(order) {
        Some(kind) => (kind.envelope.seal)(world, order),
        None => Err(format!("nothing is known of pushes `{}`", order.kind)),
    };
    Some((order.clone(), sealer))
}

/// Tells the page when the connected app went away, and when it is back.
fn note_app(shared: &Arc<Shared>, order: &PushOrder, result: &PushResult) {
    let (state, reason, rule) = match result {
        PushResult::Answered { .. } => (AppState::Connected, None, None),
        PushResult::Failed { rule, message } if rule == REFUSED => (
            AppState::Waiting,
            Some(message.clone()),
            Some(rule.as_str()),
        ),
        PushResult::Failed { .. } => return,
    };
    if shared.dev().connected.get(&*order.appid) == Some(&order.url) {
        let diagnosis = rule.map(|rule| diagnose(rule, None, None));
        shared.note_app(&order.appid, state, reason, diagnosis);
    }
}

/// Where the time of an attempt went.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    ms: u64,
    first_byte: f64,
    total: f64,
}

async fn report(
    shared: &Arc<Shared>,
    order: &PushOrder,
    sealed: &Sealed,
    headers: Vec<(String, String)>,
    started_ms: i64,
    spent: Spent,
    result: PushResult,
) -> Option<Judged> {
    let outcome = PushOutcome {
        delivery: order.delivery,
        attempt: order.attempt,
        query: sealed.query.clone(),
        body: sealed.body.clone(),
        headers,
        started_ms,
        ms: spent.ms,
        result,
    };
    let judged = shared.world.apply_soon(Box::new(outcome)).await;
    judged.ok().flatten().map(|judged| *judged)
}

/// The name of the rule that explains why nothing came back.
pub(super) fn rule_of(error: &OutboundError) -> &'static str {
    match error {
        OutboundError::Refused { .. } => REFUSED,
        OutboundError::Timeout { .. } => "callback.timeout",
        OutboundError::Dns { .. } => "callback.dns",
        OutboundError::Forbidden { .. } => "callback.not_allowed",
        OutboundError::Https { .. } | OutboundError::Url { .. } => "callback.url",
        OutboundError::TooLarge { .. } => "callback.answer.too_large",
        OutboundError::Protocol { .. } => "callback.protocol",
        _ => "callback.connection",
    }
}

/// A nonce of digits and sixteen bytes. Pushes are traffic: their chance is real, as their time is.
pub(super) fn chance() -> (String, [u8; 16]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let (nonce, mut random) = envelope::chance(&SystemEntropy);
    // WECHAT: official pushes use sixteen hexadecimal characters.
    for byte in &mut random {
        *byte = HEX[usize::from(*byte & 15)];
    }
    (nonce, random)
}

fn row(
    order: &PushOrder,
    sealed: &Sealed,
    mode: &str,
    url: &str,
    headers: &[(String, String)],
    wall_ms: i64,
) -> Row {
    let what = order
        .event
        .clone()
        .unwrap_or_else(|| order.msg_type.clone());
    let again = if order.attempt > 1 {
        Words::new(
            format!("（第 {} 次）", order.attempt),
            format!(" (attempt {})", order.attempt),
        )
    } else {
        Words::default()
    };
    Row {
        id: String::new(),
        time: order.time,
        wall_ms,
        cause: order.cause.clone(),
        kind: &push::CALLBACK,
        account: Some(order.appid.to_string()),
        account_name: Some(order.account_name.clone()),
        user: order.user.clone(),
        user_name: order.user_name.clone(),
        openid: Some(order.openid.to_string()),
        title: Words::new(
            format!("平台推送 {what} 给应用{}", again.zh),
            format!("The platform pushes {what} to the app{}", again.en),
        ),
        subtitle: Words::same(order.url.clone()),
        ms: None,
        state: RowState::Pending,
        label: if order.patient {
            Words::new("调试中，等待", "debugging, waiting")
        } else {
            Words::new("等待", "waiting")
        },
        diagnosis: None,
        callback: Some(CallbackFacts {
            delivery: deliveries::name(order.delivery),
            attempt: order.attempt,
            of: order.of,
            url: order.url.clone(),
            mode: mode.to_owned(),
            msg_type: order.msg_type.clone(),
            event: order.event.clone(),
            msg_id: order.msg_id.clone(),
        }),
        call: None,
        facts: serde_json::Map::new(),
        request: Some(Exchange {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: headers.to_vec(),
            body: shown(sealed.body.as_bytes()),
            ..Exchange::default()
        }),
        response: None,
        plain: Some(Plain {
            request: Some(order.plain.clone()),
            response: None,
        }),
        signature: sealed.signature.clone(),
        timing: Vec::new(),
    }
}

fn finish(
    shared: &Arc<Shared>,
    mut row: Row,
    judged: Option<Judged>,
    spent: Spent,
    response: Option<Exchange>,
) {
    row.ms = Some(spent.ms);
    row.response = response;
    row.timing = vec![
        Timing {
            name: "first_byte",
            ms: spent.first_byte,
        },
        Timing {
            name: "total",
            ms: spent.total,
        },
    ];
    match judged {
        Some(judged) => {
            row.state = judged.state;
            row.label = judged.label;
            row.subtitle = judged.subtitle;
            row.diagnosis = judged.diagnosis;
            if let (Some(plain), Some(reply)) = (&mut row.plain, judged.plain) {
                plain.response = Some(reply);
            }
        }
        None => {
            row.state = RowState::Warn;
            row.label = Words::new("过期", "stale");
            row.subtitle = Words::new(
                "世界已重置，结果作废",
                "The world was reset; this no longer counts",
            );
        }
    }
    shared.timeline.add(&shared.stream, row);
}
