//! What the Zendesk client makes of connections, of tokens, and of words that mean something else
//! than they say.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::model::{Applied, Verdict};
use partner_sync_tests::clock::{clock, pass};
use partner_sync_tests::in_process::{Pipeline, secrets};
use partner_sync_tests::standins::faults::{Act, Fault};
use partner_sync_tests::standins::{Logged, Running, World, seed};
use partner_sync_tests::sync_file::MAPPING;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;
use serde_json::{Value, json};
use vendors::http::Wire;
use vendors::zendesk::{CallError, Client, Credentials, Scope};

const CREATE: &str = "/api/v2/organizations";
const UPDATE: &str = "/api/v2/organizations/update_many";
const SHOW: &str = "/api/v2/organizations/show_many";
const SEARCH: &str = "/api/v2/organizations/search";
const JOBS: &str = "/api/v2/job_statuses/show_many";
const GIVE_BACK: &str = "/api/v2/oauth/tokens/current";

async fn start(world: World) -> (Running, Pipeline) {
    let standins = Running::start(world).await.unwrap();
    let pipeline = Pipeline::on(&standins);
    (standins, pipeline)
}

/// 40 accounts, of which one has no organization.
fn one_create() -> World {
    let mut world = seed::equal(31, 40, 80, 5);
    world.lose_organization(10);
    world
}

fn client_of(secret: &str) -> Client {
    let credentials = Credentials::read("s", &SecretString::from(secret)).unwrap();
    let mapping = Arc::clone(&MAPPING);
    Client::new(
        "global",
        mapping,
        credentials,
        Scope::Write,
        &Wire::by(clock()),
    )
    .unwrap()
}

/// A client with an API token, so that its first call is the one that is asked for.
fn client_at(base_url: &str) -> Client {
    let secret = json!({"auth": "api_token", "base_url": base_url, "email": "a@b.example",
        "token": "t"});
    client_of(&secret.to_string())
}

async fn update(client: &mut Client) -> Result<(), CallError> {
    let body = json!({"id": 1, "name": "New"});
    client.update_many(&[body]).await.map(drop)
}

/// A Zendesk that notes of each request the connection that it came by.
fn by_connection() -> (String, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (mut stream, noted) = (stream.unwrap(), Arc::clone(&noted));
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                // Each request of these tests comes in one piece.
                while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
                    noted.lock().unwrap().push(number);
                    let body = r#"{"organizations": [],
                        "job_status": {"id": "V3-1", "status": "queued"}}"#;
                    let length = body.len();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                    let _ = stream.write_all((head + body).as_bytes());
                }
            });
        }
    });
    (base, seen)
}

#[tokio::test]
async fn what_lay_idle_is_good_enough_for_a_read_and_not_for_what_may_be_sent_only_once() {
    let (base, seen) = by_connection();
    let mut client = client_at(&base);
    client.show_many(&[1]).await.unwrap();
    update(&mut client).await.unwrap();
    update(&mut client).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [0, 0, 0], "no connection is idle");
    pass(Duration::from_mins(1));
    client.show_many(&[1]).await.unwrap();
    update(&mut client).await.unwrap();
    assert_eq!(seen.lock().unwrap()[3..], [0, 0], "a reply proves it");
    pass(Duration::from_mins(1));
    update(&mut client).await.unwrap();
    assert_eq!(seen.lock().unwrap()[5..], [1], "nothing proves it");
}

#[tokio::test]
async fn a_connection_that_was_never_made_is_no_doubt() {
    let nobody = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let sent = update(&mut client_at(&nobody)).await;
    let Err(CallError::Pause { seconds: 30, what }) = sent else {
        panic!("{sent:?}");
    };
    assert!(
        what.contains("update organizations: cannot connect"),
        "{what}"
    );
    let read = client_at(&nobody).show_many(&[1]).await;
    assert!(matches!(read, Err(CallError::Doubt { .. })), "{read:?}");
}

/// Forwards connections to an address, until it is dropped: then nobody listens.
struct Road(tokio::task::JoinHandle<()>);

impl Road {
    async fn to(url: &str) -> (Self, String) {
        let there = url.strip_prefix("http://").unwrap().to_owned();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let forwarding = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let there = there.clone();
                open.spawn(async move {
                    let mut far = tokio::net::TcpStream::connect(there).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        (Self(forwarding), base)
    }
}

#[tokio::test]
async fn a_run_to_a_zendesk_that_cannot_be_reached_ends_by_itself_and_nothing_is_in_doubt() {
    let (standins, mut pipeline) = start(one_create()).await;
    let (Road(road), base) = Road::to(standins.url("global")).await;
    let secret = pipeline
        .secrets
        .0
        .get_mut("partner-sync/zendesk/global")
        .unwrap();
    *secret = secret.replace(standins.url("global"), &base);
    let compared = pipeline.plan(json!({})).await.unwrap();
    // The first create is sent when there is a token already.
    standins.world().faults = vec![Fault::new("global", "POST", CREATE, Act::status(429))];
    let began = partner_sync_tests::clock::now();
    pipeline
        .sync_once_unwaited(&json!(compared.plan))
        .await
        .unwrap();
    road.abort();
    let _ = road.await;
    let error = pipeline.apply(&json!(compared.plan)).await.unwrap_err();
    assert_eq!(error.name(), "Sync.Throttled");
    assert!(error.to_string().contains("cannot connect"), "{error}");
    let ran = partner_sync_tests::clock::now().duration_since(began);
    assert!((30..90).contains(&ran.as_mins()), "{ran:?}");
    assert_eq!(pipeline.document("results.json")["results"], json!([]));
}

/// A server with a certificate that nobody knows.
fn untrusted() -> String {
    let certificate = include_bytes!("../fixtures/untrusted-certificate.pem");
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let key = include_bytes!("../fixtures/untrusted-key.pem");
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
        }
    });
    base
}

#[tokio::test]
async fn an_untrusted_certificate_is_called_so_and_the_advice_names_ssl_cert_file() {
    let mut client = client_at(&untrusted());
    for error in [
        update(&mut client).await,
        client.show_many(&[1]).await.map(drop),
    ] {
        let said = domain::Error::from(error.unwrap_err()).to_string();
        for part in ["certificate is not trusted", "SSL_CERT_FILE"] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[tokio::test]
async fn each_token_of_a_run_is_given_back_and_opens_nothing_any_more() {
    let (standins, mut pipeline) = start(one_create()).await;
    pipeline.run(json!({})).await.unwrap();
    let mut world = standins.world();
    for (host, tokens) in [("global", 2), ("us-government", 1)] {
        assert_eq!(world.calls(host, "POST", "/oauth/tokens"), tokens);
        assert_eq!(world.calls(host, "DELETE", GIVE_BACK), tokens);
        assert_eq!(world.instance(host).tokens.len(), 0, "{host}");
    }
    let all = world.log.len();
    let last = world
        .log
        .iter()
        .rfind(|call| call.host == "global")
        .unwrap();
    assert_eq!((last.method.as_str(), last.status), ("DELETE", 204));
    drop(world);
    let counted = report_counts(&pipeline);
    assert_eq!(counted, all, "the report counts them");
}

/// The calls of all stages, as the report has them.
fn report_counts(pipeline: &Pipeline) -> usize {
    let report = pipeline.document("report.json");
    let sections = report["sections"].as_array().unwrap();
    let title = "Time, calls and cost";
    let section = sections.iter().find(|one| one["title"] == title).unwrap();
    let all = section["rows"].as_array().unwrap().last().unwrap();
    let cell = &all[3];
    let text = cell["text"].as_str().or(cell.as_str()).unwrap();
    text.parse().unwrap()
}

#[tokio::test]
async fn a_token_that_is_not_taken_back_is_no_failure_and_not_offered_again() {
    for act in [
        Act::status(404),
        Act::status(429),
        Act::status(500),
        Act::forbidden(),
        Act::DropReply,
        Act::TimeOut { done: false },
    ] {
        let (standins, mut pipeline) = start(one_create()).await;
        standins.world().faults = vec![Fault::new("", "DELETE", GIVE_BACK, act.clone())];
        let summary = pipeline.run(json!({})).await.unwrap();
        assert_eq!((summary.verdict, summary.applied.created), (Verdict::Ok, 1));
        assert_eq!(
            standins.world().calls("global", "DELETE", GIVE_BACK),
            2,
            "{act:?}"
        );
        assert_eq!(pipeline.waits, Vec::<u64>::new());
    }
}

#[tokio::test]
async fn an_api_token_is_never_given_back_nor_is_a_token_that_there_is_not() {
    let (standins, mut pipeline) = start(one_create()).await;
    "a@b.example/token:t".clone_into(&mut standins.world().instance("global").basic);
    let secret = json!({"auth": "api_token", "base_url": standins.url("global"),
        "email": "a@b.example", "token": "t"});
    let name = "partner-sync/zendesk/global".to_owned();
    pipeline.secrets.0.insert(name, secret.to_string());
    pipeline.run(json!({})).await.unwrap();
    assert_eq!(standins.world().calls("global", "DELETE", GIVE_BACK), 0);
    let secret = secrets(&standins)["partner-sync/zendesk/us-government"].clone();
    client_of(&secret).give_back().await;
    // The one of gather-orgs alone.
    assert_eq!(
        standins.world().calls("us-government", "DELETE", GIVE_BACK),
        1
    );
}

/// A world with an organization to mark.
fn one_mark() -> World {
    let mut world = seed::equal(31, 40, 80, 5);
    world.abandon(9001, "");
    world
}

#[tokio::test]
async fn a_404_to_a_list_of_organizations_to_be_marked_does_not_say_that_they_are_gone() {
    let (standins, mut pipeline) = start(one_mark()).await;
    let gone = Act::Instead {
        status: 404,
        headers: BTreeMap::new(),
        body: r#"{"error": "RecordNotFound", "description": "Not found"}"#.to_owned(),
    };
    standins.world().faults = vec![Fault::new("global", "GET", SHOW, gone.clone()).only(0, 1)];
    let summary = pipeline.run(json!({})).await.unwrap();
    let marked = Applied {
        marked: 1,
        ..Applied::default()
    };
    assert_eq!(summary.applied, marked);
}

#[tokio::test]
async fn a_404_to_a_list_of_jobs_does_not_say_that_they_are_lost() {
    let mut world = one_create();
    world.set_account(2, "Account_Owner_Calc__c", json!("Nova Linden"));
    let (standins, mut pipeline) = start(world).await;
    standins.world().faults = vec![Fault::new("global", "GET", JOBS, Act::status(404)).only(0, 60)];
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.verdict, summary.applied.updated), (Verdict::Ok, 1));
    let world = standins.world();
    let is_look = |call: &&Logged| call.path.starts_with("/api/v2/job_statuses");
    let looks: Vec<_> = world.log.iter().filter(is_look).collect();
    let minutes = (looks[59].at - looks[0].at) / 60_000;
    assert!(minutes >= 3, "not shown for {minutes} minutes");
    assert!(looks.iter().all(|call| call.path == JOBS), "none by its id");
}

#[tokio::test]
async fn a_404_to_a_search_does_not_say_that_a_create_was_not_done() {
    let (standins, mut pipeline) = start(one_create()).await;
    standins.world().faults = vec![
        Fault::new("global", "POST", CREATE, Act::DropReply).only(0, 1),
        Fault::new("global", "GET", SEARCH, Act::status(404)).only(0, 2),
    ];
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.verdict, summary.applied.created), (Verdict::Ok, 1));
    assert_eq!(standins.world().calls("global", "POST", CREATE), 1);
}

/// What stands before Zendesk says no.
fn from_the_edge() -> Act {
    Act::Instead {
        status: 403,
        headers: BTreeMap::new(),
        body: "<html><h1>403 Forbidden</h1></html>".to_owned(),
    }
}

#[tokio::test]
async fn a_403_without_json_passes_and_one_with_json_stays() {
    for path in [CREATE, UPDATE] {
        let mut world = one_create();
        world.set_account(2, "Account_Owner_Calc__c", json!("Nova Linden"));
        let (standins, mut pipeline) = start(world).await;
        pipeline.retries = true;
        standins.world().faults = vec![Fault::new("global", "", path, from_the_edge()).only(0, 1)];
        let summary = pipeline.run(json!({})).await.unwrap();
        let done = (summary.applied.created, summary.applied.updated);
        assert_eq!((summary.verdict, done), (Verdict::Ok, (1, 1)), "{path}");
    }
    let (standins, mut pipeline) = start(one_create()).await;
    let refused = [
        (from_the_edge(), "Sync.Transient"),
        (Act::forbidden(), "Sync.Auth"),
    ];
    for (act, name) in refused {
        standins.world().faults = vec![Fault::new("global", "GET", CREATE, act)];
        let error = pipeline.run(json!({})).await.unwrap_err();
        assert_eq!(error.name(), name);
    }
}

/// Every invocation of [`Pipeline`] that has all of its time is held to that.
#[tokio::test]
async fn however_slow_zendesk_is_an_invocation_leaves_before_lambda_ends_it() {
    let mut world = one_mark();
    for number in 10..12 {
        world.lose_organization(number);
    }
    for number in 20..30 {
        world.set_account(number, "Account_Owner_Calc__c", json!("Nova Linden"));
    }
    let (standins, mut pipeline) = start(world).await;
    let slow = |method: &str, seconds| Fault::new("global", method, "/api", Act::Slow { seconds });
    standins.world().faults = ["GET", "PUT", "POST"]
        .map(|method| slow(method, if method == "GET" { 29 } else { 74 }))
        .to_vec();
    let summary = pipeline.run(json!({})).await.unwrap();
    let done = Applied {
        created: 2,
        updated: 10,
        marked: 1,
        ..Applied::default()
    };
    assert_eq!(summary.applied, done);
}

#[tokio::test]
async fn a_create_without_an_answer_is_looked_for_a_minute_after_it_was_given_up() {
    let (standins, mut pipeline) = start(one_create()).await;
    let no_answer = Act::TimeOut { done: true };
    standins.world().faults = vec![Fault::new("global", "POST", CREATE, no_answer)];
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.verdict, summary.applied.created), (Verdict::Ok, 1));
    let world = standins.world();
    let at = |path: &str, method: &str| {
        let fits = |call: &&_| matches_call(call, method, path);
        world.log.iter().find(fits).unwrap().at
    };
    let seconds = (at(SEARCH, "GET") - at(CREATE, "POST")) / 1000;
    assert!(seconds >= 75 + 60, "{seconds} s after it was sent");
}

fn matches_call(call: &Logged, method: &str, path: &str) -> bool {
    call.host == "global" && call.method == method && call.path == path
}

#[tokio::test]
async fn organization_fields_are_read_page_by_page_and_tokens_may_end_at_any_time() {
    let (standins, mut pipeline) = start(one_create()).await;
    {
        let mut world = standins.world();
        let target = world.instance("global");
        target.fields_page_size = 5;
        target.token_uses = Some(2);
    }
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.verdict, summary.applied.created), (Verdict::Ok, 1));
    let world = standins.world();
    assert_eq!(
        world.calls("global", "GET", "/api/v2/organization_fields"),
        4
    );
    assert!(world.calls("global", "POST", "/oauth/tokens") > 2);
}

#[tokio::test]
async fn a_throttled_token_endpoint_is_waited_for() {
    let (standins, mut pipeline) = start(one_create()).await;
    let limit = ("oauth-tokens".to_owned(), 1);
    standins
        .world()
        .instance("global")
        .endpoint_limits
        .extend([limit]);
    let summary = pipeline.run(json!({})).await.unwrap();
    assert_eq!((summary.verdict, summary.applied.created), (Verdict::Ok, 1));
    assert_eq!(pipeline.waits.len(), 1, "{:?}", pipeline.waits);
}

/// What the stand-in answers to a request that our client never sends.
async fn strict(standins: &Running, method: &str, path: &str, kind: &str, body: &Value) -> u16 {
    let host = standins.url("global").strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {kind}\r\n\
         authorization: Basic YS90b2tlbjp0\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let (mut reader, mut writer) = stream.split();
    tokio::io::AsyncWriteExt::write_all(&mut writer, head.as_bytes())
        .await
        .unwrap();
    let mut reply = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut reply)
        .await
        .unwrap();
    reply.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_stand_in_is_as_strict_as_zendesk() {
    let (standins, _) = start(seed::equal(31, 40, 80, 5)).await;
    "a/token:t".clone_into(&mut standins.world().instance("global").basic);
    let new = json!({"organization": {"name": "New"}});
    let (form, right) = ("application/x-www-form-urlencoded", "application/json");
    assert_eq!(strict(&standins, "POST", CREATE, form, &new).await, 415);
    assert_eq!(strict(&standins, "POST", CREATE, right, &new).await, 201);
    assert_eq!(
        strict(&standins, "PUT", UPDATE, "text/plain", &json!({})).await,
        415
    );
    let token = json!({"grant_type": "client_credentials", "client_id": "zd-client",
        "client_secret": "zd-secret"});
    assert_eq!(
        strict(&standins, "POST", "/oauth/tokens", form, &token).await,
        415
    );
    assert_eq!(
        strict(&standins, "POST", "/oauth/tokens", right, &token).await,
        201
    );
    let me = "/api/v2/users/me.json";
    assert_eq!(strict(&standins, "GET", me, right, &Value::Null).await, 200);
    let several = json!({"organizations": [{"name": "Without id"}]});
    assert_eq!(strict(&standins, "PUT", UPDATE, right, &several).await, 200);
    pass(Duration::from_secs(5));
    let world = standins.world();
    let jobs = &world.zendesk["global"].jobs.all;
    let job = serde_json::to_value(jobs.values().next().unwrap()).unwrap();
    assert_eq!(job["results"][0]["details"], "id is missing");
}
