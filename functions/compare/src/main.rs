//! The Lambda `compare`.

use aws::Aws;
use stage::clock::Clock;
use stage::logs::log_to_stdout;
use stage::serve::serve;
use stage::settings::{Env, process_env};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log_to_stdout();
    let config = Env::new(process_env).compare();
    // A run that fails because of another setting is still to be recorded.
    let store = Aws::from_env()?.s3(&process_env("BUCKET").unwrap_or_default());
    let clock = Clock::system();
    serve("compare", String::new, |event| {
        compare::handler(&config, &store, &clock, event)
    })
    .await
}
