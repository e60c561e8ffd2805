//! Metrics. The stages record them through the `metrics` facade, and the Lambdas write them to
//! their log in the embedded metric format (feature `aws`). In tests nobody listens.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Error;
use crate::model::Usage;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident: $unit:ident,)*) => {
        /// Every metric there is. `infra/template.yaml` has each of them on its dashboard, and
        /// alarms on some; `make validate` holds the three together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $($(#[$doc])* $name,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            #[cfg(feature = "aws")]
            fn unit(self) -> metrics::Unit {
                match self {
                    $(Self::$name => metrics::Unit::$unit,)*
                }
            }
        }
    };
}

metrics! {
    /// 1 for a run that ended OK, `NOTHING_TO_DO` or PARTIAL; 0 for one that was held or failed.
    GoodRun: Count,
    /// Entries of held categories.
    HeldChanges: Count,
    /// Hours since something is held in every run; 0 if nothing is.
    HoursHeld: Count,
    /// Organizations that are marked, and deleted by the next purge unless that is taken back.
    MarksPending: Count,
    /// Hours to the next purge.
    HoursToPurge: Count,
    /// Organizations whose account has not been missing for long enough to be marked.
    Waiting: Count,
    /// Organizations of nobody knows which account.
    Unlinked: Count,
    /// Records that failed.
    FailedRecords: Count,
    /// Records of which it is not known whether they were applied.
    UnknownRecords: Count,
    /// Marks left out because somebody changed the organization.
    DriftedRecords: Count,
    /// Clashes a person has to resolve.
    Conflicts: Count,
    /// 1 if the inputs look emptier than they should, else 0.
    SuspiciouslyEmptyRun: Count,
    /// 1 for a run that replaced a holder that had ended without releasing the lease.
    LeaseTakenOver: Count,
    /// Accounts from Salesforce.
    Accounts: Count,
    /// Instances that were not read to their end; never the target.
    InstancesUnread: Count,
    /// Organizations read, on all instances.
    OrganizationsScanned: Count,
    /// Partner organizations on the target.
    PartnerOrganizations: Count,
    /// Organizations created.
    Created: Count,
    /// Organizations updated.
    Updated: Count,
    /// Organizations marked for deletion.
    Marked: Count,
    /// Requests to both vendors.
    ApiCalls: Count,
    /// Replies that asked for a pause.
    ThrottledReplies: Count,
    /// Days to the end of the credential that ends first; absent if none has an end.
    CredentialDaysLeft: Count,
    /// From the execution's start to its report.
    RunSeconds: Seconds,
    /// What the run cost, in millionths of a US dollar.
    RunCostMicroUsd: Count,
}

/// Records a value, to be written when the invocation ends.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn record(metric: Metric, value: impl TryInto<i64>) {
    metrics::histogram!(metric.name()).record(value.try_into().unwrap_or(i64::MAX) as f64);
}

/// Records what an invocation used of a vendor, and how long its credentials last.
pub fn record_usage(usage: &Usage) {
    record(Metric::ApiCalls, usage.calls);
    record(Metric::ThrottledReplies, usage.throttled);
    let left = usage
        .credentials
        .iter()
        .filter_map(|credential| credential.days_left(today()))
        .min();
    if let Some(days) = left {
        record(Metric::CredentialDaysLeft, days);
    }
}

/// Logs that a stage failed. A stage that ends well logs its counts instead.
pub fn log_failed(stage: &str, run_id: &str, error: &Error, request_ids: &str) {
    tracing::error!(
        run_id,
        stage,
        error = error.name(),
        request_ids,
        "failed: {error}"
    );
}

/// Writes what is logged to standard output, as Lambda's logging controls say
/// (`AWS_LAMBDA_LOG_LEVEL`, `AWS_LAMBDA_LOG_FORMAT`).
///
/// Each line has its time: `CloudWatch` keeps its own only, and a JSON line without one counts as
/// INFO whatever its level. That is what the runtime's own subscriber lacks.
#[cfg(feature = "aws")]
pub fn log_to_stdout() {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::fmt::layer;
    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
    use tracing_subscriber::registry;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    // A word that is no level of ours, such as AWS's FATAL, must not silence an error.
    let level = variable("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let everything = Targets::new().with_default(level.unwrap_or(LevelFilter::INFO));
    let some = variable("RUST_LOG").and_then(|targets| targets.parse().ok());
    let filter: Targets = some.unwrap_or(everything);
    let lines = layer().with_target(false);
    if variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        registry().with(lines.json().with_filter(filter)).init();
    } else {
        registry().with(lines.with_filter(filter)).init();
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Writes what was recorded, one line an invocation.
#[cfg(feature = "aws")]
pub struct Emitter(&'static metrics_cloudwatch_embedded::Collector);

#[cfg(feature = "aws")]
impl Emitter {
    /// Collects all metrics of this process, under the namespace `PartnerSync` and the stack's
    /// name.
    ///
    /// # Errors
    /// [`Error::Config`] if another recorder is installed.
    pub fn install() -> crate::Result<Self> {
        let stack = std::env::var("STACK").unwrap_or_else(|_| "local".to_owned());
        let collector = metrics_cloudwatch_embedded::Builder::new()
            .cloudwatch_namespace("PartnerSync")
            .with_dimension("Stack", stack)
            .init();
        let collector = collector.map_err(|error| Error::Config(format!("no metrics: {error}")))?;
        for metric in Metric::ALL {
            metrics::describe_histogram!(metric.name(), metric.unit(), "");
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
