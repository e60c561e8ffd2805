//! The least that the calls of a run cost with the packages that this project is bound to, for
//! `make bench`: what sync asked of Zendesk and S3, asked again, one call after the other, by
//! reqwest and the AWS SDK. No answer is read into types, nothing is decided, nothing is tried
//! twice.
//!
//! `floor-calls FILE`: a call a line, as JSON `{"service", "method", "target", "body"}`. Zendesk is
//! where `ZENDESK` says, S3 where a Lambda would find it. Prints the seconds from the first call to
//! the last answer.

use std::error::Error;
use std::fs::read_to_string;
use std::time::Duration;

use aws::{Aws, S3Store};
use serde::Deserialize;
use stage::clock::Clock;
use stage::store::Store as _;
use vendors::http::{Http, Wire, base_url};

const TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
struct Call {
    service: Service,
    method: String,
    target: String,
    body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Service {
    Zendesk,
    S3,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os()
        .nth(1)
        .ok_or("usage: floor-calls FILE")?;
    let calls = read_to_string(file)?;
    let calls = calls.lines().map(serde_json::from_str::<Call>);
    let calls: Vec<_> = calls.collect::<Result<_, _>>()?;

    let zendesk = std::env::var("ZENDESK")?;
    let wire = Wire::by(Clock::system());
    let http = Http::new(&base_url("ZENDESK", &zendesk)?, TIMEOUT, &wire)?;
    let s3 = Aws::from_env()?.s3("bench");

    let began = wire.now();
    for call in calls {
        match call.service {
            Service::Zendesk => ask(&http, &zendesk, call).await?,
            Service::S3 => keep_or_fetch(&s3, call).await?,
        }
    }
    let took = wire.now().duration_since(began);
    println!("{:.6} seconds", took.as_secs_f64());
    Ok(())
}

async fn ask(http: &Http, base: &str, call: Call) -> Result<(), Box<dyn Error>> {
    let url = format!("{base}{}", call.target).parse()?;
    let request = http.request(call.method.parse()?, url).body(call.body);
    let request = request.header("content-type", "application/json");
    request.send().await?.bytes().await?;
    Ok(())
}

async fn keep_or_fetch(s3: &S3Store, call: Call) -> Result<(), Box<dyn Error>> {
    if call.method == "PUT" {
        let body = call.body.into_bytes();
        s3.put(&call.target, body, "application/json").await?;
    } else {
        s3.get(&call.target).await?;
    }
    Ok(())
}
