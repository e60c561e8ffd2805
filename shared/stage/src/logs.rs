//! What the stages log, and where.

use domain::Error;

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
/// Each line has a time of its own: `CloudWatch` keeps only its own, and a JSON line without one
/// counts as INFO whatever its level. The runtime's own subscriber lacks that.
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
