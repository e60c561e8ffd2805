//! Where ids lead: Zendesk's agent workspace, Salesforce's Lightning, AWS's console. Addresses are
//! made from the hosts that were read, and from the state machine's ARN; without them an id is
//! plain text.

use serde::Serialize;

use super::ReportContext;
use super::cells::Part;
use domain::model::{Instance, StateMachine};
use domain::plan::{Reached, RunEnd};

/// Salesforce's data hosts, and for each the Lightning host that belongs to it.
const LIGHTNING: [(&str, &str); 2] = [
    (".my.salesforce.com", ".lightning.force.com"),
    (".my.salesforce.mil", ".lightning.crmforce.mil"),
];

/// The addresses of a run's records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Addresses {
    /// Of an organization, without its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// Of an account, without its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_machine: Option<String>,
}

impl Addresses {
    pub(super) fn of(context: ReportContext<'_>, end: &RunEnd<'_>) -> Self {
        let (instances, salesforce): (&[Instance], &str) = match (end.planned(), end) {
            (Some(run), _) => (
                &run.planned.plan.instances,
                &run.planned.plan.inputs.salesforce_host,
            ),
            (
                None,
                RunEnd::Failed {
                    reached: Reached::BeforePlan { instances, .. },
                    ..
                },
            ) => (instances, ""),
            (None, _) => (&[], ""),
        };
        let target = &context.mapping().target.name;
        let target = instances.iter().find(|instance| instance.name == *target);
        let zendesk = target.map_or("", |target| target.host.as_str());
        Self {
            organization: origin(zendesk).map(|origin| format!("{origin}/agent/organizations/")),
            account: origin(&lightning(salesforce))
                .map(|origin| format!("{origin}/lightning/r/{}/", context.mapping().object)),
            state_machine: context.state_machine.map(str::to_owned),
        }
    }

    /// The address that a piece of a cell links to.
    pub(super) fn of_part(&self, part: &Part) -> Option<String> {
        match part {
            Part::Organization(id) => Some(format!("{}{id}", self.organization.as_ref()?)),
            Part::Account(id, _) => Some(format!("{}{id}/view", self.account.as_ref()?)),
            Part::Run(run_id) => {
                let machine = StateMachine::of(self.state_machine.as_ref()?)?;
                machine.execution_page(run_id)
            }
            Part::Text(_) | Part::Break => None,
        }
    }
}

/// The scheme and host of an address; `None` if the text is no host. The stand-ins on loopback have
/// no TLS.
fn origin(host: &str) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':');
    if host.is_empty() || !host.bytes().all(is_plain) {
        return None;
    }
    let name = host.split(':').next().unwrap_or_default();
    let is_loopback = name == "localhost" || name.starts_with("127.");
    let scheme = if is_loopback { "http" } else { "https" };
    Some(format!("{scheme}://{host}"))
}

/// The Lightning host for a data host: another domain of the same name.
fn lightning(host: &str) -> String {
    let known = LIGHTNING
        .iter()
        .find_map(|(data, lightning)| Some(format!("{}{lightning}", host.strip_suffix(data)?)));
    known.unwrap_or_else(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lightning_is_on_another_domain_of_the_same_name() {
        for (data, wanted) in [
            ("acme.my.salesforce.com", "acme.lightning.force.com"),
            (
                "acme--dev.sandbox.my.salesforce.com",
                "acme--dev.sandbox.lightning.force.com",
            ),
            ("acme.my.salesforce.mil", "acme.lightning.crmforce.mil"),
            ("na1.salesforce.com", "na1.salesforce.com"),
        ] {
            assert_eq!(lightning(data), wanted);
        }
    }

    #[test]
    fn an_address_is_https_except_on_loopback_and_what_is_no_host_has_none() {
        let https = Some("https://acme.zendesk.com".to_owned());
        assert_eq!(origin("acme.zendesk.com"), https);
        let loopback = Some("http://127.0.0.1:4711".to_owned());
        assert_eq!(origin("127.0.0.1:4711"), loopback);
        for host in ["", "a b", "x/y", "\"><script>"] {
            assert_eq!(origin(host), None, "{host}");
        }
    }
}
