//! Counters, and how they are shown to Prometheus. Labels are bounded: outcomes and names of ours,
//! nothing else.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

/// Upper bounds of the answer-time histogram, in milliseconds.
const BOUNDS_MS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 500, 1000, 4800];

macro_rules! counters {
    ($($(#[$meta:meta])* $field:ident => $metric:literal, $label:literal;)+) => {
        /// All counters.
        #[derive(Debug, Default)]
        pub(crate) struct Metrics {
            $($(#[$meta])* pub(crate) $field: Counter,)+
            /// How long callbacks took to answer.
            pub(crate) answer_time: Histogram,
        }

        impl Metrics {
            fn each(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$(($metric, $label, self.$field.get())),+]
            }
        }
    };
}

counters! {
    /// Stored and handed on.
    callbacks_new => "xinqiao_callbacks_total", "outcome=\"new\"";
    /// Known already.
    callbacks_repeat => "xinqiao_callbacks_total", "outcome=\"repeat\"";
    /// Not genuine, or not readable.
    callbacks_refused => "xinqiao_callbacks_total", "outcome=\"refused\"";
    /// Turned away because they could not be stored.
    callbacks_shed => "xinqiao_callbacks_total", "outcome=\"shed\"";
    /// Answered with silence because the app was too slow.
    callbacks_late => "xinqiao_callbacks_total", "outcome=\"late\"";
    deliveries_done => "xinqiao_deliveries_total", "outcome=\"delivered\"";
    deliveries_illegal => "xinqiao_deliveries_total", "outcome=\"illegal_reply\"";
    deliveries_failed => "xinqiao_deliveries_total", "outcome=\"failed\"";
    deliveries_dead => "xinqiao_deliveries_total", "outcome=\"dead\"";
    /// Late replies that became customer messages.
    replies_pushed => "xinqiao_slow_replies_total", "outcome=\"pushed\"";
    /// Late replies that should have, and did not, or perhaps not.
    replies_unpushed => "xinqiao_slow_replies_total", "outcome=\"push_failed\"";
    tokens_refreshed => "xinqiao_token_refreshes_total", "outcome=\"ok\"";
    tokens_failed => "xinqiao_token_refreshes_total", "outcome=\"failed\"";
    tokens_foreign => "xinqiao_token_foreign_refreshes_total", "";
    tokens_virtual => "xinqiao_virtual_tokens_total", "";
    calls_passed => "xinqiao_proxy_calls_total", "outcome=\"passed\"";
    calls_swapped => "xinqiao_proxy_calls_total", "outcome=\"swapped\"";
    calls_retried => "xinqiao_proxy_calls_total", "outcome=\"retried\"";
    calls_refused => "xinqiao_proxy_calls_total", "outcome=\"refused\"";
    calls_unreachable => "xinqiao_proxy_calls_total", "outcome=\"unreachable\"";
    /// On the first port, neither a callback nor with a key of ours.
    strangers_refused => "xinqiao_strangers_refused_total", "";
    preflight_denied => "xinqiao_preflight_denied_total", "";
}

/// Counts up.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts by upper bound.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    total_us: AtomicU64,
}

impl Histogram {
    pub(crate) fn record(&self, elapsed: std::time::Duration) {
        let ms = elapsed.as_millis() as u64;
        let bucket = BOUNDS_MS
            .iter()
            .position(|bound| ms <= *bound)
            .unwrap_or(BOUNDS_MS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.total_us
            .fetch_add(elapsed.as_micros() as u64, Ordering::Relaxed);
    }
}

impl Metrics {
    /// The text form of Prometheus.
    pub(crate) fn render(&self) -> String {
        let mut out = String::with_capacity(2048);
        let mut last = "";
        for (metric, label, value) in self.each() {
            if metric != last {
                let _ = writeln!(out, "# TYPE {metric} counter");
                last = metric;
            }
            let _ = match label {
                "" => writeln!(out, "{metric} {value}"),
                label => writeln!(out, "{metric}{{{label}}} {value}"),
            };
        }
        let name = "xinqiao_callback_answer_seconds";
        let _ = writeln!(out, "# TYPE {name} histogram");
        let mut sum = 0;
        for (index, bucket) in self.answer_time.buckets.iter().enumerate() {
            sum += bucket.load(Ordering::Relaxed);
            let bound = BOUNDS_MS
                .get(index)
                .map_or_else(|| "+Inf".to_owned(), |ms| (*ms as f64 / 1000.0).to_string());
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {sum}");
        }
        let total = self.answer_time.total_us.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "{name}_sum {total}\n{name}_count {sum}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_has_one_type_line_a_metric() {
        let metrics = Metrics::default();
        metrics.callbacks_new.add();
        metrics
            .answer_time
            .record(std::time::Duration::from_millis(3));
        let text = metrics.render();
        assert!(
            text.contains("xinqiao_callbacks_total{outcome=\"new\"} 1\n"),
            "{text}"
        );
        assert_eq!(text.matches("# TYPE xinqiao_callbacks_total").count(), 1);
        assert!(
            text.contains("xinqiao_callback_answer_seconds_bucket{le=\"0.005\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("le=\"+Inf\"} 1\n"), "{text}");
    }
}
