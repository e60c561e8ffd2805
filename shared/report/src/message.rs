//! A message to people, in the form of each kind of subscriber.

use domain::Result;
use domain::model::json_text;
use serde::Serialize;

/// The most characters of a subject; SNS takes fewer than 100.
const SUBJECT_CHARACTERS: usize = 99;

/// A message to people: ids, names of errors and numbers, but no person's or partner's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// At most 99 characters, as SNS wants it.
    pub subject: String,
    /// At most ten lines, for a person who reads mail.
    pub message: String,
    /// The whole message as SNS takes it with `MessageStructure: json`: a JSON object with a text
    /// for each kind of subscriber.
    pub forms: String,
}

/// What a message is made from.
#[derive(Debug)]
pub(crate) struct Parts {
    pub subject: String,
    /// What happened.
    pub lines: Vec<String>,
    /// What to do, and where to look.
    pub steps: Vec<String>,
    /// Messages with the same one are about one incident.
    pub thread: String,
}

impl Parts {
    /// # Errors
    /// [`domain::Error::Contract`] if it has no JSON form.
    pub(crate) fn notice(self) -> Result<Notice> {
        let subject: String = self.subject.chars().take(SUBJECT_CHARACTERS).collect();
        let mut message = self.lines.join("\n");
        for step in &self.steps {
            message.push('\n');
            message.push_str(step);
        }
        let forms = Forms {
            default: &json_text(MESSAGE, &self.custom(&subject))?,
            email: &message,
            sms: &subject,
        };
        Ok(Notice {
            forms: json_text(MESSAGE, &forms)?,
            message,
            subject,
        })
    }

    fn custom<'a>(&'a self, subject: &'a str) -> Custom<'a> {
        Custom {
            version: "1.0",
            source: "custom",
            content: Content {
                text_type: "client-markdown",
                title: subject,
                description: without_markup(&self.lines.join("\n")),
                next_steps: &self.steps,
            },
            metadata: Metadata {
                thread_id: &self.thread,
                summary: subject,
            },
        }
    }
}

/// What an error calls it.
const MESSAGE: &str = "the message to people";

/// A text for each kind of subscriber; `default` is for all that are not named.
#[derive(Serialize)]
struct Forms<'a> {
    default: &'a str,
    email: &'a str,
    sms: &'a str,
}

/// A custom notification of Amazon Q, which brings it to Slack and Teams; it shows nothing that has
/// another form. Source: contract, section 2, "The way out".
#[derive(Serialize)]
struct Custom<'a> {
    version: &'a str,
    source: &'a str,
    content: Content<'a>,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    text_type: &'a str,
    title: &'a str,
    description: String,
    next_steps: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    thread_id: &'a str,
    summary: &'a str,
}

/// Words of a vendor may look like a link or like a call to a whole channel (`<!channel>`).
fn without_markup(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn notice(line: &str) -> Notice {
        let parts = Parts {
            subject: format!("partner-sync: HELD {}", "x".repeat(100)),
            lines: vec![line.to_owned(), "Held marks: 6.".to_owned()],
            steps: vec!["What to do: RUNBOOK.md".to_owned()],
            thread: "partner-sync 2026-11-23T06-00".to_owned(),
        };
        parts.notice().unwrap()
    }

    fn custom(notice: &Notice) -> Value {
        let forms: Value = serde_json::from_str(&notice.forms).unwrap();
        serde_json::from_str(forms["default"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn mail_gets_the_text_a_phone_the_subject_and_the_rest_amazon_qs_form() {
        let notice = notice("Run r ended.");
        let forms: Value = serde_json::from_str(&notice.forms).unwrap();
        assert_eq!(notice.subject.len(), 99);
        assert_eq!(
            notice.message,
            "Run r ended.\nHeld marks: 6.\nWhat to do: RUNBOOK.md"
        );
        assert_eq!(forms["email"], notice.message.as_str());
        assert_eq!(forms["sms"], notice.subject.as_str());
        let custom = custom(&notice);
        assert_eq!(
            (&custom["version"], &custom["source"]),
            (&"1.0".into(), &"custom".into())
        );
        assert_eq!(custom["content"]["title"], notice.subject.as_str());
        assert_eq!(
            custom["content"]["description"],
            "Run r ended.\nHeld marks: 6."
        );
        assert_eq!(
            custom["content"]["nextSteps"],
            json!(["What to do: RUNBOOK.md"])
        );
        assert_eq!(
            custom["metadata"]["threadId"],
            "partner-sync 2026-11-23T06-00"
        );
    }

    #[test]
    fn a_vendors_words_call_no_channel() {
        let notice = notice("What happened: <!channel> \"quoted\"");
        assert_eq!(
            custom(&notice)["content"]["description"],
            "What happened: ‹!channel› \"quoted\"\nHeld marks: 6."
        );
        assert!(
            notice.message.contains("<!channel>"),
            "mail shows it as it is"
        );
    }
}
