//! Messages that could not be sent: the next run tells them. Source: contract, section 3.

use super::message::Parts;

/// How the subject of a message begins that only tells again.
const AGAIN: &str = "partner-sync: again: ";
const NAME: &str = "partner-sync: ";

/// True of the subject of a message that only tells others again.
pub fn is_told_again(subject: &str) -> bool {
    subject.starts_with(AGAIN)
}

/// What people are told of a run: its own message, and what the runs before could not tell.
pub(crate) fn with_untold(own: Option<Parts>, untold: &[String], thread: &str) -> Option<Parts> {
    let Some(mut own) = own else {
        return again(untold, thread);
    };
    if let (Some(line), Some(listed)) = (own.lines.last_mut(), listed(untold)) {
        line.push(' ');
        line.push_str(&listed);
    }
    Some(own)
}

/// The last message that could not be sent, as it was, and the others' subjects.
fn again(untold: &[String], thread: &str) -> Option<Parts> {
    let (last, before) = untold.split_last()?;
    let (subject, message) = last.split_once("\n\n").unwrap_or((last, ""));
    let mut lines = vec!["Sent again, because it could not be sent.".to_owned()];
    lines.extend(listed(before));
    lines.push(message.to_owned());
    Some(Parts {
        subject: format!("{AGAIN}{}", without_name(subject)),
        lines: vec![lines.join(" ")],
        steps: Vec::new(),
        thread: thread.to_owned(),
    })
}

/// The subjects of messages that could not be sent, in one line.
fn listed(untold: &[String]) -> Option<String> {
    let subjects = untold.iter().filter_map(|one| one.lines().next());
    let subjects: Vec<_> = subjects.map(without_name).collect();
    (!subjects.is_empty()).then(|| format!("Could not be sent before: {}.", subjects.join("; ")))
}

fn without_name(subject: &str) -> &str {
    subject.strip_prefix(NAME).unwrap_or(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untold(run_id: &str, subject: &str) -> String {
        format!("partner-sync: {subject}\n\nRun {run_id} ended.\nReport: {run_id}")
    }

    fn own() -> Parts {
        Parts {
            subject: "partner-sync: OK (was HELD)".to_owned(),
            lines: vec!["Run c ended.".to_owned()],
            steps: vec!["Report: c".to_owned()],
            thread: "c".to_owned(),
        }
    }

    #[test]
    fn a_message_that_could_not_be_sent_is_told_whole_by_a_run_without_one() {
        let told = with_untold(None, &[untold("a", "HELD (was OK)")], "c").unwrap();
        let notice = told.notice().unwrap();
        assert_eq!(notice.subject, "partner-sync: again: HELD (was OK)");
        assert_eq!(
            notice.message,
            "Sent again, because it could not be sent. Run a ended.\nReport: a"
        );
        assert!(is_told_again(&notice.subject) && !is_told_again(&own().subject));
    }

    #[test]
    fn a_run_with_a_message_of_its_own_names_those_that_could_not_be_sent() {
        let before = [untold("a", "HELD (was OK)"), untold("b", "OK, 1 mark set")];
        let told = with_untold(Some(own()), &before, "c").unwrap();
        assert_eq!(
            told.notice().unwrap().message,
            "Run c ended. Could not be sent before: HELD (was OK); OK, 1 mark set.\nReport: c"
        );
        let again = with_untold(None, &before, "c").unwrap().notice().unwrap();
        assert_eq!(
            again.message,
            "Sent again, because it could not be sent. Could not be sent before: HELD (was OK). \
             Run b ended.\nReport: b"
        );
    }

    #[test]
    fn without_any_there_is_nothing_more_to_tell() {
        assert!(with_untold(None, &[], "c").is_none());
        let told = with_untold(Some(own()), &[], "c").unwrap();
        assert_eq!(told.notice().unwrap().message, "Run c ended.\nReport: c");
    }
}
