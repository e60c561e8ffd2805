//! The Lambda `compare`.

use shared::aws::Aws;
use shared::config::{Env, process_env};
use shared::serve::serve;
use shared::telemetry::log_to_stdout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log_to_stdout();
    let config = Env::new(process_env).compare();
    // A run that fails because of another setting is still to be recorded.
    let store = Aws::from_env()?.s3(&process_env("BUCKET").unwrap_or_default());
    serve("compare", |event| compare::handler(&config, &store, event)).await
}
