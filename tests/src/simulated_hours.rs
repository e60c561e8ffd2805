//! Simulated hours: accounts come, go and change, people edit organizations, everything fails at
//! random, and what must never happen is looked for after every hour. The same seed gives the same
//! hours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use serde_json::{Value, json};
use shared::lambda::Progress;
use shared::model::{PARTNER_TYPES, Verdict};

use crate::in_process::Pipeline;
use crate::standins::faults::{Act, Fault};
use crate::standins::seed::{Dice, account, account_id, company, equal, in_sync};
use crate::standins::{Running, World};

const ACCOUNTS: usize = 30;

/// What came of some hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hours {
    /// Hours simulated.
    pub hours: usize,
    /// Runs that failed, as runs do when vendors are down.
    pub failed: usize,
    /// Runs whose sync was killed at least once.
    pub killed: usize,
    /// Writes to the target.
    pub writes: usize,
}

/// Simulates so many hours, then stops the faults, lets two runs go, and expects both systems
/// equal.
///
/// # Errors
/// What happened that must never happen, and in which hour.
pub async fn simulate(seed: u64, hours: usize) -> Result<Hours, String> {
    let mut dice = Dice::new(seed);
    let mut world = equal(seed, ACCOUNTS, 120, 10);
    for instance in world.zendesk.values_mut() {
        // A thousand hours take a few real minutes, and the limit is one a real minute.
        instance.rate_limit = u64::MAX;
    }
    let standins = Running::start(world, None)
        .await
        .map_err(|error| error.to_string())?;
    let mut pipeline = Pipeline::on(&standins);
    for name in ["MAX_UPDATES", "MAX_CREATES", "MAX_MARKS"] {
        pipeline.env.insert(name.to_owned(), "1000".to_owned());
    }
    pipeline
        .env
        .insert("MARK_AFTER_HOURS".to_owned(), "3".to_owned());
    let mut tally = Hours {
        hours,
        ..Hours::default()
    };
    for hour in 0..hours {
        let in_hour = |why: String| format!("hour {hour}: {why}");
        live(&mut dice, &mut standins.world(), hour);
        harm(&mut dice, &standins);
        let death = (dice.roll(5) == 0).then(|| (dice.roll(14), dice.roll(2) == 0));
        run(&mut pipeline, &standins, &mut tally, death)
            .await
            .map_err(in_hour)?;
        pipeline.today = pipeline
            .today
            .saturating_add(1.hour())
            .map_err(|error| error.to_string())?;
    }
    calm(&standins);
    run(&mut pipeline, &standins, &mut tally, None).await?;
    let last = pipeline
        .run(json!({}))
        .await
        .map_err(|error| format!("a run without faults failed: {error}"))?;
    if last.verdict != Verdict::NothingToDo {
        return Err(format!("two runs without faults left something: {last:?}"));
    }
    equal_now(&standins)?;
    Ok(tally)
}

/// One run with the state machine's retries, and the look for what must never happen.
async fn run(
    pipeline: &mut Pipeline,
    standins: &Running,
    tally: &mut Hours,
    death: Option<(u64, bool)>,
) -> Result<(), String> {
    let before = target(standins);
    standins.world().log.clear();
    let mut ended = pipeline.plan(json!({})).await;
    for _ in 0..2 {
        if ended
            .as_ref()
            .is_err_and(|error| error.name() == "Sync.Transient")
        {
            ended = pipeline.plan(json!({})).await;
        }
    }
    if let Ok(compared) = &ended {
        let plan = json!(compared.plan);
        let mut kills = 0;
        let mut tries = 0;
        if let Some((write, after)) = death {
            pipeline
                .store
                .die_at(usize::try_from(write).unwrap_or_default(), after);
        }
        for _ in 0..400 {
            match pipeline.sync_mortal(&plan, standins).await {
                Ok(Some(Progress::Done(_))) => break,
                Ok(Some(Progress::Wait { .. } | Progress::Continue { .. })) => {}
                Ok(None) => kills += 1,
                Err(_) if tries < 3 => tries += 1,
                Err(_) => {
                    tally.failed += 1;
                    break;
                }
            }
        }
        pipeline.store.live();
        tally.killed += usize::from(kills > 0);
    } else {
        tally.failed += 1;
    }
    tally.writes += standins
        .world()
        .log
        .iter()
        .filter(|call| call.method != "GET" && call.path.starts_with("/api/"))
        .count();
    invariants(pipeline, standins, &before)
}

fn invariants(
    pipeline: &Pipeline,
    standins: &Running,
    before: &BTreeMap<u64, Value>,
) -> Result<(), String> {
    let after = target(standins);
    let authorised = authorised(&standins.world());
    let entries = |file: &str, list: &str| -> BTreeSet<u64> {
        let document = pipeline.document(file);
        document[list]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["id"].as_u64())
            .collect()
    };
    let planned: BTreeSet<u64> = entries("updates.json", "updates")
        .union(&entries("not_in_sync.json", "not_in_sync"))
        .copied()
        .collect();
    let mut owners = BTreeMap::<String, u64>::new();
    for (id, one) in &after {
        let salesforce_id = one["organization_fields"]["salesforce_id"]
            .as_str()
            .unwrap_or_default();
        let marked = one["organization_fields"]["mark_for_deletion"] == true;
        let was_marked = before
            .get(id)
            .is_some_and(|one| one["organization_fields"]["mark_for_deletion"] == true);
        if marked && !was_marked && authorised.contains(salesforce_id) {
            return Err(format!(
                "organization {id} was marked, and its account {salesforce_id} is a partner"
            ));
        }
        if authorised.contains(salesforce_id)
            && let Some(other) = owners.insert(salesforce_id.to_owned(), *id)
        {
            return Err(format!(
                "organizations {other} and {id} are both account {salesforce_id}'s"
            ));
        }
        if before.get(id).is_some_and(|old| old != one) && !planned.contains(id) {
            return Err(format!("organization {id} changed, and no plan named it"));
        }
    }
    Ok(())
}

/// Salesforce and Zendesk after the faults: every partner has its organization, field by field, and
/// nobody else is unmarked.
fn equal_now(standins: &Running) -> Result<(), String> {
    let world = standins.world().clone();
    let organizations = target(standins);
    for id in authorised(&world) {
        let record = world
            .salesforce
            .accounts
            .get(&id)
            .ok_or("an account is gone")?;
        let wanted = in_sync(0, record).ok_or("an account cannot be mapped")?;
        let own = organizations
            .values()
            .find(|one| one["organization_fields"]["salesforce_id"] == id.as_str());
        let own = own.ok_or_else(|| format!("account {id} has no organization"))?;
        for key in [
            "salesforce_id",
            "sfdc_short_id",
            "account_owner",
            "account_type",
            "support_hold",
            "solutions_architect",
        ] {
            if own["organization_fields"][key] != wanted["organization_fields"][key] {
                return Err(format!("account {id}: {key} differs"));
            }
        }
        if own["name"] != wanted["name"] || own["organization_fields"]["mark_for_deletion"] == true
        {
            return Err(format!("account {id}: the name differs, or it is marked"));
        }
    }
    Ok(())
}

fn target(standins: &Running) -> BTreeMap<u64, Value> {
    let mut organizations = standins.world().instance("global").organizations.clone();
    for one in organizations.values_mut() {
        one["updated_at"] = Value::Null;
    }
    organizations
}

fn authorised(world: &World) -> BTreeSet<String> {
    let accounts = world.salesforce.accounts.iter();
    accounts
        .filter(|(_, one)| one.get("Partners_Partner_Status__c") == Some(&json!("Authorized")))
        .map(|(id, _)| id.clone())
        .collect()
}

/// An hour of people's work in both systems.
fn live(dice: &mut Dice, world: &mut World, hour: usize) {
    for _ in 0..dice.roll(4) {
        let number = usize::try_from(dice.roll(ACCOUNTS as u64 - 2)).unwrap_or_default() + 2;
        match dice.roll(7) {
            0 => world.set_account(number, "Partners_Partner_Status__c", json!("Terminated")),
            1 | 2 => world.set_account(number, "Partners_Partner_Status__c", json!("Authorized")),
            3 => world.set_account(
                number,
                "Account_Owner_Calc__c",
                json!(format!("Owner {hour}")),
            ),
            4 => {
                let name = company(dice, 1000 + hour);
                world.set_account(number, "Name", json!(name));
            }
            5 => {
                let id = account_id(100 + hour);
                let name = company(dice, 2000 + hour);
                let mut record = account(dice, &id, &name);
                // New accounts come as partners and as others.
                if dice.roll(3) == 0 {
                    record.insert("Partners_Partner_Status__c".to_owned(), json!("Pending"));
                }
                if world.salesforce.accounts.len() < 60 {
                    world.salesforce.accounts.insert(id.to_string(), record);
                }
            }
            _ => {
                let zendesk = world.instance("global");
                let place = usize::try_from(dice.roll(zendesk.organizations.len() as u64))
                    .unwrap_or_default();
                let Some((id, one)) = zendesk
                    .organizations
                    .iter()
                    .nth(place)
                    .map(|(id, one)| (*id, one.clone()))
                else {
                    continue;
                };
                let partner = one["organization_fields"]["account_type"]
                    .as_str()
                    .is_some_and(|tag| PARTNER_TYPES.contains(&tag));
                if partner {
                    zendesk.edit(id, "account_owner", json!(format!("Edited {hour}")));
                } else {
                    zendesk.edit(id, "support_hold", json!(true));
                }
            }
        }
    }
    purge(dice, world);
}

/// Now and then the Saturday job deletes what is marked.
fn purge(dice: &mut Dice, world: &mut World) {
    if dice.roll(30) == 0 {
        world
            .instance("global")
            .organizations
            .retain(|_, one| one["organization_fields"]["mark_for_deletion"] != true);
    }
}

/// The faults of an hour.
fn harm(dice: &mut Dice, standins: &Running) {
    let mut world = standins.world();
    world.instance("global").finish_jobs();
    calm_world(&mut world);
    for _ in 0..dice.roll(4) {
        let (host, path) = match dice.roll(6) {
            0 => ("salesforce", "/services"),
            1 => ("us-government", "/"),
            2 => ("global", "/oauth"),
            3 => ("global", "/api/v2/job_statuses"),
            _ => ("global", "/api/v2/organizations"),
        };
        let method = if host == "global" && path.ends_with("organizations") {
            dice.pick(&["GET", "POST", "PUT"])
        } else {
            ""
        };
        let throttled = |after: &str| Act::Instead {
            status: 429,
            headers: BTreeMap::from([("retry-after".to_owned(), after.to_owned())]),
            body: String::new(),
        };
        let act = match dice.roll(13) {
            0 => throttled("60"),
            1 => throttled("0"),
            2 => Act::status(503),
            3 => Act::status(500),
            4 => Act::DropRequest,
            5 => Act::DropReply,
            6 => Act::CutReply,
            7 => Act::CutJson,
            8 => Act::DoneBut { status: 504 },
            9 => Act::status(401),
            10 => Act::set("/organizations", json!([])),
            11 => Act::set("/meta/after_cursor", Value::Null),
            _ if method != "GET" && host == "global" && path.starts_with("/api") => Act::HangAfter,
            _ => Act::status(520),
        };
        let skip = u32::try_from(dice.roll(4)).unwrap_or_default();
        let rolled = u32::try_from(dice.roll(5)).unwrap_or_default() + 1;
        let times = match act {
            Act::HangAfter => 1,
            _ => rolled,
        };
        world
            .faults
            .push(Fault::new(host, method, path, act).only(skip, times));
    }
    let ids: Vec<u64> = world
        .instance("global")
        .organizations
        .keys()
        .copied()
        .collect();
    let any = |dice: &mut Dice| {
        ids.get(usize::try_from(dice.roll(ids.len() as u64)).unwrap_or_default())
            .copied()
            .unwrap_or_default()
    };
    let next = world.instance("global").jobs.all.len();
    let chance = |dice: &mut Dice, one_in: u64| dice.roll(one_in) == 0;
    let jobs = &mut world.instance("global").jobs;
    for _ in 0..dice.roll(6) {
        jobs.poison.extend(chance(dice, 4).then(|| any(dice)));
        jobs.refuse
            .extend(chance(dice, 3).then(|| (any(dice), "Owner: is invalid".to_owned())));
        jobs.silent.extend(chance(dice, 3).then(|| any(dice)));
    }
    jobs.vanish.extend(chance(dice, 6).then_some(next));
    jobs.stuck.extend(chance(dice, 40).then_some(next));
    jobs.slowness = u32::try_from(dice.roll(6)).unwrap_or_default();
}

fn calm(standins: &Running) {
    calm_world(&mut standins.world());
}

fn calm_world(world: &mut World) {
    world.faults.clear();
    let jobs = &mut world.instance("global").jobs;
    jobs.poison.clear();
    jobs.refuse.clear();
    jobs.silent.clear();
    jobs.vanish.clear();
    jobs.stuck.clear();
    jobs.slowness = 0;
}
