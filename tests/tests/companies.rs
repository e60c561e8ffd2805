//! Other companies' files, each through the pipeline: what is synced is data.

use std::sync::Arc;

use domain::model::{MARK_FOR_DELETION, Mapping, Verdict};
use partner_sync_tests::in_process::Pipeline;
use partner_sync_tests::standins::Running;
use partner_sync_tests::standins::company::{self, CHANGED, EQUAL, LOST, NEW, world};
use partner_sync_tests::standins::seed::account_id;
use partner_sync_tests::sync_file::edited;
use serde_json::{Value, json};

const ANOTHER: &str = include_str!("../../docs/examples/another-company.sync.toml");
const SMALLEST: &str = include_str!("../../docs/examples/smallest.sync.toml");

/// The stand-ins and the pipeline of whoever has this file.
async fn company(file: &str) -> (Arc<Mapping>, Running, Pipeline) {
    let mapping = Arc::new(config::read(file).unwrap());
    let standins = Running::start(world(&mapping)).await.unwrap();
    let mut pipeline = Pipeline::on(&standins);
    pipeline.configure(file);
    (mapping, standins, pipeline)
}

/// The target's organizations whose field, as Zendesk calls it, has a value.
fn with(standins: &Running, target: &str, key: &str, value: &Value) -> usize {
    let mut world = standins.world();
    let organizations = world.instance(target).organizations.values();
    let fields = organizations.map(|one| &one["organization_fields"]);
    fields.filter(|fields| fields[key] == *value).count()
}

#[tokio::test]
async fn each_file_syncs_its_companys_partners_and_the_next_run_has_nothing_to_do() {
    for file in [config::PRODUCTS_OWN, ANOTHER, SMALLEST] {
        let (mapping, standins, mut pipeline) = company(file).await;
        let summary = pipeline.run(json!({})).await.unwrap();
        let counts = summary.counts;
        let (accounts, target) = (EQUAL + NEW + CHANGED, &mapping.target.name);
        assert_eq!(counts.accounts, accounts, "{target}");
        assert_eq!((counts.creates, counts.updates), (NEW, CHANGED), "{target}");
        assert_eq!(summary.applied.created, NEW, "{target}");
        assert_eq!(summary.applied.updated, CHANGED, "{target}");
        assert_eq!(counts.conflicts + counts.skipped + counts.unlinked, 0);
        let key = mapping.zendesk_key(MARK_FOR_DELETION).unwrap().name();
        assert_eq!(with(&standins, target, key, &json!(true)), LOST, "{target}");

        let summary = pipeline.run(json!({})).await.unwrap();
        let counts = summary.counts;
        assert_eq!(counts.creates + counts.updates + counts.marks, 0);
        assert_eq!(summary.verdict, Verdict::NothingToDo, "{target}");
    }
}

#[tokio::test]
async fn an_instance_that_is_optional_needs_no_secret_and_any_other_does() {
    let (_, _, mut pipeline) = company(ANOTHER).await;
    pipeline.secrets.0.remove("partner-sync/zendesk/acquired");
    pipeline.run(json!({})).await.unwrap();
    pipeline.secrets.0.remove("partner-sync/zendesk/sandbox");
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Config");
    assert!(error.to_string().contains("zendesk/sandbox"), "{error}");
}

/// The world as its administrators make it before the new file is used: the columns and fields that
/// it names are there, and the instances.
fn prepared(standins: &Running, file: &str) {
    let mapping = config::read(file).unwrap();
    let wanted = world(&mapping);
    let mut world = standins.world();
    for (id, account) in &mut world.salesforce.accounts {
        let other = wanted.salesforce.accounts.get(id);
        for (column, value) in other.into_iter().flatten() {
            account
                .entry(column.clone())
                .or_insert_with(|| value.clone());
        }
    }
    let fields = &wanted.zendesk[&mapping.target.name].fields;
    world
        .instance(&mapping.target.name)
        .fields
        .clone_from(fields);
}

const ADDED: &str = r#"region = { rule = "text", column = "Region__c" }"#;

#[tokio::test]
async fn a_field_more_is_a_line_of_the_file_and_its_mass_update_is_held_until_it_is_released() {
    let (_, standins, mut pipeline) = company(config::PRODUCTS_OWN).await;
    pipeline.run(json!({})).await.unwrap();
    let file = edited("\n[fields]\n", &format!("\n[fields]\n{ADDED}\n"));
    prepared(&standins, &file);
    pipeline.configure(&file);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::Held);
    assert_eq!(summary.counts.updates, EQUAL + NEW + CHANGED);
    assert_eq!(summary.applied.updated, 0);
    let warning = "sync.toml has changed since the run before: fields: 1 more (region).";
    assert!(report(&pipeline).contains(warning), "{}", report(&pipeline));

    let digest = &summary.held[0].digest;
    let summary = pipeline.run(json!({"approve": [digest]})).await.unwrap();
    assert_eq!(summary.applied.updated, EQUAL + NEW + CHANGED);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::NothingToDo);
    assert!(
        !report(&pipeline).contains("sync.toml has changed"),
        "told once"
    );
}

#[tokio::test]
async fn an_approval_counts_only_under_the_file_that_was_seen() {
    let (_, standins, mut pipeline) = company(config::PRODUCTS_OWN).await;
    pipeline.run(json!({})).await.unwrap();
    let file = edited("\n[fields]\n", &format!("\n[fields]\n{ADDED}\n"));
    prepared(&standins, &file);
    pipeline.configure(&file);
    let held = pipeline.run(json!({})).await.unwrap().held;
    pipeline.configure(&file.replace(
        "The job is not ours: changing this moves nothing.",
        "It is not ours.",
    ));
    let digest = &held[0].digest;
    let summary = pipeline.run(json!({"approve": [digest]})).await.unwrap();
    assert_eq!(
        (summary.verdict, summary.applied.updated),
        (Verdict::Held, 0)
    );
    assert_ne!(summary.held[0].digest, *digest);
}

#[tokio::test]
async fn a_field_that_is_taken_away_is_left_as_it_is_in_zendesk() {
    let (mapping, standins, mut pipeline) = company(config::PRODUCTS_OWN).await;
    pipeline.run(json!({})).await.unwrap();
    let line = r#"support_hold              = { rule = "checkbox", column = "Support_Hold__c" }"#;
    pipeline.configure(&edited(line, ""));
    let target = &mapping.target.name;
    let held = || with(&standins, target, "support_hold", &json!(true));
    let before = held();
    for account in standins.world().salesforce.accounts.values_mut() {
        account.insert("Support_Hold__c".to_owned(), json!(false));
    }
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!(summary.verdict, Verdict::NothingToDo);
    assert_eq!(held(), before);
    assert!(report(&pipeline).contains("fields: 1 fewer (support_hold)"));
}

#[tokio::test]
async fn a_type_more_is_a_line_and_a_word_and_its_partners_get_organizations() {
    let (mapping, standins, mut pipeline) = company(config::PRODUCTS_OWN).await;
    let services = account_id(900);
    let mut account = company::account(&mapping, &services, 900);
    account.insert("Partner_Track__c".to_owned(), json!("Services"));
    let id = services.to_string();
    standins.world().salesforce.accounts.insert(id, account);
    pipeline.run(json!({})).await.unwrap();
    let target = &mapping.target.name;
    let of_services = || {
        with(
            &standins,
            target,
            "account_type",
            &json!("services_partner"),
        )
    };
    assert_eq!(of_services(), 0);

    let file = edited(
        r#"values = ["Open", "Select"]"#,
        r#"values = ["Open", "Select", "Services"]"#,
    );
    let file = file.replace(
        r#"Select = "select_partner" }"#,
        r#"Select = "select_partner", Services = "services_partner" }"#,
    );
    let file = file.replace("types = [", r#"types = ["services_partner", "#);
    prepared(&standins, &file);
    pipeline.configure(&file);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.counts.creates, of_services()), (1, 1));
    let report = report(&pipeline);
    for part in [
        "types: 1 more (services_partner)",
        "filter: 1 changed (Partner_Track__c)",
    ] {
        assert!(report.contains(part), "{report}");
    }
}

#[tokio::test]
async fn an_instance_more_is_two_lines_and_a_secret() {
    let file = format!(
        "{}\n[[instances]]\nname = \"third\"\n",
        config::PRODUCTS_OWN
    );
    let (_, _, mut pipeline) = company(&file).await;
    let secret = pipeline
        .secrets
        .0
        .remove("partner-sync/zendesk/third")
        .unwrap();
    let error = pipeline.run(json!({})).await.unwrap_err();
    assert!(
        error.to_string().contains("partner-sync/zendesk/third"),
        "{error}"
    );
    pipeline
        .secrets
        .0
        .insert("partner-sync/zendesk/third".to_owned(), secret);
    pipeline.run(json!({})).await.unwrap();
    let instances = pipeline.document("organizations.json")["instances"].clone();
    let names: Vec<_> = instances
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names.len(), 3);
    assert!(names.contains(&&json!("third")), "{names:?}");
}

/// The report of the last run, as a person reads it.
fn report(pipeline: &Pipeline) -> String {
    let key = format!("runs/{}/report.md", pipeline.run_id());
    let report = String::from_utf8(pipeline.store.object(&key).unwrap()).unwrap();
    report.replace('\\', "")
}

#[tokio::test]
async fn a_plan_is_applied_only_under_the_file_it_was_made_with() {
    let (_, standins, mut pipeline) = company(config::PRODUCTS_OWN).await;
    let planned = pipeline.plan(json!({})).await.unwrap();
    pipeline.configure(&edited(
        "The job is not ours: changing this moves nothing.",
        "It is not ours.",
    ));
    let error = pipeline.apply(&json!(planned.plan)).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Config");
    assert!(error.to_string().contains("another sync.toml"), "{error}");
    let writes = ["POST", "PUT"].map(|method| {
        let world = standins.world();
        let calls = world.log.iter().filter(|one| one.method == method);
        calls
            .filter(|one| one.path.starts_with("/api/v2/organizations"))
            .count()
    });
    assert_eq!(writes, [0, 0]);
}
