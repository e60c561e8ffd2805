//! A stand-in Salesforce: a token endpoint and queries over accounts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::sign_in::TokenRules;
use super::soql::{Query, is_column, refused_column};
use super::{Request, Response};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Salesforce {
    /// Accounts by 18-character id, with every field of the org.
    pub accounts: BTreeMap<String, Map<String, Value>>,
    /// The object that they are.
    #[serde(default = "account")]
    pub object: String,
    /// The formula with the 18 characters of an id.
    #[serde(default = "formula")]
    pub formula: String,
    /// Records in a page, whatever the caller asks for.
    pub page_size: usize,
    /// Fields hidden from the app's user, a lookup by its column.
    #[serde(default)]
    pub hidden: Vec<String>,
    /// Accounts that no sharing rule shows to the app's user.
    #[serde(default)]
    pub unshared: BTreeSet<String>,
    /// Accounts whose lookups lead to records that no sharing rule shows: the id comes, and the
    /// record as null.
    #[serde(default)]
    pub unseen: BTreeSet<String>,
    /// Where data is served; sent with the token.
    #[serde(default)]
    pub instance_url: String,
    /// Versions of the data API that are served; any if it is empty.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Types of fields in the description, in place of the usual ones.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// API calls of the day that are used, of 100,000.
    #[serde(default)]
    pub calls_used: u64,
    pub client_id: String,
    pub client_secret: String,
    /// The public key of the JWT flow, PEM.
    #[serde(default)]
    pub public_key: String,
    #[serde(default)]
    pub tokens: Vec<String>,
    #[serde(default)]
    pub token_rules: TokenRules,
    /// Seconds that each query takes.
    #[serde(default)]
    pub slow_seconds: u64,
    /// Codes with which the next further pages are lost, one after the other.
    #[serde(default)]
    pub lost_places: Vec<String>,
    /// Open queries by their locators.
    #[serde(default)]
    cursors: BTreeMap<String, Cursor>,
    #[serde(default)]
    pub(super) minted: u64,
}

/// An open query.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    /// The token it was asked with: it does not outlive its session.
    session: String,
    columns: Vec<String>,
    /// The ids still to be sent.
    rest: Vec<String>,
    total: usize,
}

fn account() -> String {
    "Account".to_owned()
}

fn formula() -> String {
    "Account_ID_18__c".to_owned()
}

/// API calls of a day.
const MOST_CALLS: u64 = 100_000;
/// Characters of the longest address that is read.
const LONGEST_QUERY: usize = 16_384;

impl Default for Salesforce {
    fn default() -> Self {
        Self {
            accounts: BTreeMap::new(),
            object: account(),
            formula: formula(),
            page_size: 2000,
            hidden: Vec::new(),
            unshared: BTreeSet::new(),
            unseen: BTreeSet::new(),
            instance_url: String::new(),
            versions: Vec::new(),
            types: BTreeMap::new(),
            calls_used: 1018,
            client_id: "sf-client".to_owned(),
            client_secret: "sf-secret".to_owned(),
            public_key: String::new(),
            tokens: Vec::new(),
            token_rules: TokenRules::default(),
            slow_seconds: 0,
            lost_places: Vec::new(),
            cursors: BTreeMap::new(),
            minted: 0,
        }
    }
}

impl Salesforce {
    pub(super) fn answer(&mut self, request: &Request) -> Response {
        if request.method == "POST" && request.path == "/services/oauth2/token" {
            return self.token(request);
        }
        if request.path == "/services/data" {
            return self.list_versions();
        }
        let session = match self.session(request) {
            Ok(session) => session,
            Err(refused) => return refused,
        };
        let parts: Vec<_> = request.path.trim_matches('/').split('/').collect();
        if let ["services", "data", version, ..] = parts.as_slice()
            && !self.versions.is_empty()
            && !self.versions.iter().any(|served| served == version)
        {
            return error(404, "NOT_FOUND", "The requested resource does not exist");
        }
        if request.query.len() > LONGEST_QUERY {
            return error(414, "URI_TOO_LONG", "");
        }
        if self.calls_used >= MOST_CALLS {
            let words = "TotalRequests Limit exceeded.";
            return error(403, "REQUEST_LIMIT_EXCEEDED", words);
        }
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["services", "data", _, "sobjects", object, "describe"])
                if *object == self.object =>
            {
                self.describe()
            }
            ("GET", ["services", "data", version, "query"]) => {
                let soql = request.param("q").unwrap_or_default();
                self.query(version, session, &soql, false)
            }
            ("GET", ["services", "data", version, "queryAll"]) => {
                let soql = request.param("q").unwrap_or_default();
                self.query(version, session, &soql, true)
            }
            ("GET", ["services", "data", version, "query", locator]) => {
                self.next_page(version, &session, locator)
            }
            _ => error(404, "NOT_FOUND", "The requested resource does not exist"),
        }
    }

    /// A further page. Its place may be lost, in each of the ways on record.
    fn next_page(&mut self, version: &str, session: &str, locator: &str) -> Response {
        if !self.lost_places.is_empty() {
            let code = self.lost_places.remove(0);
            let status = match code.as_str() {
                "NOT_FOUND" => 404,
                "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => 401,
                _ => 400,
            };
            return error(status, &code, "the place is lost");
        }
        match self.cursors.get(locator).cloned() {
            Some(cursor) if cursor.session == session => self.page(version, cursor),
            Some(_) => error(401, "INVALID_SESSION_ID", "Session expired or invalid"),
            None => error(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
        }
    }

    /// True if a request is a query, the first page or a further one.
    pub(super) fn is_query(request: &Request) -> bool {
        request.path.starts_with("/services/data/") && request.path.contains("/query")
    }

    fn list_versions(&self) -> Response {
        let served = if self.versions.is_empty() {
            vec!["v66.0".to_owned(), "v67.0".to_owned()]
        } else {
            self.versions.clone()
        };
        let one = |version: &String| {
            json!({"version": version.trim_start_matches('v'),
            "label": "a season", "url": format!("/services/data/{version}")})
        };
        Response::json(200, &Value::Array(served.iter().map(one).collect()))
    }

    /// The fields of an account that the app's user may see.
    fn describe(&self) -> Response {
        let mut fields = BTreeMap::new();
        for record in self.accounts.values() {
            for (name, value) in record {
                let (name, kind, relationship) = match name.strip_suffix("__r") {
                    Some(lookup) => (format!("{lookup}__c"), "reference", json!(name)),
                    None if value.is_object() => (format!("{name}Id"), "reference", json!(name)),
                    None if value.is_boolean() => (name.clone(), "boolean", Value::Null),
                    None => (name.clone(), "string", Value::Null),
                };
                if self.hidden.contains(&name) {
                    continue;
                }
                let kind = self.types.get(&name).map_or(kind, String::as_str);
                let field = json!({"name": name, "type": kind, "relationshipName": relationship});
                fields.insert(name, field);
            }
        }
        let fields: Vec<_> = fields.into_values().collect();
        self.counted(Response::json(
            200,
            &json!({"name": self.object, "fields": fields}),
        ))
    }

    /// Only `queryAll` finds what is deleted.
    fn query(
        &mut self,
        version: &str,
        session: String,
        soql: &str,
        with_deleted: bool,
    ) -> Response {
        let query = match Query::read(soql, &self.object, &self.formula) {
            Ok(query) => query,
            Err(refused) => return refused,
        };
        if let Some(column) = query.columns.iter().find(|column| !self.shows(column)) {
            return refused_column(column, &self.object);
        }
        let fits = |(id, record): &(&String, &Map<String, Value>)| {
            !self.unshared.contains(*id)
                && (with_deleted || !is_deleted(record))
                && query.finds(id, record)
        };
        let found = self.accounts.iter().filter(fits);
        let rest: Vec<String> = found.map(|(id, _)| id.clone()).collect();
        let cursor = Cursor {
            session,
            columns: query.columns,
            total: rest.len(),
            rest,
        };
        self.page(version, cursor)
    }

    /// True if a query may name a column: the org has it, and the app's user may see it. A lookup
    /// that is followed is hidden with its own column.
    fn shows(&self, column: &str) -> bool {
        let field = match column.split_once("__r.") {
            Some((lookup, _)) => format!("{lookup}__c"),
            None => column.to_owned(),
        };
        !self.hidden.contains(&field) && self.has(column)
    }

    /// True if the org has a column: each of the usual ones, and what a test gave to an account.
    fn has(&self, column: &str) -> bool {
        is_column(column)
            || self
                .accounts
                .values()
                .any(|record| has_column(record, column))
    }

    fn page(&mut self, version: &str, cursor: Cursor) -> Response {
        let Cursor {
            session,
            columns,
            rest: mut ids,
            total,
        } = cursor;
        let rest = ids.split_off(ids.len().min(self.page_size));
        let records: Vec<_> = ids
            .iter()
            .filter_map(|id| {
                let account = self.accounts.get(id)?;
                let is_seen = !self.unseen.contains(id);
                Some(record(version, id, &columns, account, is_seen))
            })
            .collect();
        let mut page = json!({"totalSize": total, "done": rest.is_empty(), "records": records});
        if !rest.is_empty() {
            let locator = format!(
                "0r8STANDIN{:08}-{}",
                self.cursors.len() + 1,
                total - rest.len()
            );
            page["nextRecordsUrl"] = json!(format!("/services/data/{version}/query/{locator}"));
            let cursor = Cursor {
                session,
                columns,
                rest,
                total,
            };
            self.cursors.insert(locator, cursor);
        }
        self.counted(Response::json(200, &page))
    }

    fn counted(&self, response: Response) -> Response {
        let used = format!(
            "api-usage={}/{MOST_CALLS}; api-bursts=1/750",
            self.calls_used
        );
        response.with("sforce-limit-info", &used)
    }
}

/// True if a test gave an account this column: a value, or a lookup that is followed or named by
/// its id.
fn has_column(record: &Map<String, Value>, column: &str) -> bool {
    let lookup = column.split_once('.').map(|(lookup, _)| lookup);
    let by_id = column.strip_suffix("Id");
    let is_lookup = |name: &str| record.get(name).is_some_and(Value::is_object);
    record.contains_key(column) || lookup.is_some_and(is_lookup) || by_id.is_some_and(is_lookup)
}

/// An account as a query shows it. What its lookups lead to may be seen, or not.
pub(super) fn record(
    version: &str,
    id: &str,
    columns: &[String],
    account: &Map<String, Value>,
    is_seen: bool,
) -> Map<String, Value> {
    let mut record = Map::from_iter([(
        "attributes".to_owned(),
        json!({
            "type": "Account", "url": format!("/services/data/{version}/sobjects/Account/{id}"),
        }),
    )]);
    for column in columns {
        // What every record has, whether the world names it or not.
        let standard = match column.as_str() {
            "Id" => json!(id),
            "IsDeleted" => json!(false),
            "LastModifiedDate" => json!("2026-11-20T10:15:00.000+0000"),
            _ => looked_up(column, account),
        };
        match column.split_once('.') {
            None => drop(record.insert(
                column.clone(),
                account.get(column).cloned().unwrap_or(standard),
            )),
            Some((lookup, _)) => {
                let followed = account.get(lookup).filter(|_| is_seen);
                record.insert(lookup.to_owned(), followed.cloned().unwrap_or_default());
            }
        }
    }
    record
}

/// The id behind a lookup, which is there whether its record may be seen or not.
fn looked_up(column: &str, account: &Map<String, Value>) -> Value {
    let own = column.strip_suffix("__c").map(|name| format!("{name}__r"));
    let lookup = own.or_else(|| column.strip_suffix("Id").map(str::to_owned));
    let record = lookup.and_then(|lookup| account.get(&lookup));
    record.map_or(Value::Null, |record| match record {
        Value::Null => Value::Null,
        _ => json!("0054M0000000001QAA"),
    })
}

pub(super) fn is_deleted(account: &Map<String, Value>) -> bool {
    account.get("IsDeleted") == Some(&json!(true))
}

pub(super) fn error(status: u16, code: &str, message: &str) -> Response {
    Response::json(status, &json!([{"message": message, "errorCode": code}]))
}
