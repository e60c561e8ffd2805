//! `[[instances]]` and `[purge]`: Zendesk's side.

use domain::model::{PurgeTime, Site};
use jiff::civil::{Time, Weekday};
use toml_span::Spanned;

use crate::mistakes::Mistakes;
use crate::section::Section;
use crate::words::{is_name, listed};

/// The instance that is written to, and those that are only read.
pub(crate) fn read(
    file: &mut Section<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<(Site, Vec<Site>)> {
    let sections = file.sections("instances", mistakes)?;
    let place = sections.first()?.span();
    let mut targets = Vec::new();
    let mut others = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut is_whole = true;
    for section in sections {
        let (site, is_target) = site(section, &names, mistakes);
        names.extend(site.as_ref().map(|site| site.name.clone()));
        is_whole &= site.is_some();
        let list = if is_target { &mut targets } else { &mut others };
        list.push(site);
    }
    if targets.len() != 1 {
        mistakes.at(
            place,
            "one of the [[instances]] must have `target = true`, and only one: it is written to, \
             the others are only read",
        );
        return None;
    }
    let target = targets.into_iter().flatten().next()?;
    is_whole.then(|| (target, others.into_iter().flatten().collect()))
}

fn site(
    mut section: Section<'_>,
    before: &[String],
    mistakes: &mut Mistakes<'_>,
) -> (Option<Site>, bool) {
    let place = section.span();
    let name = section.text("name", "name = \"global\"", mistakes);
    let is_target = section.flag("target", mistakes);
    let optional = section.flag("optional", mistakes);
    section.end(mistakes);
    if is_target && optional {
        mistakes.at(place, "the target cannot be optional; take `optional` out");
    }
    let name = name.and_then(|name| instance_name(name, before, mistakes));
    (name.map(|name| Site { name, optional }), is_target)
}

fn instance_name(
    name: Spanned<String>,
    before: &[String],
    mistakes: &mut Mistakes<'_>,
) -> Option<String> {
    let Spanned { value: name, span } = name;
    if !is_name(&name) {
        let what =
            "is no name of an instance; use small letters, digits and -, as in us-government";
        mistakes.at(span, format!("{name:?} {what}"));
        return None;
    }
    if before.contains(&name) {
        let what = format!("two [[instances]] are named {name:?}; rename or take out one");
        mistakes.at(span, what);
        return None;
    }
    Some(name)
}

const DAYS: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
    ("Sunday", Weekday::Sunday),
];

/// When the purge runs, in UTC; `None` if the file does not say, or says it wrong.
pub(crate) fn purge(file: &mut Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<PurgeTime> {
    let mut section = file.optional_section("purge", mistakes)?;
    let day = section.text("day", "day = \"Saturday\"", mistakes);
    let time = section.text("time", "time = \"00:45\"", mistakes);
    section.end(mistakes);
    let day = day.and_then(|day| weekday(&day, mistakes));
    let time = time.and_then(|time| time_of_day(&time, mistakes));
    Some(PurgeTime {
        day: day?,
        time: time?,
    })
}

fn weekday(day: &Spanned<String>, mistakes: &mut Mistakes<'_>) -> Option<Weekday> {
    let found = DAYS.iter().find(|(name, _)| *name == day.value);
    if found.is_none() {
        let names = DAYS.map(|(name, _)| name);
        let what = format!("{:?} is no day; use one of: {}", day.value, listed(&names));
        mistakes.at(day.span, what);
    }
    found.map(|(_, weekday)| *weekday)
}

/// Reads `HH:MM`.
fn time_of_day(time: &Spanned<String>, mistakes: &mut Mistakes<'_>) -> Option<Time> {
    let found = Time::strptime("%H:%M", &time.value).ok();
    let found = found.filter(|_| time.value.len() == 5);
    if found.is_none() {
        let what = format!(
            "{:?} is no time of day in UTC; write it as 00:45",
            time.value
        );
        mistakes.at(time.span, what);
    }
    found
}
