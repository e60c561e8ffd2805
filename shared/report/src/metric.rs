//! What a run reports to the dashboard and the alarms. `stage::metrics` records it.

/// What the values of a metric count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident: $unit:ident,)*) => {
        /// Every metric there is. `infra/template.yaml` has each of them on its dashboard, and
        /// alarms on some; `make validate` checks that the three agree.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $($(#[$doc])* $name,)*
        }

        impl Metric {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What its values count.
            pub fn unit(self) -> Unit {
                match self {
                    $(Self::$name => Unit::$unit,)*
                }
            }
        }
    };
}

metrics! {
    /// 1 for a run that ended OK, `NOTHING_TO_DO` or PARTIAL, or held unexplained marks alone; 0
    /// for one that held something else or failed.
    GoodRun: Count,
    /// Entries of held categories.
    HeldChanges: Count,
    /// Hours for which something has been held in every run; 0 if nothing is.
    HoursHeld: Count,
    /// Marked organizations that the next purge may delete, unless the mark is taken back.
    MarksPending: Count,
    /// Hours to the next purge.
    HoursToPurge: Count,
    /// Organizations whose account has not been missing for long enough to be marked.
    Waiting: Count,
    /// Partner organizations that name no account.
    Unlinked: Count,
    /// Organizations whose missing account Salesforce does not explain.
    Unexplained: Count,
    /// Marked organizations that the purge leaves alone.
    Exempt: Count,
    /// Records that failed.
    FailedRecords: Count,
    /// Records that may have been applied or not.
    UnknownRecords: Count,
    /// Marks left out because somebody changed the organization.
    DriftedRecords: Count,
    /// Clashes a person has to resolve.
    Conflicts: Count,
    /// 1 if the inputs look emptier than they should, else 0.
    SuspiciouslyEmptyRun: Count,
    /// 1 for a run that replaced a holder that had ended without releasing the lease.
    LeaseTakenOver: Count,
    /// Accounts from Salesforce.
    Accounts: Count,
    /// Instances that were not read to their end; never the target.
    InstancesUnread: Count,
    /// Organizations read, on all instances.
    OrganizationsScanned: Count,
    /// Partner organizations on the target.
    PartnerOrganizations: Count,
    /// Organizations created.
    Created: Count,
    /// Organizations updated.
    Updated: Count,
    /// Organizations marked for deletion.
    Marked: Count,
    /// Requests to both vendors.
    ApiCalls: Count,
    /// Replies that asked for a pause.
    ThrottledReplies: Count,
    /// Days to the end of the credential that ends first; absent if none has an end.
    CredentialDaysLeft: Count,
    /// From the execution's start to its report.
    RunSeconds: Seconds,
    /// What the run cost, in millionths of a US dollar.
    RunCostMicroUsd: Count,
}
