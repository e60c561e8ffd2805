//! How long Zendesk's calls may take, and with them a step of a stage.

use std::time::Duration;

use reqwest::Method;

/// How long a read may take.
pub(super) const READ: Duration = Duration::from_secs(30);
/// How long a write may take: bulk writes were seen to be answered after 20 to 60 s. Source: users
/// of Zendesk's clients (zenpy, zendesk-java-client).
pub(super) const WRITE: Duration = Duration::from_secs(75);
/// How long a run waits to hear that its token was taken back.
pub(super) const GIVING_BACK: Duration = Duration::from_secs(5);

pub(super) fn of(method: &Method) -> Duration {
    if *method == Method::GET { READ } else { WRITE }
}

#[cfg(test)]
mod tests {
    use stage::deadline::Deadline;

    use super::*;
    use crate::http::CONNECT;
    use crate::http::retry::{LONGEST_SLEEP_SECONDS, LONGEST_TRYING};

    /// Saving the progress, with its own tries.
    const SAVE: Duration = Duration::from_secs(10);
    /// What Lambda gives an invocation. Source: infra/template.yaml, `Timeout`.
    const INVOCATION: Duration = Duration::from_mins(5);

    /// The longest step writes after two reads: a create in doubt is looked for by its id and by
    /// its name before it is sent again. Looking at jobs is three reads.
    #[test]
    fn what_is_kept_back_of_an_invocation_is_enough_for_its_longest_step() {
        let seconds = Duration::from_secs;
        let read = LONGEST_TRYING + seconds(LONGEST_SLEEP_SECONDS) + READ;
        assert_eq!(read, seconds(67));
        // Two connections in vain, each with a short pause after it.
        let write = 2 * (CONNECT + seconds(1)) + WRITE;
        assert_eq!(write, seconds(87));
        let create_in_doubt = read + read + write + SAVE;
        assert_eq!(create_in_doubt, seconds(231));
        assert!(create_in_doubt <= Deadline::MARGIN);
        let look_at_jobs = read + read + read + SAVE;
        assert!(look_at_jobs <= Deadline::MARGIN);
        let token = read;
        assert!(token + create_in_doubt < INVOCATION, "the first step");
    }
}
