use jiff::Timestamp;

use super::*;
use crate::Error;
use crate::model::{Credential, History, Mode};

const MONDAY: &str = "2026-11-23T02:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn about<'a>(now: &str, history: &'a History, runbook: &'a str) -> About<'a> {
    About {
        run_id: "r",
        started_at: at(now),
        ended_at: at(now),
        bucket: "b",
        state_machine: None,
        mode: Mode::Apply,
        runbook,
        history,
    }
}

fn failed(error: &str, cause: &str) -> Report {
    let history = History::new("r");
    let end = RunEnd::Failed {
        error,
        cause,
        reached: Reached::UnreadablePlan,
    };
    Report::of(about(MONDAY, &history, "RUNBOOK.md"), end)
}

#[test]
fn hostile_words_stay_text() {
    let hostile = "<script>alert('x')</script> | [a](http://x) & \"q\" \n# head \u{202e}gnp.exe \
                   jo@partner.example";
    let mut report = failed("Sync.Auth", hostile);
    let table = Section::of("t", "", &["name"], [vec![hostile.to_owned()]]);
    report.sections = table.into_iter().collect();
    let html = report.html().unwrap();
    let markdown = report.markdown();
    let json = String::from_utf8(report.json().unwrap()).unwrap();

    assert!(!html.contains("<script"), "{html}");
    assert_eq!(html.matches("&lt;script&gt;").count(), 2, "{html}");
    for markup in ["<script", "[a](", "\n# head"] {
        assert!(!markdown.contains(markup), "{markdown}");
    }
    let rows = markdown.lines().filter(|line| line.starts_with('|'));
    assert_eq!(rows.count(), 3, "a name cannot make a row");
    for text in [html, markdown] {
        assert!(!text.contains('\u{202e}'), "a name cannot turn its row");
        assert!(!text.contains("partner.example"), "{text}");
        assert!(text.contains("e-mail"), "{text}");
    }
    assert!(!json.contains("partner.example"));
}

#[test]
fn a_runbook_with_an_address_is_a_link_and_one_without_is_words() {
    let history = History::new("r");
    let html = |runbook| {
        let end = RunEnd::Skipped {
            holder: "h",
            approve: &[],
        };
        let report = Report::of(about(MONDAY, &history, runbook), end);
        report.html().unwrap()
    };
    let words = "Runbook: infra/RUNBOOK.md, A run is SKIPPED</p>";
    assert!(html("infra/RUNBOOK.md").contains(words));
    let link = "<a href=\"https://docs.example/RUNBOOK.md#a-run-is-skipped\">A run is SKIPPED</a>";
    assert!(html("https://docs.example/RUNBOOK.md").contains(link));
}

#[test]
fn a_credential_is_warned_of_in_its_last_thirty_days() {
    let history = History::new("r");
    let warnings = |day: &str| {
        let credential = Credential {
            secret: "s".to_owned(),
            auth: "api_token".to_owned(),
            ends: Some("2027-04-30".parse().unwrap()),
        };
        let noon = format!("{day}T12:00:00Z");
        health::ending_soon(about(&noon, &history, "RUNBOOK.md"), vec![credential])
    };
    assert_eq!(warnings("2027-03-31"), [""; 0]);
    assert!(warnings("2027-04-01")[0].contains("29 days"));
    assert!(warnings("2027-05-01")[0].contains("-1 days"));
}

#[test]
fn every_error_name_has_its_own_advice() {
    for error in Error::NAMES {
        assert_eq!(failed(error, "c").runbook.text, error);
    }
    let other = failed("Lambda.Unknown", "c").runbook;
    assert_eq!(other.text, "AWS's own names");
    assert_eq!(other.url, "RUNBOOK.md#awss-own-names");
}
