//! The Lambda `gather-orgs`.

use aws::Aws;
use secrets_manager::SecretsManager;
use stage::logs::log_to_stdout;
use stage::serve::serve;
use stage::settings::{Env, process_env};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log_to_stdout();
    let config = Env::new(process_env).gather_orgs();
    let aws = Aws::from_env()?;
    let store = aws.s3(config.as_ref().map_or("", |config| &config.bucket));
    let secrets = SecretsManager::new(&aws);
    serve("gather-orgs", |event| {
        gather_orgs::handler(&config, &store, &secrets, event)
    })
    .await
}
