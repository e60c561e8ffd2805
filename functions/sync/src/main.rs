//! The Lambda `sync`.

use shared::aws::Aws;
use shared::config::{Env, process_env};
use shared::serve::serve;
use shared::telemetry::log_to_stdout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log_to_stdout();
    let config = Env::new(process_env).sync();
    let aws = Aws::from_env()?;
    let store = aws.s3(config.as_ref().map_or("", |config| &config.bucket));
    let secrets = aws.secrets_manager();
    let session = sync::Session::default();
    serve("sync", |event| {
        sync::handler(&config, &store, &secrets, &session, event)
    })
    .await
}
