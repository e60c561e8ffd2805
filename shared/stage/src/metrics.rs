//! Metrics. The stages record them through the `metrics` facade, and the Lambdas write them to
//! their log in the embedded metric format. In tests nothing records them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use domain::model::Usage;
use domain::{Error, Result};
pub use report::{Metric, Unit};

/// Records a value, to be written when the invocation ends.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn record(metric: Metric, value: impl TryInto<i64>) {
    metrics::histogram!(metric.name()).record(value.try_into().unwrap_or(i64::MAX) as f64);
}

/// Records what an invocation used of a vendor, and how long its credentials last.
pub fn record_usage(usage: &Usage, now: Timestamp) {
    let today = now.to_zoned(TimeZone::UTC).date();
    record(Metric::ApiCalls, usage.calls);
    record(Metric::ThrottledReplies, usage.throttled);
    let left = usage
        .credentials
        .iter()
        .filter_map(|credential| credential.days_left(today))
        .min();
    if let Some(days) = left {
        record(Metric::CredentialDaysLeft, days);
    }
}

/// Writes what was recorded, one line an invocation.
pub struct Emitter(&'static metrics_cloudwatch_embedded::Collector);

impl Emitter {
    /// Collects all metrics of this process, under the namespace `PartnerSync` and the stack's
    /// name.
    ///
    /// # Errors
    /// [`Error::Config`] if another recorder is installed.
    pub fn install() -> Result<Self> {
        let stack = std::env::var("STACK").unwrap_or_else(|_| "local".to_owned());
        let collector = metrics_cloudwatch_embedded::Builder::new()
            .cloudwatch_namespace("PartnerSync")
            .with_dimension("Stack", stack)
            .init();
        let collector = collector.map_err(|error| Error::Config(format!("no metrics: {error}")))?;
        for metric in Metric::ALL {
            let unit = match metric.unit() {
                Unit::Count => metrics::Unit::Count,
                Unit::Seconds => metrics::Unit::Seconds,
            };
            metrics::describe_histogram!(metric.name(), unit, "");
        }
        Ok(Self(collector))
    }

    /// Writes the invocation's metrics.
    pub fn flush(&self) {
        if let Err(error) = self.0.flush(std::io::stdout().lock()) {
            tracing::warn!("metrics of this invocation are lost: {error}");
        }
    }
}
