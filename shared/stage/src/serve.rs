//! The frame of every Lambda: an error is logged, metrics are flushed after each invocation, and a
//! panic becomes an error of our own.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, set_hook};

use domain::{Error, Result};
use futures_util::FutureExt as _;
use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde::Serialize;
use serde_json::Value;

use crate::events::run_id_of;
use crate::logs::log_failed;
use crate::metrics::Emitter;

/// Serves a stage's invocations for as long as Lambda keeps the process. `request_ids` are the
/// vendors' ids of the invocation's calls; they are logged with an error, for a support case.
///
/// # Errors
/// If Lambda's runtime API cannot be reached.
pub async fn serve<T: Serialize, F: Future<Output = Result<T>>>(
    stage: &'static str,
    request_ids: impl Fn() -> String,
    handler: impl Fn(LambdaEvent<Value>) -> F,
) -> Result<(), lambda_runtime::Error> {
    let metrics = Emitter::install()?;
    set_hook(Box::new(note_the_place));
    run(service_fn(|event: LambdaEvent<Value>| async {
        let run_id = run_id_of(&event.payload);
        let ended = Box::pin(catch(stage, handler(event))).await;
        if let Err(error) = &ended {
            log_failed(stage, &run_id, error, &request_ids());
        }
        metrics.flush();
        ended.map_err(|error| diagnostic(&error))
    }))
    .await
}

/// An error as Lambda gets it: its name is the `errorType` that the state machine goes by.
fn diagnostic(error: &Error) -> Diagnostic {
    Diagnostic {
        error_type: error.name().to_owned(),
        error_message: error.to_string(),
    }
}

/// Turns a panic of an invocation into [`Error::Bug`], with the stage and the place in the code.
/// Its message is left out: it may hold any value. Source: contract, section 3, "Faults of the
/// program".
async fn catch<T>(stage: &str, invocation: impl Future<Output = Result<T>>) -> Result<T> {
    // What the invocation had in hand is dropped with it; progress is in the store.
    let ended = AssertUnwindSafe(invocation).catch_unwind().await;
    ended.unwrap_or_else(|_| {
        let place = PLACE
            .take()
            .unwrap_or_else(|| "an unknown place".to_owned());
        Err(Error::Bug(format!(
            "{stage}: a fault of the program at {place}; the next run begins anew; report the \
             fault with this place"
        )))
    })
}

thread_local! {
    /// Where the last panic of this thread began.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The panic hook: keeps the place, and prints nothing.
fn note_the_place(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|location| {
        // The build machine's folders must not be shown.
        let parts: Vec<_> = location.file().split('/').collect();
        let file = parts
            .get(parts.len().saturating_sub(4)..)
            .unwrap_or_default();
        format!("{}:{}", file.join("/"), location.line())
    });
    PLACE.set(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_sees_the_name_as_error_type() {
        let told = diagnostic(&Error::Auth("salesforce: refused".to_owned()));
        assert_eq!(told.error_type, "Sync.Auth");
        assert_eq!(told.error_message, "salesforce: refused");
    }

    #[tokio::test]
    async fn a_panic_becomes_an_error_with_its_place_and_without_its_words() {
        set_hook(Box::new(note_the_place));
        let ended: Result<()> = catch("sync", async { panic!("canary") }).await;
        let error = ended.unwrap_err();
        assert_eq!(error.name(), "Sync.Bug");
        let text = error.to_string();
        assert!(
            text.contains("sync: ") && text.contains("src/serve.rs:"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(catch("sync", async { Ok(7) }).await, Ok(7));
    }
}
