//! A stand-in Salesforce: a token endpoint and queries over accounts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::soql::{Query, is_column, no_such_column};
use super::{Request, Response, jwt};
use crate::clock::now;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Salesforce {
    /// Accounts by 18-character id, with every field of the org.
    pub accounts: BTreeMap<String, Map<String, Value>>,
    /// Records in a page, whatever the caller asks for.
    pub page_size: usize,
    /// Fields hidden from the app's user.
    #[serde(default)]
    pub hidden: Vec<String>,
    /// Accounts that no sharing rule shows to the app's user.
    #[serde(default)]
    pub unshared: BTreeSet<String>,
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
    /// Open queries: the ids still to be sent.
    #[serde(default)]
    cursors: BTreeMap<String, (Vec<String>, Vec<String>, usize)>,
    #[serde(default)]
    minted: u64,
}

/// API calls of a day.
const MOST_CALLS: u64 = 100_000;
/// Characters of the longest address that is read.
const LONGEST_QUERY: usize = 16_384;

impl Default for Salesforce {
    fn default() -> Self {
        Self {
            accounts: BTreeMap::new(),
            page_size: 2000,
            hidden: Vec::new(),
            unshared: BTreeSet::new(),
            instance_url: String::new(),
            versions: Vec::new(),
            types: BTreeMap::new(),
            calls_used: 1018,
            client_id: "sf-client".to_owned(),
            client_secret: "sf-secret".to_owned(),
            public_key: String::new(),
            tokens: Vec::new(),
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
        let token = request
            .header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        if !self.tokens.iter().any(|good| good == token) {
            return error(401, "INVALID_SESSION_ID", "Session expired or invalid");
        }
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
            ("GET", ["services", "data", _, "sobjects", "Account", "describe"]) => self.describe(),
            ("GET", ["services", "data", version, "query"]) => {
                self.query(version, &request.param("q").unwrap_or_default(), false)
            }
            ("GET", ["services", "data", version, "queryAll"]) => {
                self.query(version, &request.param("q").unwrap_or_default(), true)
            }
            ("GET", ["services", "data", version, "query", locator]) => {
                match self.cursors.get(*locator).cloned() {
                    Some((columns, rest, total)) => self.page(version, columns, rest, total),
                    None => error(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
                }
            }
            _ => error(404, "NOT_FOUND", "The requested resource does not exist"),
        }
    }

    fn token(&mut self, request: &Request) -> Response {
        let refuse = |code: &str, why: &str| {
            Response::json(400, &json!({"error": code, "error_description": why}))
        };
        let form = |name: &str| request.form(name).unwrap_or_default();
        match form("grant_type").as_str() {
            "client_credentials" if form("client_id") != self.client_id => {
                return refuse("invalid_client_id", "client identifier invalid");
            }
            "client_credentials" if form("client_secret") != self.client_secret => {
                return refuse("invalid_client", "invalid client credentials");
            }
            "client_credentials" => {}
            "urn:ietf:params:oauth:grant-type:jwt-bearer" if self.knows(&form("assertion")) => {}
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                return refuse("invalid_grant", "invalid assertion");
            }
            _ => return refuse("unsupported_grant_type", "grant type not supported"),
        }
        self.minted += 1;
        let token = format!("00DSTANDIN!{}.token", self.minted);
        self.tokens.push(token.clone());
        Response::json(
            200,
            &json!({
                "access_token": token, "instance_url": self.instance_url,
                "id": "https://login.example/id/00D/005",
                "token_type": "Bearer", "issued_at": "1790000000000", "signature": "c3RhbmQtaW4="}),
        )
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
            for (name, value) in record
                .iter()
                .filter(|(name, _)| !self.hidden.contains(name))
            {
                let (name, kind, relationship) = match name.strip_suffix("__r") {
                    Some(lookup) => (format!("{lookup}__c"), "reference", json!(name)),
                    None if value.is_boolean() => (name.clone(), "boolean", Value::Null),
                    None => (name.clone(), "string", Value::Null),
                };
                let kind = self.types.get(&name).map_or(kind, String::as_str);
                let field = json!({"name": name, "type": kind, "relationshipName": relationship});
                fields.insert(name, field);
            }
        }
        let fields: Vec<_> = fields.into_values().collect();
        self.counted(Response::json(
            200,
            &json!({"name": "Account", "fields": fields}),
        ))
    }

    fn knows(&self, assertion: &str) -> bool {
        jwt::claims(assertion, &self.public_key).is_some_and(|claims| {
            let left = claims["exp"].as_i64().unwrap_or_default() - now().as_second();
            claims["aud"] == "https://login.salesforce.com"
                && claims["iss"] == *self.client_id
                && (1..=300).contains(&left)
        })
    }

    /// Only `queryAll` finds what is deleted.
    fn query(&mut self, version: &str, soql: &str, with_deleted: bool) -> Response {
        let query = match Query::read(soql) {
            Ok(query) => query,
            Err(refused) => return refused,
        };
        let is_hidden = |column: &&String| self.hidden.contains(column) || !self.has(column);
        if let Some(column) = query.columns.iter().find(is_hidden) {
            return no_such_column(column);
        }
        let fits = |(id, record): &(&String, &Map<String, Value>)| {
            !self.unshared.contains(*id)
                && (with_deleted || !is_deleted(record))
                && query.finds(id, record)
        };
        let found = self.accounts.iter().filter(fits);
        let ids: Vec<String> = found.map(|(id, _)| id.clone()).collect();
        let total = ids.len();
        self.page(version, query.columns, ids, total)
    }

    /// True if the org has a column: each of the usual ones, and what a test gave to an account.
    fn has(&self, column: &str) -> bool {
        is_column(column)
            || self
                .accounts
                .values()
                .any(|record| record.contains_key(column))
    }

    fn page(
        &mut self,
        version: &str,
        columns: Vec<String>,
        mut ids: Vec<String>,
        total: usize,
    ) -> Response {
        let rest = ids.split_off(ids.len().min(self.page_size));
        let records: Vec<_> = ids
            .iter()
            .filter_map(|id| Some(record(version, id, &columns, self.accounts.get(id)?)))
            .collect();
        let mut page = json!({"totalSize": total, "done": rest.is_empty(), "records": records});
        if !rest.is_empty() {
            let locator = format!(
                "0r8STANDIN{:08}-{}",
                self.cursors.len() + 1,
                total - rest.len()
            );
            page["nextRecordsUrl"] = json!(format!("/services/data/{version}/query/{locator}"));
            self.cursors.insert(locator, (columns, rest, total));
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

fn record(version: &str, id: &str, columns: &[String], account: &Map<String, Value>) -> Value {
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
            Some((lookup, _)) => drop(record.insert(
                lookup.to_owned(),
                account.get(lookup).cloned().unwrap_or_default(),
            )),
        }
    }
    Value::Object(record)
}

/// The id behind a lookup, which is there whether its record may be seen or not.
fn looked_up(column: &str, account: &Map<String, Value>) -> Value {
    let lookup = column.strip_suffix("__c").map(|name| format!("{name}__r"));
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
