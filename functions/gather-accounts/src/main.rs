//! The Lambda `gather-accounts`.

use shared::aws::Aws;
use shared::config::{Env, process_env};
use shared::serve::serve;
use shared::telemetry::log_to_stdout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log_to_stdout();
    let config = Env::new(process_env).gather_accounts();
    let aws = Aws::from_env()?;
    let store = aws.s3(config.as_ref().map_or("", |config| &config.bucket));
    let secrets = aws.secrets_manager();
    serve("gather-accounts", |event| {
        gather_accounts::handler(&config, &store, &secrets, event)
    })
    .await
}
