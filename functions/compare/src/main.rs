//! The Lambda `compare`.

use lambda_runtime::{LambdaEvent, run, service_fn, tracing};
use shared::aws::Aws;
use shared::config::{Env, process_env};
use shared::telemetry::Emitter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    tracing::init_default_subscriber();
    let config = Env::new(process_env).compare();
    // A run that fails because of another setting is still to be recorded.
    let store = Aws::from_env()?.s3(&process_env("BUCKET").unwrap_or_default());
    let metrics = Emitter::install()?;
    run(service_fn(|event: LambdaEvent<_>| async {
        let ended = Box::pin(compare::handler(&config, &store, event)).await;
        metrics.flush();
        ended
    }))
    .await
}
