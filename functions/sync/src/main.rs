//! The Lambda `sync`.

use aws::Aws;
use secrets_manager::SecretsManager;
use stage::clock::Clock;
use stage::logs::log_to_stdout;
use stage::serve::serve;
use stage::settings::{Env, process_env};
use vendors::http::Wire;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log_to_stdout();
    let config = Env::new(process_env).sync();
    let aws = Aws::from_env()?;
    let store = aws.s3(config.as_ref().map_or("", |config| &config.bucket));
    let secrets = SecretsManager::new(&aws);
    let session = sync::Session::new(Wire::by(Clock::system()));
    let ids = || session.wire.meter.take_ids();
    serve("sync", ids, |event| {
        sync::handler(&config, &store, &secrets, &session, event)
    })
    .await
}
