//! The state machine by its ARN: the command that starts it, and where AWS's console shows it.

/// Each partition, and the domain of its console.
const CONSOLES: [(&str, &str); 4] = [
    ("aws", "console.aws.amazon.com"),
    ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ("aws-cn", "console.amazonaws.cn"),
    ("aws-eusc", "console.amazonaws-eusc.eu"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateMachine<'a> {
    arn: &'a str,
    region: &'a str,
    /// The domain of the partition's console; `None` for a partition that is not known here.
    domain: Option<&'static str>,
}

impl<'a> StateMachine<'a> {
    /// Takes an ARN apart, such as
    /// `arn:aws:states:eu-central-1:000000000000:stateMachine:partner-sync`; `None` if it is none.
    pub fn of(arn: &'a str) -> Option<Self> {
        let mut parts = arn.split(':');
        if parts.next() != Some("arn") {
            return None;
        }
        let partition = parts.next()?;
        let (service, region) = (parts.next()?, parts.next()?);
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if service != "states" || region.is_empty() || !region.bytes().all(is_plain) {
            return None;
        }
        let console = CONSOLES.iter().find(|(name, _)| *name == partition);
        Some(Self {
            arn,
            region,
            domain: console.map(|(_, domain)| *domain),
        })
    }

    /// The command that starts an execution of a machine with an input. If there is no machine, a
    /// placeholder stands for its ARN.
    pub fn start_command(arn: Option<&str>, input: &str) -> String {
        let arn = arn.unwrap_or("STATE_MACHINE_ARN");
        let which = match StateMachine::of(arn) {
            Some(machine) => format!("--region {} --state-machine-arn {arn}", machine.region),
            None => format!("--state-machine-arn {arn}"),
        };
        format!("aws stepfunctions start-execution {which} --input '{input}'")
    }

    /// Its page in the console, where an execution is started by hand.
    pub fn page(&self) -> Option<String> {
        let (console, region, arn) = (self.console()?, self.region, self.arn);
        Some(format!(
            "{console}/states/home?region={region}#/statemachines/view/{arn}"
        ))
    }

    /// The page of an execution in the console.
    pub fn execution_page(&self, run_id: &str) -> Option<String> {
        let (console, region) = (self.console()?, self.region);
        let executions = self.arn.replacen(":stateMachine:", ":execution:", 1);
        Some(format!(
            "{console}/states/home?region={region}#/v2/executions/details/{executions}:{run_id}"
        ))
    }

    /// The page of an execution in the console, by its ARN.
    pub fn page_of_execution(execution: &str) -> Option<String> {
        let (machine, run_id) = execution.rsplit_once(':')?;
        let arn = machine.replacen(":execution:", ":stateMachine:", 1);
        StateMachine::of(&arn)?.execution_page(run_id)
    }

    /// The page of a document in the console.
    pub fn document_page(&self, bucket: &str, key: &str) -> Option<String> {
        let (console, region) = (self.console()?, self.region);
        Some(format!(
            "{console}/s3/object/{bucket}?region={region}&prefix={key}"
        ))
    }

    /// The page of a run's documents in the console.
    pub fn folder_page(&self, bucket: &str, run_id: &str) -> Option<String> {
        let (console, region) = (self.console()?, self.region);
        Some(format!(
            "{console}/s3/buckets/{bucket}?region={region}&prefix=runs/{run_id}/"
        ))
    }

    /// The dashboards of its region in the console.
    pub fn dashboards_page(&self) -> Option<String> {
        let (console, region) = (self.console()?, self.region);
        Some(format!(
            "{console}/cloudwatch/home?region={region}#dashboards"
        ))
    }

    /// The page in the console that shows who started executions.
    pub fn starts_page(&self) -> Option<String> {
        let (console, region) = (self.console()?, self.region);
        Some(format!(
            "{console}/cloudtrailv2/home?region={region}#/events?EventName=StartExecution"
        ))
    }

    fn console(&self) -> Option<String> {
        let Self { region, domain, .. } = self;
        Some(format!("https://{region}.{}", (*domain)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:states:eu-central-1:000000000000:stateMachine:partner-sync";

    #[test]
    fn the_command_names_the_region() {
        assert_eq!(
            StateMachine::start_command(Some(ARN), "{}"),
            format!(
                "aws stepfunctions start-execution --region eu-central-1 --state-machine-arn {ARN} \
                 --input '{{}}'"
            )
        );
        let nobodys = StateMachine::start_command(None, "{}");
        assert!(nobodys.contains("STATE_MACHINE_ARN"), "{nobodys}");
    }

    #[test]
    fn an_execution_has_the_page_of_its_machine() {
        let arn = "arn:aws:states:eu-central-1:000000000000:execution:partner-sync:r";
        let wanted = StateMachine::of(ARN).unwrap().execution_page("r");
        assert_eq!(StateMachine::page_of_execution(arn), wanted);
        assert_eq!(StateMachine::page_of_execution("r"), None);
    }

    #[test]
    fn each_partition_has_its_own_console_and_one_that_is_not_known_has_none() {
        for (partition, region, host) in [
            (
                "aws",
                "eu-central-1",
                "https://eu-central-1.console.aws.amazon.com/",
            ),
            (
                "aws-us-gov",
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/",
            ),
            (
                "aws-cn",
                "cn-north-1",
                "https://cn-north-1.console.amazonaws.cn/",
            ),
            (
                "aws-eusc",
                "eusc-de-east-1",
                "https://eusc-de-east-1.console.amazonaws-eusc.eu/",
            ),
        ] {
            let arn = format!("arn:{partition}:states:{region}:000000000000:stateMachine:m");
            let machine = StateMachine::of(&arn).unwrap();
            let pages = [
                machine.page(),
                machine.execution_page("r"),
                machine.document_page("b", "runs/r/report.html"),
                machine.folder_page("b", "r"),
                machine.dashboards_page(),
                machine.starts_page(),
            ];
            for page in pages {
                let page = page.unwrap();
                assert!(page.starts_with(host), "{page}");
                assert!(page.contains(&format!("region={region}")), "{page}");
            }
        }
        let other = StateMachine::of("arn:aws-iso:states:us-iso-east-1:0:stateMachine:m").unwrap();
        assert_eq!(other.execution_page("r"), None);
    }

    #[test]
    fn what_is_no_arn_of_a_state_machine_is_none() {
        for text in [
            "",
            "partner-sync",
            "arn:aws:lambda:eu-central-1:0:f",
            "arn:aws:states::0:m",
        ] {
            assert_eq!(StateMachine::of(text), None, "{text}");
        }
    }
}
