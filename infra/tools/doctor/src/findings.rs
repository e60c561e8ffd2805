//! What was found, one line each.

use std::process::ExitCode;

use domain::Error;

/// Prints each finding as it is made, and counts those that a person has to act upon.
#[derive(Debug, Default)]
pub struct Findings {
    passed: usize,
    failed: usize,
    warned: usize,
}

impl Findings {
    /// Something is as it must be.
    pub fn ok(&mut self, topic: &str, words: &str) {
        self.passed += 1;
        line("ok", topic, words);
    }

    /// A run would go on, and a person should know.
    pub fn warn(&mut self, topic: &str, words: &str) {
        self.warned += 1;
        line("warn", topic, words);
    }

    pub fn fail(&mut self, topic: &str, error: &Error) {
        self.failed += 1;
        line("FAIL", topic, &format!("{}: {error}", error.name()));
    }

    /// The result of a check; its failure is printed.
    pub fn took<T, E: Into<Error>>(&mut self, topic: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.fail(topic, &error.into())).ok()
    }

    /// Prints the last line; returns the exit code of the process.
    pub fn end(self) -> ExitCode {
        let Self {
            passed,
            failed,
            warned,
        } = self;
        let verdict = if failed == 0 {
            "A run can start"
        } else {
            "A run would fail"
        };
        println!(
            "{verdict}: {passed} ok, {warned} to look at, {failed} to mend. Nothing was written."
        );
        ExitCode::from(u8::from(failed > 0))
    }
}

fn line(kind: &str, topic: &str, words: &str) {
    println!("{kind:4}  {topic:36}  {words}");
}
