//! The reports, word for word, in their three forms, and the message beside each.
//!
//! `tests/known_reports` holds them. If a report is meant to change: `make accept`, and read the
//! difference before you commit it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use domain::model::sha256;
use partner_sync_tests::known_runs::scenes::HOSTILE;
use partner_sync_tests::known_runs::{SCENES, report as made};
use partner_sync_tests::standins::seed::account_id;
use report::{Notice, Report};
use serde_json::Value;

/// A scene's report and what people are told.
type Made = (Report, Option<Notice>);

static REPORTS: [OnceLock<Made>; SCENES.len()] = [const { OnceLock::new() }; SCENES.len()];

fn report(scene: &str) -> &'static Made {
    let place = SCENES.iter().position(|one| *one == scene).unwrap();
    REPORTS[place].get_or_init(|| made(scene))
}

fn html(scene: &str) -> String {
    report(scene).0.html().unwrap()
}

fn json(scene: &str) -> Value {
    serde_json::from_slice(&report(scene).0.json().unwrap()).unwrap()
}

/// Of a longer text these lines of its beginning and of its end stand for all, with its digest.
const SHOWN_FIRST: usize = 600;
const SHOWN_LAST: usize = 500;

/// A text as its snapshot has it: whole, if a person can read it.
fn shown(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let left_out = lines.len().saturating_sub(SHOWN_FIRST + SHOWN_LAST);
    if left_out < SHOWN_FIRST + SHOWN_LAST {
        return text.to_owned();
    }
    let first = lines[..SHOWN_FIRST].join("\n");
    let last = lines[SHOWN_FIRST + left_out..].join("\n");
    let digest = sha256(text.as_bytes());
    format!("{first}\n[{left_out} lines more; sha256 of the whole: {digest}]\n{last}")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_reports_are_what_they_were() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../known_reports");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for scene in SCENES {
        let (report, notice) = report(scene);
        insta::assert_snapshot!(format!("{scene}.html"), shown(&html(scene)));
        insta::assert_snapshot!(format!("{scene}.md"), shown(&report.markdown()));
        let json = serde_json::to_string_pretty(&json(scene)).unwrap();
        insta::assert_snapshot!(format!("{scene}.json"), shown(&json));
        let told = match notice {
            Some(Notice {
                subject,
                message,
                forms,
            }) => format!("{subject}\n\n{message}\n\n{forms}"),
            None => "(nobody is told)".to_owned(),
        };
        insta::assert_snapshot!(format!("{scene}.notice"), told);
    }
}

#[test]
fn a_long_report_that_changes_in_its_middle_is_seen_to_change() {
    let rows: Vec<_> = (0..5000).map(|number| format!("row {number}\n")).collect();
    let long = rows.concat();
    let changed = long.replace("row 2500\n", "row 2500.\n");
    let is_shorter = shown(&long).lines().count() == SHOWN_FIRST + SHOWN_LAST + 1;
    assert!(is_shorter);
    assert_ne!(shown(&long), shown(&changed));
    assert_eq!(shown("a row\n"), "a row\n");
}

#[test]
fn each_ends_as_its_name_says() {
    for (scene, verdict) in [
        ("nothing-to-do", "NOTHING_TO_DO"),
        ("all-kinds", "OK"),
        ("held", "HELD"),
        ("held-marks", "HELD"),
        ("held-creates", "HELD"),
        ("unexplained", "HELD"),
        ("partial", "PARTIAL"),
        ("failed", "FAILED"),
        ("first-run", "OK"),
        ("five-thousand-changes", "OK"),
        ("hostile-names", "OK"),
        ("conflicts", "NOTHING_TO_DO"),
        ("skipped", "SKIPPED"),
        ("planned", "PLANNED"),
        ("failed-accounts", "FAILED"),
        ("failed-before-a-plan", "FAILED"),
        ("failed-compare", "FAILED"),
    ] {
        let json = json(scene);
        assert_eq!(json["verdict"], verdict, "{scene}");
        let sections = json["sections"].as_array().unwrap();
        assert_eq!(json["count"], sections.len(), "{scene}");
        let what_to_do = json["what_to_do"].as_array().unwrap();
        assert!(!what_to_do.is_empty(), "{scene}");
    }
}

#[test]
fn of_five_thousand_changes_each_is_found_under_its_organization() {
    let (report, _) = report("five-thousand-changes");
    let html = html("five-thousand-changes");
    let markdown = report.markdown();
    println!(
        "5,000 changes: report.html {} bytes, report.md {} bytes, report.json {} bytes",
        html.len(),
        markdown.len(),
        report.json().unwrap().len()
    );
    for text in [&html, &markdown] {
        assert!(text.len() < 4 << 20, "{} bytes", text.len());
        // Once through the text: a search for each would take a minute.
        let words: HashSet<&str> = text.split(|one| !char::is_alphanumeric(one)).collect();
        for number in 2..5000 {
            let id = account_id(number);
            assert!(words.contains(id.as_str()), "the change of {id} is missing");
        }
    }
    let rows = html.matches("<tr role=\"row\">").count();
    assert!((4998..5200).contains(&rows), "a row a record: {rows} rows");
}

#[test]
fn what_is_held_is_listed_in_full_before_anything_else() {
    for (scene, title, entries) in [
        ("held-marks", "Held marks", 15),
        ("held-creates", "Held creates", 168),
        ("unexplained", "Unexplained", 1),
        ("held", "Held marks", 42),
    ] {
        let json = json(scene);
        let first = &json["sections"][0];
        assert_eq!(first["title"], title, "{scene}");
        assert_eq!(first["count"], entries, "{scene}");
        assert_eq!(first["rows"].as_array().unwrap().len(), entries, "{scene}");
        let html = html(scene);
        let (before, _) = html.split_once(&format!("<h2>{title} ")).unwrap();
        assert!(
            before.ends_with("<details open class=\"held\">\n<summary>"),
            "{scene}"
        );
        assert!(
            !before.contains("<details>"),
            "{scene}: something comes before it"
        );
    }
}

#[test]
fn a_held_mark_says_why_since_when_until_when_and_which_users_and_tickets_it_has() {
    let json = json("held-marks");
    let section = &json["sections"][0];
    assert_eq!(
        section["head"],
        serde_json::json!([
            "organization",
            "name",
            "account",
            "what Salesforce says",
            "missing since",
            "would be deleted",
            "users",
            "tickets"
        ])
    );
    for row in section["rows"].as_array().unwrap() {
        let cell = |place: usize| row[place].as_str().unwrap();
        let reason = cell(3);
        assert!(reason.starts_with("Partner status is "), "{reason}");
        assert_eq!(cell(4), "2026-11-21 18:00 UTC");
        assert_eq!(cell(5), "Saturday 2026-11-28 00:45 UTC");
        for number in [cell(6), cell(7)] {
            assert!(number.parse::<u64>().is_ok(), "{number}");
        }
    }
}

#[test]
fn a_release_is_a_command_with_its_region_an_input_to_paste_and_a_link() {
    let json = json("held-marks");
    let what_to_do = json["what_to_do"].as_array().unwrap();
    let first = what_to_do[0]["text"].as_str().unwrap();
    assert!(
        first.starts_with("Nothing is deleted or changed while you wait"),
        "{first}"
    );
    assert!(first.contains("Saturday 2026-11-28 00:45 UTC"), "{first}");
    let release = &what_to_do[1];
    let input = release["input"].as_str().unwrap();
    let approved: Value = serde_json::from_str(input).unwrap();
    assert!(
        approved["approve"][0]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    let command = release["command"].as_str().unwrap();
    let machine = "--region eu-central-1 --state-machine-arn arn:aws:states:eu-central-1:\
                   000000000000:stateMachine:partner-sync";
    let wanted = format!("aws stepfunctions start-execution {machine} --input '{input}'");
    assert_eq!(command, wanted);
    let html = html("held-marks");
    for exactly in [command, input] {
        let escaped = exactly.replace('"', "&quot;").replace('\'', "&#39;");
        let line = format!("<pre tabindex=\"0\">{escaped}</pre>");
        assert!(html.contains(&line), "one tap selects exactly {exactly}");
    }
    let page = "https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1\
                #/statemachines/view/arn:aws:states:eu-central-1:000000000000:stateMachine:\
                partner-sync";
    assert_eq!(release["page"]["url"], page);
    assert!(html.contains(&format!("href=\"{page}\"")));
}

/// The addresses of a page, with the text of each.
fn links(html: &str) -> Vec<(String, String)> {
    let rests = html.split("<a ").skip(1);
    let links = rests.map(|rest| {
        let url = rest
            .split("href=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let text = rest.split('>').nth(1).unwrap().split('<').next().unwrap();
        (url.replace("&amp;", "&"), text.to_owned())
    });
    links.collect()
}

/// Why a link is wrong; `None` for a right one.
fn wrong(html: &str, url: &str, text: &str) -> Option<String> {
    const CONSOLE: &str = "https://eu-central-1.console.aws.amazon.com/";
    const MACHINE: &str = "arn:aws:states:eu-central-1:000000000000:stateMachine:partner-sync";
    let executions = MACHINE.replace("stateMachine", "execution");
    let is_right = if let Some(anchor) = url.strip_prefix('#') {
        html.contains(&format!(" id=\"{anchor}\""))
    } else if let Some(id) = url.strip_prefix("https://partner-sync-demo.zendesk.com/") {
        id == format!("agent/organizations/{text}")
    } else if let Some(rest) = url.strip_prefix("https://partner-sync-demo.lightning.force.com/") {
        let id = rest.strip_prefix("lightning/r/Account/");
        let id = id.and_then(|rest| rest.strip_suffix("/view"));
        id.is_some_and(|id| id.len() == 18 && id.starts_with(text.get(..15).unwrap_or(text)))
    } else if let Some(rest) = url.strip_prefix(CONSOLE) {
        let names_ours = [MACHINE, &executions, "partner-sync-documents", "dashboards"]
            .iter()
            .any(|one| rest.contains(one));
        let is_of_run = text.starts_with("2026-") && !rest.ends_with(&format!(":{text}"));
        rest.contains("region=eu-central-1")
            && (names_ours || rest.contains("StartExecution"))
            && !is_of_run
    } else if let Some(section) = url.strip_prefix("https://docs.example/RUNBOOK.md#") {
        !section.is_empty()
    } else {
        url == text && !url.contains('/') && url.contains('.')
    };
    (!is_right).then(|| format!("{text}: {url}"))
}

#[test]
fn every_link_leads_to_the_right_host_record_and_region() {
    let mut organizations = 0;
    for scene in SCENES {
        let html = html(scene);
        for (url, text) in links(&html) {
            assert_eq!(wrong(&html, &url, &text), None, "{scene}");
            organizations += usize::from(url.contains("/agent/organizations/"));
        }
        let markdown = report(scene).0.markdown();
        for link in markdown.split("](<").skip(1) {
            let url = link.split('>').next().unwrap();
            assert!(
                url.starts_with("https://") || !url.contains('/'),
                "{scene}: {url}"
            );
        }
    }
    assert!(
        organizations > 5000,
        "{organizations} organizations are linked"
    );
    let page = "<a id=\"x\">";
    for (url, text) in [
        (
            "https://partner-sync-demo.zendesk.com/agent/organizations/1",
            "2",
        ),
        ("https://elsewhere.example/agent/organizations/1", "1"),
        (
            "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/x",
            "x",
        ),
        (
            "https://partner-sync-demo.lightning.force.com/0014M0000000100QAA",
            "0014M0000000100QAA",
        ),
        ("#y", "y"),
    ] {
        assert!(wrong(page, url, text).is_some(), "{url}");
    }
}

#[test]
fn a_host_that_is_not_known_leaves_plain_text() {
    let html = html("failed-accounts");
    let urls: Vec<_> = links(&html).into_iter().map(|(url, _)| url).collect();
    assert!(
        !urls
            .iter()
            .any(|url| url.contains("zendesk") || url.contains("force"))
    );
}

#[test]
fn a_hostile_name_is_text_wherever_it_stands() {
    let html = html("hostile-names");
    let markdown = report("hostile-names").0.markdown();
    let body = html.split("</head>").nth(1).unwrap();
    for tag in ["<script", "<img", "</style>", "<style", "onerror=alert(1)>"] {
        assert!(!body.contains(tag), "{tag}");
        assert!(!markdown.contains(tag), "{tag}");
    }
    let shown = HOSTILE[0].replace('<', "&lt;").replace('>', "&gt;");
    assert!(html.contains(&shown), "the name itself is shown");
    assert!(!markdown.contains("[free]("));
    assert!(!markdown.contains("**bold**"));
    for text in [&html, &markdown] {
        assert!(!text.contains(['\u{202e}', '\u{1b}', '\u{0}']));
        assert!(!text.contains("jo@partner.example"));
    }
}

#[test]
fn what_is_unknown_is_told_apart_from_what_failed() {
    let json = json("partial");
    let headline = "2 created, 17 updated, 2 marked; 2 failed, 1 unknown";
    assert_eq!(json["headline"], headline);
    let what_to_do = json["what_to_do"].as_array().unwrap();
    let is_about_unknown = |one: &Value| {
        let text = one["text"].as_str().unwrap();
        text.starts_with("Of 1 record it is not known")
    };
    assert!(what_to_do.iter().any(is_about_unknown), "{what_to_do:?}");
    let this_run = json["last_runs"].as_array().unwrap().last().unwrap();
    assert_eq!(this_run["failed"], 2);
    assert_eq!(this_run["unknown"], 1);
    let message = &report("partial").1.as_ref().unwrap().message;
    assert!(message.contains("\n2 records failed: "), "{message}");
    assert!(
        message.contains(" Of 1 record it is not known"),
        "{message}"
    );
}

#[test]
fn a_change_of_state_and_marks_that_were_set_are_told_and_nothing_else() {
    let is_told = |scene: &&str| report(scene).1.is_some();
    let told: Vec<_> = SCENES.into_iter().filter(is_told).collect();
    assert_eq!(
        told,
        [
            "all-kinds",
            "held",
            "held-marks",
            "held-creates",
            "unexplained",
            "partial",
            "failed",
            "five-thousand-changes",
            "hostile-names",
            "failed-accounts",
            "failed-before-a-plan",
            "failed-compare",
        ]
    );
}

#[test]
fn a_notice_has_at_most_ten_lines_with_a_link_to_the_report_and_nobodys_name() {
    for scene in SCENES {
        let Some(Notice {
            subject,
            message,
            forms: _,
        }) = &report(scene).1
        else {
            continue;
        };
        assert!(message.lines().count() <= 10, "{scene}: {message}");
        let report = "\nReport: https://eu-central-1.console.aws.amazon.com/s3/object/";
        assert!(message.contains(report), "{scene}: {message}");
        let fits_sns = subject.len() <= 100 && subject.is_ascii() && !subject.contains('\n');
        assert!(fits_sns, "{scene}: {subject}");
        for words in ["has already been taken", "Nova Linden", "Robin Reed"] {
            assert!(!message.contains(words), "{scene}: {message}");
        }
    }
}

#[test]
fn every_section_of_the_runbook_a_report_names_is_there() {
    let runbook = std::fs::read_to_string(root().join("infra/RUNBOOK.md")).unwrap();
    for scene in SCENES {
        let heading = json(scene)["runbook"]["text"].as_str().unwrap().to_owned();
        let section = format!("## {heading}\n");
        assert!(runbook.contains(&section), "{scene}: {heading}");
    }
}
