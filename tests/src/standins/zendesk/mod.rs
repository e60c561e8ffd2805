//! A stand-in Zendesk instance: organizations, their fields, OAuth, rate limits. Bulk jobs are in
//! the file beside it.

mod budget;
mod late;
mod validity;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use late::Late;

use super::jobs::Jobs;
use super::{Request, Response};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Zendesk {
    /// Organizations by id, as the API shows them.
    pub organizations: BTreeMap<u64, Value>,
    /// Organization fields, as the API shows them.
    pub fields: Vec<Value>,
    /// Organizations in a page at most, whatever the caller asks for.
    pub page_size: usize,
    pub client_id: String,
    pub client_secret: String,
    /// User and API token of basic authentication, `email/token:token`.
    #[serde(default)]
    pub basic: String,
    /// The role of the user behind all credentials: `admin`, `agent`, `end-user`.
    #[serde(default = "admin")]
    pub role: String,
    /// For an agent with a role of the account's own: whether it may edit organizations.
    #[serde(default)]
    pub edits_organizations: Option<bool>,
    /// True if that agent may not look at roles.
    #[serde(default)]
    pub hides_roles: bool,
    /// The scopes the client may ask for; any if `None`.
    #[serde(default)]
    pub allowed_scopes: Option<String>,
    #[serde(default)]
    pub tokens: BTreeMap<String, Token>,
    /// How long a token lasts, in seconds, whatever is asked for.
    #[serde(default)]
    pub token_seconds: Option<i64>,
    /// After this many requests a token is refused, long before it ends.
    #[serde(default)]
    pub token_uses: Option<u32>,
    /// Organization fields in a page at most; 0 for as many as are asked for.
    #[serde(default)]
    pub fields_page_size: usize,
    /// Fields (`name` too) and a text that their values may not hold, as a field of the type
    /// `regexp` refuses it: the whole record is refused then.
    #[serde(default)]
    pub refused_values: BTreeMap<String, String>,
    /// Whether names that differ in accents, width or a dotless i are one name: for uniqueness, and
    /// for the exact search.
    #[serde(default)]
    pub folds_names: bool,
    #[serde(default)]
    pub jobs: Jobs,
    /// Requests a minute. More are refused.
    pub rate_limit: u64,
    /// Requests a minute to one endpoint, by its name in the headers. More are refused.
    #[serde(default)]
    pub endpoint_limits: BTreeMap<String, u64>,
    /// The current minute, and the requests in it, by endpoint; the account's are under "".
    #[serde(default)]
    window: (i64, BTreeMap<String, u64>),
    /// How long a new organization is not found by a search, in seconds.
    #[serde(default)]
    pub search_lag_seconds: i64,
    /// When organizations were created here, in milliseconds.
    #[serde(default)]
    born: BTreeMap<u64, i64>,
    /// Work that was accepted and comes late.
    #[serde(default)]
    late: Vec<Late>,
    /// Late creates that were done; a test counts them.
    #[serde(default)]
    pub late_creates: usize,
    /// The time of the request or look, in milliseconds.
    #[serde(skip)]
    now_ms: i64,
    #[serde(default)]
    minted: u64,
    /// Seconds the instance's clock is ahead of 2026-11-01: one for each change.
    #[serde(default)]
    pub clock: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    scope: String,
    /// When it ends, in milliseconds since 1970.
    pub ends_ms: i64,
    /// Requests that came with it.
    #[serde(default)]
    uses: u32,
}

fn admin() -> String {
    "admin".to_owned()
}

/// The id of the account's own role.
const OWN_ROLE: u64 = 360_000_001;

impl Default for Zendesk {
    fn default() -> Self {
        Self {
            organizations: BTreeMap::new(),
            fields: super::seed::organization_fields(),
            page_size: 100,
            client_id: "zd-client".to_owned(),
            client_secret: "zd-secret".to_owned(),
            basic: String::new(),
            role: admin(),
            edits_organizations: None,
            hides_roles: false,
            allowed_scopes: None,
            tokens: BTreeMap::new(),
            token_seconds: None,
            token_uses: None,
            fields_page_size: 0,
            refused_values: BTreeMap::new(),
            folds_names: false,
            jobs: Jobs {
                takes_ms: 500,
                ..Jobs::default()
            },
            rate_limit: 700,
            endpoint_limits: BTreeMap::new(),
            window: (0, BTreeMap::new()),
            search_lag_seconds: 0,
            born: BTreeMap::new(),
            late: Vec::new(),
            late_creates: 0,
            now_ms: 0,
            minted: 0,
            clock: 0,
        }
    }
}

/// The tickets of an organization: their number follows from its id.
fn tickets(id: u64) -> u64 {
    id % 211
}

impl Zendesk {
    /// True if a scope allows a request. Of what is used here only organizations have scopes of
    /// their own: job statuses and organization fields need the general one.
    fn opens(scope: &str, request: &Request) -> bool {
        let needed = if request.method == "GET" {
            "read"
        } else {
            "write"
        };
        let has = |wanted: &str| scope.split_whitespace().any(|one| one == wanted);
        let is_organizations = request.path.starts_with("/api/v2/organizations");
        has(needed) || (is_organizations && has(&format!("organizations:{needed}")))
    }

    fn route(&mut self, request: &Request) -> Response {
        let is_write = matches!(request.method.as_str(), "POST" | "PUT");
        let is_json = request
            .header("content-type")
            .starts_with("application/json");
        if is_write && !is_json {
            return Response::json(
                415,
                &json!({"error": "UnsupportedMediaType", "description": "The Content-Type header \
                    must be application/json"}),
            );
        }
        // Each path may end in the form of its answer.
        let path = request.path.strip_suffix(".json").unwrap_or(&request.path);
        if request.method == "POST" && path == "/oauth/tokens" {
            return self.token(&request.json());
        }
        let Some(scope) = self.scope(request.header("authorization")) else {
            return Response::json(
                401,
                &json!({"error": "invalid_token", "error_description": "The access token provided \
                    is expired, revoked, malformed or invalid"}),
            );
        };
        if request.method == "DELETE" && path == "/api/v2/oauth/tokens/current" {
            return self.take_back(request);
        }
        if !Self::opens(&scope, request) {
            let needed = if request.method == "GET" {
                "read"
            } else {
                "write"
            };
            let words = format!("You are missing the following required scopes: {needed}");
            return Response::json(403, &json!({"error": "Forbidden", "description": words}));
        }
        match (request.method.as_str(), path) {
            ("GET", "/api/v2/organizations") => self.list(request),
            ("GET", "/api/v2/organizations/show_many") => self.show_many(request),
            ("GET", "/api/v2/organizations/search") => self.search(request),
            ("GET", "/api/v2/organization_fields") => self.list_fields(request),
            ("POST", "/api/v2/organizations") => self.create(&request.json()["organization"]),
            ("PUT", "/api/v2/organizations/update_many") => {
                self.update_many(&request.json(), self.now_ms)
            }
            ("GET", "/api/v2/job_statuses/show_many") => self.job_statuses(request),
            ("GET", "/api/v2/job_statuses") => Response::json(200, &json!({"job_statuses": []})),
            ("GET", "/api/v2/organizations/count") => {
                let count = json!({"value": self.organizations.len(), "refreshed_at": null});
                Response::json(200, &json!({"count": count}))
            }
            ("GET", "/api/v2/users/me") => {
                let role = self.edits_organizations.map(|_| OWN_ROLE);
                let user = json!({
                    "id": 7, "name": "Partner sync", "role": self.role, "custom_role_id": role,
                });
                Response::json(200, &json!({"user": user}))
            }
            ("GET", "/api/v2/custom_roles/360000001") if self.hides_roles => {
                Response::json(403, &json!({"error": "Forbidden", "description": "no"}))
            }
            ("GET", "/api/v2/custom_roles/360000001") => {
                let rights = json!({"organization_editing": self.edits_organizations});
                let role = json!({
                    "id": OWN_ROLE, "name": "Sync", "role_type": 0, "configuration": rights,
                });
                Response::json(200, &json!({"custom_role": role}))
            }
            ("GET", path) => match path.strip_prefix("/api/v2/job_statuses/") {
                Some(id) => self.job_status(id),
                None => self.related(path),
            },
            _ => Response::not_found(),
        }
    }

    fn token(&mut self, body: &Value) -> Response {
        if body["grant_type"] != "client_credentials" {
            return Response::json(400, &json!({"error": "unsupported_grant_type"}));
        }
        if body["client_id"] != self.client_id.as_str()
            || body["client_secret"] != self.client_secret.as_str()
        {
            return Response::json(
                401,
                &json!({"error": "invalid_client", "error_description": "Client authentication \
                    failed"}),
            );
        }
        self.minted += 1;
        let token = format!("zd-token-{}", self.minted);
        let scope = body["scope"].as_str().unwrap_or("read").to_owned();
        let is_allowed = |one: &str| {
            let allowed = self.allowed_scopes.as_deref();
            allowed.is_none_or(|all| all.split_whitespace().any(|allowed| allowed == one))
        };
        if !scope.split_whitespace().all(is_allowed) {
            return Response::json(400, &json!({"error": "invalid_scope"}));
        }
        let asked = body["expires_in"].as_i64();
        if asked.is_some_and(|seconds| !(300..172_800).contains(&seconds)) {
            return Response::json(400, &json!({"error": "invalid_request"}));
        }
        let seconds = self.token_seconds.or(asked).unwrap_or(1800);
        let ends_ms = self.now_ms + seconds * 1000;
        let good = Token {
            scope: scope.clone(),
            ends_ms,
            uses: 0,
        };
        self.tokens.insert(token.clone(), good);
        Response::json(
            201,
            &json!({
                "access_token": token, "token_type": "bearer", "scope": scope,
                "expires_in": seconds,
            }),
        )
    }

    /// A token is given back: it opens nothing any more.
    fn take_back(&mut self, request: &Request) -> Response {
        let token = request.header("authorization").strip_prefix("Bearer ");
        match token.and_then(|token| self.tokens.remove(token)) {
            Some(_) => Response {
                status: 204,
                headers: Vec::new(),
                body: Vec::new(),
            },
            None => Response::not_found(),
        }
    }

    fn scope(&mut self, authorization: &str) -> Option<String> {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(&self.basic);
        if !self.basic.is_empty() && authorization == format!("Basic {basic}") {
            return Some("read write".to_owned());
        }
        let token = self
            .tokens
            .get_mut(authorization.strip_prefix("Bearer ")?)?;
        token.uses += 1;
        let is_used_up = self.token_uses.is_some_and(|most| token.uses > most);
        (self.now_ms < token.ends_ms && !is_used_up).then(|| token.scope.clone())
    }

    /// Cursor pages by id. The last page carries a cursor too, unless it is empty: a full page is
    /// always followed by another one. Cursors hold `+` and `=`.
    fn list(&self, request: &Request) -> Response {
        let Some(size) = request
            .param("page[size]")
            .and_then(|size| size.parse::<usize>().ok())
        else {
            return Response::json(
                400,
                &json!({"error": "this stand-in serves cursor pages only"}),
            );
        };
        let after = match request.param("page[after]").map(|cursor| {
            cursor
                .strip_prefix("o+")
                .and_then(|rest| rest.strip_suffix("=="))
                .map(str::parse)
        }) {
            None => 0,
            Some(Some(Ok(id))) => id,
            Some(_) => {
                return Response::json(
                    400,
                    &json!({"errors": [{"code": "InvalidPaginationParameter", "title": "Invalid \
                        cursor"}]}),
                );
            }
        };
        let mut rest = self.organizations.range(after + 1..);
        let page: Vec<_> = rest
            .by_ref()
            .take(size.min(100).min(self.page_size))
            .collect();
        let cursor = |one: Option<&(&u64, &Value)>| one.map(|(id, _)| format!("o+{id}=="));
        let first = cursor(page.first());
        let last = cursor(page.last());
        let organizations: Vec<_> = page.iter().map(|(_, organization)| organization).collect();
        let is_full = page.len() == size.min(100).min(self.page_size);
        let more = is_full || rest.next().is_some();
        let meta = json!({"has_more": more, "after_cursor": last, "before_cursor": first});
        let next = "https://elsewhere.example/api/v2/organizations.json?page%5Bafter%5D=x";
        let links = json!({"prev": null, "next": next});
        // In Zendesk's order, which is not the alphabet's.
        let organizations = json!(organizations);
        let body = format!(r#"{{"organizations":{organizations},"meta":{meta},"links":{links}}}"#);
        Response::json_text(200, body)
    }

    /// Cursor pages of the organization fields, in the order they have.
    fn list_fields(&self, request: &Request) -> Response {
        let number = |text: String| text.parse::<usize>().ok();
        let asked = request.param("page[size]").and_then(number).unwrap_or(100);
        let most = match self.fields_page_size {
            0 => 100,
            most => most,
        };
        let size = asked.min(most);
        let after = request.param("page[after]");
        let after =
            after.and_then(|cursor| cursor.strip_prefix("f+")?.strip_suffix('=')?.parse().ok());
        let first: usize = after.unwrap_or(0);
        let page: Vec<_> = self.fields.iter().skip(first).take(size).collect();
        let end = first + page.len();
        Response::json(
            200,
            &json!({
                "organization_fields": page,
                "meta": {
                    "has_more": end < self.fields.len(), "after_cursor": format!("f+{end}="),
                    "before_cursor": format!("f+{first}="),
                },
                "links": {"prev": null, "next": null},
            }),
        )
    }

    fn show_many(&self, request: &Request) -> Response {
        let ids: Vec<u64> = request
            .param("ids")
            .unwrap_or_default()
            .split(',')
            .filter_map(|id| id.parse().ok())
            .collect();
        if ids.len() > 100 {
            return too_many("ids");
        }
        let found: Vec<_> = ids
            .iter()
            .filter_map(|id| self.organizations.get(id))
            .collect();
        Response::json(
            200,
            &json!({
                "organizations": found, "count": found.len(), "next_page": null,
                "previous_page": null,
            }),
        )
    }

    /// Users and tickets of an organization; their numbers follow from its id.
    fn related(&self, path: &str) -> Response {
        let id = path
            .strip_prefix("/api/v2/organizations/")
            .and_then(|rest| rest.strip_suffix("/related"))
            .and_then(|id| id.parse::<u64>().ok())
            .filter(|id| self.organizations.contains_key(id));
        let Some(id) = id else {
            return Response::not_found();
        };
        Response::json(
            200,
            &json!({
                "organization_related": {"tickets_count": tickets(id), "users_count": id % 37},
            }),
        )
    }

    fn search(&self, request: &Request) -> Response {
        let (key, wanted) = match (request.param("external_id"), request.param("name")) {
            (Some(id), None) => ("external_id", id),
            (None, Some(name)) => ("name", name),
            _ => {
                return Response::json(
                    400,
                    &json!({"error": "BadRequest", "description": "name or external_id"}),
                );
            }
        };
        let since = self.now_ms - self.search_lag_seconds * 1000;
        let is_indexed = |id: &u64| self.born.get(id).is_none_or(|born| *born <= since);
        let fits = |one: &Value| match key {
            "name" => self.is_name_of(one, &wanted),
            _ => same(&one[key], &wanted),
        };
        let found: Vec<_> = self
            .organizations
            .iter()
            .filter(|(id, one)| fits(one) && is_indexed(id))
            .map(|(_, one)| one)
            .collect();
        Response::json(
            200,
            &json!({
                "organizations": found, "count": found.len(), "next_page": null,
                "previous_page": null,
            }),
        )
    }

    fn create(&mut self, wanted: &Value) -> Response {
        if let Some(refusal) = self.create_refusal(wanted) {
            return refusal;
        }
        let id = self.insert(wanted);
        let organization = &self.organizations[&id];
        let location = organization["url"].as_str().unwrap_or_default();
        Response::json(201, &json!({"organization": organization})).with("location", location)
    }

    /// A new organization, without a check for duplicates.
    fn insert(&mut self, wanted: &Value) -> u64 {
        let name = wanted["name"]
            .as_str()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let external_id = wanted["external_id"].as_str().map(str::to_owned);
        let id = self
            .organizations
            .keys()
            .next_back()
            .copied()
            .unwrap_or(19_856_122_000_000)
            + 1;
        let now = self.tick();
        let fields = self
            .fields
            .iter()
            .filter_map(|field| Some((field["key"].as_str()?.to_owned(), Value::Null)));
        let organization = json!({
            "id": id, "url": format!("https://stand-in.example/api/v2/organizations/{id}.json"),
            "name": name, "external_id": external_id,
            "created_at": now, "updated_at": now, "domain_names": [], "details": "", "notes": "",
            "group_id": null, "shared_tickets": false,
            "shared_comments": false, "tags": [],
            "organization_fields": Value::Object(fields.collect::<Map<_, _>>()),
        });
        self.organizations.insert(id, organization);
        self.born.insert(id, self.now_ms);
        self.set(id, wanted);
        id
    }

    /// Sets what an update names; keys that are no fields are dropped silently, as Zendesk does.
    pub(super) fn set(&mut self, id: u64, wanted: &Value) {
        let known: Vec<String> = self
            .fields
            .iter()
            .filter_map(|field| field["key"].as_str().map(str::to_owned))
            .collect();
        let now = self.tick();
        let Some(organization) = self.organizations.get_mut(&id) else {
            return;
        };
        organization["updated_at"] = json!(now);
        if let Some(name) = wanted["name"].as_str() {
            organization["name"] = json!(name.trim());
        }
        for (key, value) in wanted["organization_fields"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| known.contains(key))
        {
            organization["organization_fields"][key] = value.clone();
        }
    }

    /// Something else of the organization changes: a ticket, a user, a tag.
    pub fn touch(&mut self, id: u64) {
        self.set(id, &Value::Null);
    }

    /// An organization is deleted, and is shown for a while all the same.
    pub fn delete_and_show(&mut self, id: u64) {
        let now = self.tick();
        if let Some(organization) = self.organizations.get_mut(&id) {
            organization["deleted_at"] = json!(now);
        }
    }

    /// The Saturday job of somebody else: what is marked and not exempt is deleted if it has no
    /// tickets, and made exempt if it has some.
    pub fn purge(&mut self) {
        let is_taken = |one: &Value| {
            let fields = &one["organization_fields"];
            fields["mark_for_deletion"] == true && fields["ignore_deletion"] != true
        };
        let all = self.organizations.iter();
        let taken: Vec<u64> = all
            .filter(|(_, one)| is_taken(one))
            .map(|(id, _)| *id)
            .collect();
        for id in taken {
            if tickets(id) == 0 {
                self.organizations.remove(&id);
            } else {
                self.edit(id, "ignore_deletion", json!(true));
            }
        }
    }

    /// The organizations that were not deleted.
    fn there(&self) -> impl Iterator<Item = (&u64, &Value)> {
        let all = self.organizations.iter();
        all.filter(|(_, one)| one["deleted_at"].is_null())
    }

    /// A person edits an organization field.
    pub fn edit(&mut self, id: u64, key: &str, value: Value) {
        let mut fields = Map::new();
        fields.insert(key.to_owned(), value);
        self.set(id, &json!({"organization_fields": fields}));
    }

    /// The time of the next change.
    pub(super) fn tick(&mut self) -> String {
        self.clock += 1;
        Timestamp::from_second(1_793_491_200 + self.clock)
            .map_or_else(|_| String::new(), |at| at.to_string())
    }
}

pub(super) fn too_many(what: &str) -> Response {
    Response::json(
        400,
        &json!({"error": "TooManyValues", "description": format!("Parameter {what} cannot specify \
            more than 100 values"), "max_count": 100}),
    )
}

fn same(value: &Value, text: &str) -> bool {
    value
        .as_str()
        .is_some_and(|value| value.trim().to_lowercase() == text.trim().to_lowercase())
}
