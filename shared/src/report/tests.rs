use super::*;
use crate::Error;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_purge_is_the_next_saturday_a_quarter_to_one() {
    assert_eq!(
        next_purge(at("2026-11-23T02:00:00Z")),
        "Saturday 2026-11-28 00:45 UTC"
    );
    assert_eq!(
        next_purge(at("2026-11-28T00:44:59Z")),
        "Saturday 2026-11-28 00:45 UTC"
    );
    assert_eq!(
        next_purge(at("2026-11-28T00:45:00Z")),
        "Saturday 2026-12-05 00:45 UTC"
    );
    assert_eq!(
        next_purge(at("2026-11-27T23:59:59Z")),
        "Saturday 2026-11-28 00:45 UTC"
    );
}

fn about<'a>(now: Timestamp, history: &'a History, runbook: &'a str) -> About<'a> {
    About {
        run_id: "r",
        started_at: now,
        ended_at: now,
        bucket: "b",
        state_machine: None,
        mode: Mode::Apply,
        runbook,
        history,
    }
}

fn failed(cause: &str) -> Page {
    let (now, history) = (at("2026-11-23T02:00:00Z"), History::new("r"));
    let about = about(now, &history, "RUNBOOK.md");
    page(
        about,
        End::Failed {
            error: "Sync.Auth",
            cause,
            came: Came::NobodyKnows,
        },
    )
}

#[test]
fn hostile_words_stay_text() {
    let hostile = "<script>alert('x')</script> | [a](http://x) & \"q\" \n# head \u{202e}gnp.exe \
                   jo@partner.example";
    let mut page = failed(hostile);
    page.sections = Section::of("t", "", &["name"], [vec![hostile.to_owned()]])
        .into_iter()
        .collect();
    let (html, markdown, json) = (
        page.html(),
        page.markdown(),
        String::from_utf8(page.json().unwrap()).unwrap(),
    );
    assert!(
        !html.contains("<script") && html.matches("&lt;script&gt;").count() == 2,
        "{html}"
    );
    assert!(
        !markdown.contains("<script")
            && !markdown.contains("[a](")
            && !markdown.contains("\n# head"),
        "{markdown}"
    );
    assert_eq!(
        markdown
            .lines()
            .filter(|line| line.starts_with('|'))
            .count(),
        3,
        "a name cannot make a row"
    );
    for text in [html, markdown] {
        assert!(
            !text.contains('\u{202e}'),
            "a name cannot turn its row around"
        );
        assert!(
            !text.contains("partner.example") && text.contains("e-mail"),
            "{text}"
        );
    }
    assert!(!json.contains("partner.example"));
}

#[test]
fn a_runbook_with_an_address_is_a_link_and_one_without_is_words() {
    let (now, history) = (at("2026-11-23T02:00:00Z"), History::new("r"));
    let about = |runbook| about(now, &history, runbook);
    let report = |runbook| page(about(runbook), End::Skipped { holder: "h" });
    assert!(
        report("infra/RUNBOOK.md")
            .html()
            .contains("Runbook: infra/RUNBOOK.md, A run is SKIPPED</p>")
    );
    let link = "<a href=\"https://docs.example/RUNBOOK.md#a-run-is-skipped\">A run is SKIPPED</a>";
    assert!(
        report("https://docs.example/RUNBOOK.md")
            .html()
            .contains(link)
    );
}

#[test]
fn a_credential_is_warned_of_in_its_last_thirty_days() {
    let (end, history) = ("2027-04-30", History::new("r"));
    let credential = crate::model::Credential {
        secret: "s".to_owned(),
        auth: "api_token".to_owned(),
        ends: Some(end.parse().unwrap()),
    };
    for (day, warned) in [
        ("2027-03-31", None),
        ("2027-04-01", Some("29 days")),
        ("2027-05-01", Some("-1 days")),
    ] {
        let now = at(&format!("{day}T12:00:00Z"));
        let about = about(now, &history, "RUNBOOK.md");
        let warnings = health::ending_soon(about, vec![credential.clone()]);
        assert_eq!(
            warnings
                .first()
                .map(|text| text.contains(warned.unwrap_or("?"))),
            warned.map(|_| true),
            "{day}: {warnings:?}"
        );
    }
}

#[test]
fn every_error_name_has_its_own_advice() {
    let (now, history) = (at("2026-11-23T02:00:00Z"), History::new("r"));
    let about = about(now, &history, "RUNBOOK.md");
    for error in Error::NAMES {
        assert_eq!(
            page(
                about,
                End::Failed {
                    error,
                    cause: "c",
                    came: Came::NobodyKnows
                }
            )
            .runbook
            .text,
            error
        );
    }
    let other = page(
        about,
        End::Failed {
            error: "Lambda.Unknown",
            cause: "c",
            came: Came::NobodyKnows,
        },
    );
    assert_eq!(
        (other.runbook.text.as_str(), other.runbook.url.as_str()),
        ("AWS's own names", "RUNBOOK.md#awss-own-names")
    );
}
