use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_purge_is_the_next_saturday_a_quarter_to_one() {
    assert_eq!(next_purge(at("2026-11-23T02:00:00Z")), "Saturday 2026-11-28 00:45 UTC");
    assert_eq!(next_purge(at("2026-11-28T00:44:59Z")), "Saturday 2026-11-28 00:45 UTC");
    assert_eq!(next_purge(at("2026-11-28T00:45:00Z")), "Saturday 2026-12-05 00:45 UTC");
    assert_eq!(next_purge(at("2026-11-27T23:59:59Z")), "Saturday 2026-11-28 00:45 UTC");
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "<script>alert('x')</script> | [a](http://x) & \"q\" \n# head";
    let page = Page {
        run_id: "r".to_owned(),
        verdict: "OK",
        advice: hostile.to_owned(),
        command: None,
        sections: vec![Section { title: "t".to_owned(), note: hostile.to_owned(), head: vec!["name"], rows: vec![vec![hostile.to_owned()]] }],
    };
    let (html, markdown) = (html::render(&page), markdown::render(&page));
    assert!(!html.contains("<script") && html.matches("&lt;script&gt;").count() == 3, "{html}");
    assert!(!markdown.contains("<script") && !markdown.contains("[a](") && !markdown.contains("\n# head"), "{markdown}");
    assert_eq!(markdown.lines().filter(|line| line.starts_with('|')).count(), 3, "a name cannot make a row");
}
