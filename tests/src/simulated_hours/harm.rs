//! The faults of an hour.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::standins::faults::{Act, Fault};
use crate::standins::seed::Dice;
use crate::standins::{Running, TokenRules, World};
use crate::sync_file::MAPPING;

/// Everything that may go wrong in an hour. True if that is only values that are refused, and
/// creates in doubt: then nothing keeps a mark standing.
pub(super) fn harm(dice: &mut Dice, standins: &Running) -> bool {
    let mut world = standins.world();
    calm_world(&mut world);
    harm_values(dice, &mut world);
    if dice.roll(4) == 0 {
        let act = act(dice, false);
        world.faults = vec![Fault::new("global", "POST", "/api/v2/organizations", act)];
        return true;
    }
    for _ in 0..dice.roll(4) {
        let fault = fault(dice);
        world.faults.push(fault);
    }
    harm_jobs(dice, &mut world);
    harm_salesforce(dice, &mut world);
    let zendesk = world.instance("global");
    zendesk.search_lag_seconds = i64::try_from(dice.roll(40)).unwrap_or_default();
    zendesk.token_seconds = (dice.roll(3) == 0).then_some(120);
    zendesk.token_uses = (dice.roll(6) == 0).then_some(20);
    let limit = 1 + dice.roll(3);
    if dice.roll(8) == 0 {
        zendesk.rate_limit = 15 + dice.roll(20);
    }
    for endpoint in ["update-many-organizations", "list-organizations-cursor"] {
        if dice.roll(8) == 0 {
            zendesk.endpoint_limits.insert(endpoint.to_owned(), limit);
        }
    }
    false
}

/// Values that Zendesk does not take, and names that it takes for others.
fn harm_values(dice: &mut Dice, world: &mut World) {
    let zendesk = world.instance("global");
    for field in ["name", "account_owner", "technical_account_manager"] {
        if dice.roll(3) == 0 {
            let digit = dice.roll(10).to_string();
            zendesk.refused_values.insert(field.to_owned(), digit);
        }
    }
    zendesk.folds_names = dice.roll(3) == 0;
}

/// Salesforce's own: lookups that may not be seen, a place in the pages that is lost, tokens that
/// expire unasked or are throttled, a slow query.
fn harm_salesforce(dice: &mut Dice, world: &mut World) {
    let salesforce = &mut world.salesforce;
    let ids = salesforce.accounts.keys().cloned();
    salesforce.unseen = ids.filter(|_| dice.roll(20) == 0).collect();
    if dice.roll(4) == 0 {
        let code = dice.pick(&["INVALID_QUERY_LOCATOR", "MALFORMED_QUERY", "NOT_FOUND"]);
        salesforce.lost_places = vec![code.to_owned()];
    }
    salesforce.token_rules.throttled = u32::from(dice.roll(6) == 0);
    salesforce.token_rules.expires_after = dice.roll(6);
    salesforce.slow_seconds = dice.roll(3) * 50;
}

fn fault(dice: &mut Dice) -> Fault {
    let (host, path) = match dice.roll(7) {
        0 => ("salesforce", "/services"),
        1 => ("us-government", "/"),
        2 => ("global", "/oauth"),
        3 => ("global", "/api/v2/job_statuses"),
        _ => ("global", "/api/v2/organizations"),
    };
    let method = if path.ends_with("organizations") {
        dice.pick(&["GET", "POST", "POST", "POST", "PUT"])
    } else {
        ""
    };
    let is_write = matches!(method, "POST" | "PUT");
    let act = if is_write && dice.roll(6) == 0 {
        let seconds = 20 + u32::try_from(dice.roll(40)).unwrap_or_default();
        Act::Slow { seconds }
    } else if is_write && dice.roll(3) == 0 {
        late(dice)
    } else {
        act(dice, is_write || path.ends_with("job_statuses"))
    };
    // A run has few creates, so the fault has to meet the first or second.
    let most_skipped = if method == "POST" { 2 } else { 4 };
    let skip = u32::try_from(dice.roll(most_skipped)).unwrap_or_default();
    let rolled = u32::try_from(dice.roll(5)).unwrap_or_default() + 1;
    let times = match act {
        Act::HangAfter => 1,
        _ => rolled,
    };
    Fault::new(host, method, path, act).only(skip, times)
}

/// Done seconds later, though never as late as a minute: that long is waited before a look.
fn late(dice: &mut Dice) -> Act {
    let seconds = u32::try_from(dice.roll(45)).unwrap_or_default() + 1;
    let status = [0, 408, 409, 500, 503, 504]
        .get(usize::try_from(dice.roll(6)).unwrap_or_default())
        .copied()
        .unwrap_or_default();
    Act::Late { seconds, status }
}

fn act(dice: &mut Dice, may_hang: bool) -> Act {
    let instead = |status: u16, after: &str, body: &str| Act::Instead {
        status,
        headers: BTreeMap::from([("retry-after".to_owned(), after.to_owned())]),
        body: body.to_owned(),
    };
    match dice.roll(16) {
        0 => instead(429, "60", ""),
        1 => instead(429, "0", ""),
        2 => Act::status(503),
        3 => Act::status(500),
        4 => Act::TimeOut { done: false },
        5 => Act::TimeOut { done: true },
        6 => Act::CutReply,
        7 => Act::CutJson,
        8 => Act::DoneBut { status: 504 },
        9 => Act::status(401),
        10 => Act::set("/organizations", json!([])),
        11 => Act::set("/meta/after_cursor", Value::Null),
        12 => instead(503, "30", "<html>"),
        13 => instead(200, "0", "<html>Sign in</html>"),
        _ if may_hang => Act::HangAfter,
        _ => Act::status(520),
    }
}

fn harm_jobs(dice: &mut Dice, world: &mut World) {
    let organizations = world.instance("global").organizations.iter();
    let partners = organizations.filter(|(_, one)| {
        let kind = one["organization_fields"]["account_type"].as_str();
        kind.is_some_and(|tag| MAPPING.is_partner_type(tag))
    });
    let ids: Vec<u64> = partners.map(|(id, _)| *id).collect();
    let any = |dice: &mut Dice| {
        let place = usize::try_from(dice.roll(ids.len() as u64)).unwrap_or_default();
        ids.get(place).copied().unwrap_or_default()
    };
    let chance = |dice: &mut Dice, one_in: u64| dice.roll(one_in) == 0;
    let jobs = &mut world.instance("global").jobs;
    let next = jobs.all.len();
    for _ in 0..dice.roll(6) {
        jobs.poison.extend(chance(dice, 4).then(|| any(dice)));
        jobs.refuse
            .extend(chance(dice, 3).then(|| (any(dice), "Owner: is invalid".to_owned())));
        jobs.refuse_once
            .extend(chance(dice, 3).then(|| (any(dice), "DatabaseDeadlock".to_owned())));
        jobs.silent.extend(chance(dice, 3).then(|| any(dice)));
        jobs.mute.extend(chance(dice, 3).then(|| any(dice)));
    }
    for job in next..next + 3 {
        jobs.vanish.extend(chance(dice, 8).then_some(job));
        jobs.unlisted.extend(chance(dice, 8).then_some(job));
        jobs.stuck.extend(chance(dice, 40).then_some(job));
        jobs.object.extend(chance(dice, 8).then_some(job));
        let ending = dice.pick(&["failed", "killed"]).to_owned();
        jobs.half.extend(chance(dice, 6).then_some((job, ending)));
    }
    // More than 30 now and then: no job of ours is taken for the whole hour.
    jobs.others = usize::try_from(dice.roll(70))
        .unwrap_or_default()
        .saturating_sub(35);
    jobs.takes_ms = i64::try_from(dice.roll(40_000)).unwrap_or_default();
}

pub(super) fn calm(standins: &Running) {
    calm_world(&mut standins.world());
}

fn calm_world(world: &mut World) {
    world.faults.clear();
    let salesforce = &mut world.salesforce;
    salesforce.unseen.clear();
    salesforce.lost_places.clear();
    salesforce.token_rules = TokenRules::default();
    salesforce.slow_seconds = 0;
    let zendesk = world.instance("global");
    zendesk.search_lag_seconds = 0;
    zendesk.token_seconds = None;
    zendesk.token_uses = None;
    zendesk.endpoint_limits.clear();
    zendesk.rate_limit = 700;
    zendesk.refused_values.clear();
    zendesk.folds_names = false;
    let jobs = &mut zendesk.jobs;
    jobs.poison.clear();
    jobs.refuse.clear();
    jobs.refuse_once.clear();
    jobs.silent.clear();
    jobs.mute.clear();
    jobs.vanish.clear();
    jobs.unlisted.clear();
    jobs.object.clear();
    jobs.half.clear();
    // A job that is stuck stays stuck.
    let accepted = jobs.all.len();
    jobs.stuck.retain(|number| *number < accepted);
    jobs.others = 0;
    jobs.takes_ms = 500;
}
