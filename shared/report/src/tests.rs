use std::sync::Arc;

use jiff::Timestamp;

use domain::plan::{Reached, RunEnd};

use super::for_tests::mapping;
use super::*;
use crate::Reporting;
use domain::Error;
use domain::model::{
    Applied, Category, Claim, Counts, Credential, History, Mode, PastRun, Verdict,
};

const MONDAY: &str = "2026-11-23T02:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn reporting(runbook: &str) -> Reporting {
    Reporting {
        mapping: Arc::new(mapping()),
        runbook: runbook.to_owned(),
        reminder_hours: 24,
        interval_hours: 1,
    }
}

fn context<'a>(now: &str, history: &'a History, reporting: &'a Reporting) -> ReportContext<'a> {
    ReportContext {
        run_id: "r",
        started_at: at(now),
        ended_at: at(now),
        bucket: "b",
        state_machine: None,
        mode: Mode::Apply,
        reporting,
        history,
        people_are_told: false,
    }
}

fn failed(error: &str, cause: &str) -> Report {
    let history = History::new("r", Timestamp::UNIX_EPOCH);
    let end = RunEnd::Failed {
        error,
        cause,
        reached: Reached::UnreadablePlan,
    };
    Report::of(context(MONDAY, &history, &reporting("RUNBOOK.md")), &end)
}

#[test]
fn hostile_words_stay_text() {
    let hostile = "<script>alert('x')</script> | [a](http://x) & \"q\" \n# head \u{202e}gnp.exe \
                   jo@partner.example";
    let mut report = failed("Sync.Auth", hostile);
    let table = Section::of("t", "", &["name"], [vec![hostile.into()]]);
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
    let history = History::new("r", Timestamp::UNIX_EPOCH);
    let html = |runbook: &str| {
        let end = RunEnd::Skipped {
            holder: "h",
            approve: &[],
        };
        let report = Report::of(context(MONDAY, &history, &reporting(runbook)), &end);
        report.html().unwrap()
    };
    let words = "Runbook: infra/RUNBOOK.md, A run is SKIPPED</p>";
    assert!(html("infra/RUNBOOK.md").contains(words));
    let link = "<a href=\"https://docs.example/RUNBOOK.md#a-run-is-skipped\">A run is SKIPPED</a>";
    assert!(html("https://docs.example/RUNBOOK.md").contains(link));
}

#[test]
fn a_credential_is_warned_of_in_its_last_thirty_days() {
    let history = History::new("r", Timestamp::UNIX_EPOCH);
    let warnings = |day: &str| {
        let credential = Credential {
            secret: "s".to_owned(),
            auth: "api_token".to_owned(),
            ends: Some("2027-04-30".parse().unwrap()),
        };
        let noon = format!("{day}T12:00:00Z");
        let reporting = reporting("RUNBOOK.md");
        health::ending_soon(context(&noon, &history, &reporting), vec![credential])
    };
    assert_eq!(warnings("2027-03-31"), [""; 0]);
    assert!(warnings("2027-04-01")[0].contains("29 days"));
    assert!(warnings("2027-04-29")[0].contains("ends in 1 day:"));
    assert!(warnings("2027-05-01")[0].contains("has ended"));
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

const MACHINE: &str = "arn:aws-us-gov:states:us-gov-west-1:000000000000:stateMachine:sync";

/// Hours of runs, one after the other, each held, marking, or neither; the last is this one.
fn hours(runs: &[(&[Category], usize)], told: &[bool]) -> History {
    let mut history = History::new("r", Timestamp::UNIX_EPOCH);
    for (hour, (held, marked)) in runs.iter().enumerate() {
        let ending = match (held.is_empty(), marked) {
            (false, _) => Verdict::Held,
            (true, 0) => Verdict::NothingToDo,
            (true, _) => Verdict::Ok,
        };
        let later = jiff::SignedDuration::from_hours(i64::try_from(hour).unwrap());
        history.note(PastRun {
            run_id: format!("r{hour}"),
            ended_at: at(MONDAY) + later,
            seconds: 1,
            ending,
            error: None,
            counts: Counts::default(),
            applied: Applied {
                marked: *marked,
                ..Applied::default()
            },
            linked: None,
            held: held.to_vec(),
            offered: Vec::new(),
            claim: Claim::default(),
            told: told.get(hour).copied().unwrap_or_default(),
            untold: Vec::new(),
        });
    }
    history
}

/// The subject of the message about the last of these runs.
fn subject(history: &History, reminder_hours: u32) -> Option<String> {
    let reporting = Reporting {
        reminder_hours,
        ..reporting("RUNBOOK.md")
    };
    let end = RunEnd::Skipped {
        holder: "h",
        approve: &[],
    };
    notice(context(MONDAY, history, &reporting), &end)
        .unwrap()
        .map(|told| told.subject)
}

#[test]
fn people_are_told_of_marks_in_every_run_that_sets_some() {
    let free: &[Category] = &[];
    assert_eq!(subject(&hours(&[(free, 0), (free, 0)], &[]), 24), None);
    for runs in [[(free, 0), (free, 1)], [(free, 1), (free, 1)]] {
        let told = subject(&hours(&runs, &[]), 24).unwrap();
        assert_eq!(told, "partner-sync: OK, 1 mark set");
    }
}

#[test]
fn people_are_told_when_other_categories_are_held_than_before() {
    let marks: &[Category] = &[Category::Marks];
    let both: &[Category] = &[Category::Updates, Category::Marks];
    let told = |runs: &[(&[Category], usize)]| subject(&hours(runs, &[true]), 24);
    assert_eq!(told(&[(marks, 0), (marks, 0)]), None);
    let other = Some("partner-sync: HELD (other categories than before)".to_owned());
    assert_eq!(told(&[(marks, 0), (both, 0)]), other);
    assert_eq!(told(&[(both, 0), (marks, 0)]), other);
}

#[test]
fn people_are_reminded_of_what_is_held_and_only_as_often_as_they_wish() {
    let marks: &[Category] = &[Category::Marks];
    let runs = [(marks, 0); 25];
    let still = Some("partner-sync: HELD, still, since 2026-11-23 02:00 UTC".to_owned());
    assert_eq!(subject(&hours(&runs, &[true]), 24), still);
    assert_eq!(subject(&hours(&runs[..24], &[true]), 24), None);
    assert_eq!(
        subject(&hours(&runs, &[true, true]), 24),
        None,
        "told again"
    );
    assert_eq!(subject(&hours(&runs, &[true]), 0), None, "never again");
}

#[test]
fn a_message_has_links_of_the_machines_own_console_and_the_cause_in_a_line() {
    let mut history = History::new("r", Timestamp::UNIX_EPOCH);
    history.note(PastRun {
        run_id: "r".to_owned(),
        ending: Verdict::Failed,
        error: Some("Sync.Auth".to_owned()),
        ..hours(&[(&[], 0)], &[]).runs.remove(0)
    });
    let reporting = reporting("https://docs.example/RUNBOOK.md");
    let context = ReportContext {
        state_machine: Some(MACHINE),
        ..context(MONDAY, &history, &reporting)
    };
    let end = RunEnd::Failed {
        error: "Sync.Auth",
        cause: "salesforce:\nrefused jo@partner.example",
        reached: Reached::UnreadablePlan,
    };
    let message = notice(context, &end).unwrap().unwrap().message;
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(
        lines,
        [
            "Run r ended 2026-11-23 02:00 UTC: its plan cannot be read, nor whether it wrote \
             anything to Zendesk.",
            "What happened: salesforce: refused [e-mail]",
            "What to do: https://docs.example/RUNBOOK.md#syncauth",
            "Execution: https://us-gov-west-1.console.amazonaws-us-gov.com/states/home?region=\
             us-gov-west-1#/v2/executions/details/arn:aws-us-gov:states:us-gov-west-1:\
             000000000000:execution:sync:r",
            "Report: https://us-gov-west-1.console.amazonaws-us-gov.com/s3/object/b?region=\
             us-gov-west-1&prefix=runs/r/report.html",
        ]
    );
}

/// What people are told after this many failed runs, if they were told of the first, and marks
/// stand.
fn told_of_failures(runs: usize, own_marks: usize) -> Option<Notice> {
    let mut history = hours(&vec![(&[][..], 0); runs], &[true]);
    for run in &mut history.runs {
        run.ending = Verdict::Failed;
        run.error = Some("Sync.Auth".to_owned());
    }
    let end = RunEnd::Failed {
        error: "Sync.Auth",
        cause: "c",
        reached: Reached::BeforePlan {
            accounts: None,
            instances: Vec::new(),
            own_marks,
        },
    };
    notice(context(MONDAY, &history, &reporting("RUNBOOK.md")), &end).unwrap()
}

#[test]
fn a_failure_before_a_plan_names_the_deadline_of_the_marks_that_stand() {
    let message = told_of_failures(1, 2).unwrap().message;
    let deadline = "On Saturday 2026-11-28 00:45 UTC those of up to 2 marked organizations are \
                    deleted";
    assert!(message.contains(deadline), "{message}");
    let message = told_of_failures(1, 0).unwrap().message;
    assert!(!message.contains("deleted"), "{message}");
}

#[test]
fn a_failure_that_stays_is_told_again_while_marks_stand() {
    let subject = told_of_failures(25, 1).unwrap().subject;
    assert_eq!(subject, "partner-sync: FAILED Sync.Auth, still");
    assert_eq!(told_of_failures(25, 0), None);
    assert_eq!(told_of_failures(20, 1), None);
}
