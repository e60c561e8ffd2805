//! One client per run: one token, the query with its pages, the question about former accounts.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;

use super::auth::{Access, Credentials};
use super::former::{self, Inquiry};
use super::query::{self, QueryPage};
use super::refused::{ReadError, refused};
use crate::http::{Answer, Call, Http, Wire, as_json, host_of};
use domain::model::{Account, AccountId, Complete, Former, Mapping, Reading};
use domain::{Error, Result};

/// The API version used unless the secret names another.
const API_VERSION: &str = "v67.0";
/// The longest a query may take. Salesforce itself ends it after some 120 s, so what takes longer
/// is lost, and not tried again: a query that runs on beside its successor counts against the org's
/// 25 long ones. What comes of it in an invocation of 300 s: `gather_accounts::LONGEST_READ`.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(150);
/// More pages in a row without records than this end a read.
const MOST_EMPTY_PAGES: usize = 5;
/// The longest a token may take.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);

/// The client of one run.
#[derive(Debug)]
pub struct Client {
    pub pages: u64,
    http: Http,
    wire: Wire,
    credentials: Credentials,
    access: Option<Access>,
    calls_used: Option<(u64, u64)>,
}

impl Client {
    /// A client for one run, whose calls use the clock and the meter of `wire`. Nothing is sent
    /// yet.
    ///
    /// # Errors
    /// [`Error::Config`] if TLS cannot be set up.
    pub fn new(credentials: Credentials, wire: &Wire) -> Result<Self> {
        Ok(Self {
            pages: 0,
            http: Http::new(credentials.login_url(), QUERY_TIMEOUT, wire)?,
            wire: wire.clone(),
            credentials,
            access: None,
            calls_used: None,
        })
    }

    /// Reads and maps every authorised partner account.
    ///
    /// If the session or the place in the pages is lost on the way, a new token is asked for, once.
    /// Pages belong to their session, so the read starts again from the first.
    ///
    /// # Errors
    /// [`Error::Incomplete`] unless the last page came and the records are as many as announced;
    /// [`Error::Contract`] for a reply or record that is not what it must be; [`Error::Auth`],
    /// [`Error::Config`], [`Error::Rejected`], [`Error::Throttled`] and [`Error::Transient`] as
    /// Salesforce answers.
    pub async fn partner_accounts(&mut self, mapping: &Mapping) -> Result<Complete<Vec<Account>>> {
        match self.read_all(mapping).await {
            Err(ReadError::Session(_) | ReadError::Locator(_)) => {
                tracing::warn!(
                    "salesforce ended the session or lost the query's place; one new token, and \
                     the query from its first page"
                );
                self.access = None;
                Ok(self.read_all(mapping).await?)
            }
            other => Ok(other?),
        }
    }

    /// The host the accounts were read from, with the port if it is not the usual one; empty before
    /// the first read.
    pub fn host(&self) -> String {
        let access = self.access.as_ref();
        access.map_or_else(String::new, |access| host_of(&access.instance))
    }

    /// Asks what became of missing accounts, and of those that they were merged into. Deleted
    /// accounts are found as well. Of the gathered accounts it is known that they are there.
    ///
    /// # Errors
    /// As for [`Client::partner_accounts`]; without an answer nothing is decided about the
    /// accounts, so a caller may go on without it.
    pub async fn former_accounts(
        &mut self,
        missing: &[AccountId],
        gathered: &BTreeSet<AccountId>,
        mapping: &Mapping,
    ) -> Result<Vec<Former>> {
        let mut inquiry = Inquiry::about(missing, gathered, mapping);
        while let Some(ids) = inquiry.next_question() {
            let page = self
                .query("queryAll", &former::query(&ids, mapping))
                .await?;
            inquiry.note(ids, &page)?;
        }
        Ok(inquiry.into_formers())
    }

    async fn read_all(&mut self, mapping: &Mapping) -> Result<Complete<Vec<Account>>, ReadError> {
        let fatal = ReadError::Fatal;
        let mut reading = Reading::<HashSet<AccountId>>::new("salesforce");
        let mut accounts = Vec::new();
        let mut page = self
            .query("query", &query::partner_accounts(mapping))
            .await?;
        let total = page.total_size.ok_or_else(|| {
            fatal(reading.incomplete("the first page does not say how many records there are"))
        })?;
        let mut asked = HashSet::new();
        let mut empty_pages = 0;
        loop {
            empty_pages = if page.records.is_empty() {
                empty_pages + 1
            } else {
                0
            };
            for record in &page.records {
                let account = Account::from_record(record, mapping).map_err(fatal)?;
                let id = account.id().map_err(fatal)?;
                reading.saw(&id).map_err(fatal)?;
                accounts.push(account);
            }
            if page.total_size.is_some_and(|other| other != total) {
                return Err(fatal(reading.incomplete(
                    "the announced number of records changed between the pages",
                )));
            }
            match (page.done, page.next_records_url) {
                (true, _) => return reading.finish(Some(total), accounts).map_err(fatal),
                (false, None) => {
                    return Err(fatal(reading.incomplete(
                        "a page says it is not the last, and names no next one",
                    )));
                }
                (false, Some(next)) if !asked.insert(next.clone()) => {
                    return Err(fatal(
                        reading.incomplete("the next page's address does not move"),
                    ));
                }
                (false, Some(_)) if empty_pages > MOST_EMPTY_PAGES => {
                    return Err(fatal(reading.incomplete("page after page has no records")));
                }
                (false, Some(_)) if reading.count() > total => {
                    return Err(fatal(
                        reading.incomplete(&format!("the source announced {total} records")),
                    ));
                }
                (false, Some(next)) => page = self.more(&next).await?,
            }
        }
    }

    /// The API calls of 24 hours that are used, and those allowed, as the last reply said.
    pub fn calls_used(&self) -> Option<(u64, u64)> {
        self.calls_used
    }

    /// `GET /services/data/{version}/{resource}?q=`: the first page.
    async fn query(&mut self, resource: &str, soql: &str) -> Result<QueryPage, ReadError> {
        let mut url = self.data_url(resource).await.map_err(ReadError::Fatal)?;
        url.query_pairs_mut().append_pair("q", soql);
        self.page(url).await
    }

    /// The version of the data API that is asked.
    pub fn api_version(&self) -> &str {
        self.credentials.api_version().unwrap_or(API_VERSION)
    }

    /// The address of a resource of the data API, at the instance the token came with.
    pub(super) async fn data_url(&mut self, resource: &str) -> Result<Url> {
        let path = format!("/services/data/{}/{resource}", self.api_version());
        let mut url = self.access().await?.instance.clone();
        url.set_path(&path);
        Ok(url)
    }

    /// `GET {nextRecordsUrl}`: another page. The address must stay on the instance and below the
    /// data API.
    async fn more(&mut self, next: &str) -> Result<QueryPage, ReadError> {
        let instance = &self.access().await.map_err(ReadError::Fatal)?.instance;
        let url = instance.join(next).ok().filter(|url| {
            url.origin() == instance.origin() && url.path().starts_with("/services/data/")
        });
        let url = url.ok_or_else(|| {
            ReadError::Fatal(Error::Contract(
                "salesforce: nextRecordsUrl leaves the instance; nothing was sent there".to_owned(),
            ))
        })?;
        self.page(url).await.map_err(|refused| match refused {
            // A lost place has more than one code on record: NOT_FOUND and MALFORMED_QUERY too.
            ReadError::Fatal(error @ Error::Config(_)) | ReadError::Malformed(error) => {
                ReadError::Locator(error)
            }
            other => other,
        })
    }

    /// The token and its instance, asked for if there is none.
    pub(super) async fn access(&mut self) -> Result<&Access> {
        if self.access.is_none() {
            let login = self.credentials.login_url();
            let http = Http::new(login, TOKEN_TIMEOUT, &self.wire)?;
            self.access = Some(self.credentials.token(&http).await?);
        }
        self.access
            .as_ref()
            .ok_or_else(|| Error::Auth("salesforce: no session".to_owned()))
    }

    async fn page(&mut self, url: Url) -> Result<QueryPage, ReadError> {
        let page = self.send("query", url).await?;
        self.pages += 1;
        Ok(page)
    }

    pub(super) async fn send<T: DeserializeOwned>(
        &mut self,
        what: &str,
        url: Url,
    ) -> Result<T, ReadError> {
        let token = self
            .access()
            .await
            .map_err(ReadError::Fatal)?
            .token
            .expose_secret()
            .to_owned();
        let request = self
            .http
            .request(Method::GET, url)
            .bearer_auth(token)
            .header("accept", "application/json")
            .header("sforce-query-options", "batchSize=2000");
        let Answer { reply, content } = self
            .http
            .send(
                &format!("salesforce: {what}"),
                Call::Repeatable,
                request,
                as_json,
            )
            .await
            .map_err(|error| ReadError::Fatal(error.into()))?;
        let usage = reply.header("sforce-limit-info").and_then(query::usage);
        self.calls_used = usage.or(self.calls_used);
        if let Some((used, allowed)) = usage
            && used * 10 >= allowed * 8
        {
            tracing::warn!(
                used,
                allowed,
                "salesforce: most of the org's API calls of 24 hours are used up \
                 (Sforce-Limit-Info)"
            );
        }
        content.ok_or_else(|| refused(what, &reply))
    }
}
