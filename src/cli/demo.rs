//! `usher demo`: its arguments, and what it says once it listens.

use std::net::{Ipv4Addr, SocketAddr};

use url::Url;

use crate::demo::{Demo, Scenario};

/// Arguments of `usher demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Your own app in place of the sample app: http://HOST:PORT.
    #[arg(long, value_name = "URL", value_parser = upstream)]
    pub upstream: Option<Url>,
    /// The port of all three hosts, on 127.0.0.1.
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Open the app in a browser.
    #[arg(long)]
    pub open: bool,
    /// What is different from the start: default, seats-full or groups-missing.
    #[arg(long, value_name = "NAME", default_value_t, value_parser = scenario)]
    pub scenario: Scenario,
}

fn upstream(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if url.scheme() == "http" && url.has_host() && is_origin {
        Ok(url)
    } else {
        Err("an upstream is http://HOST:PORT, without a path".to_owned())
    }
}

fn scenario(text: &str) -> Result<Scenario, String> {
    text.parse().map_err(|_| "the scenarios are default, seats-full and groups-missing".to_owned())
}

impl Args {
    /// Where the demo listens: loopback, whatever is asked.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// What a newcomer reads: the addresses, whom to pick first, and what to try.
    #[must_use]
    pub fn greeting(&self, demo: &Demo) -> String {
        let (app, auth, idp) = (demo.app_url(), demo.auth_url(), demo.idp_url());
        let what =
            self.upstream.as_ref().map_or_else(|| "the sample app: start here".to_owned(), |url| format!("your app at {url}: start here"));
        let scenario = self.scenario.notice().map(|notice| format!("\n{notice}\n")).unwrap_or_default();
        format!(
            "Usher demo, on this machine only; nothing is kept.

  {app}   {what}
  {auth}  sign-in
  {idp}   the demo identity provider: twelve people, six groups, no passwords
{scenario}
Try this:
  1. Open the app, choose SAML or OpenID Connect, pick Ada: Admin with a Premium seat, because app-admins and design.
  2. Sign out and pick Noah: he is in no group, and reads why he is not let in.
  3. Come back as Ada over the other protocol: the same member.
  4. curl -i {app}/api/hello: a program gets 401 and an address to sign in at.

Stop with Ctrl-C."
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser;

    use super::*;
    use crate::clock::SystemClock;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Line::try_parse_from([&["usher"], arguments].concat()).map(|line| line.args)
    }

    #[test]
    fn without_arguments_the_demo_is_at_port_8080_of_loopback() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.address(), "127.0.0.1:8080".parse().unwrap());
        let demo = Demo::new(args.address(), args.scenario, Arc::new(SystemClock)).unwrap();
        let greeting = args.greeting(&demo);
        for shown in ["http://app.localhost:8080", "http://auth.localhost:8080", "http://idp.localhost:8080", "pick Ada", "pick Noah"] {
            assert!(greeting.contains(shown), "{shown}");
        }
    }

    #[test]
    fn an_upstream_is_an_origin_over_http() {
        assert!(parse(&["--upstream", "http://127.0.0.1:3000"]).is_ok());
        for bad in ["127.0.0.1:3000", "https://app.example", "http://127.0.0.1:3000/path", "http://u@127.0.0.1", "file:///etc"] {
            assert!(parse(&["--upstream", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scenario_is_one_that_exists() {
        assert_eq!(parse(&["--scenario", "seats-full"]).unwrap().scenario, Scenario::SeatsFull);
        assert!(parse(&["--scenario", "nonsense"]).is_err());
        assert!(parse(&["--port", "0"]).is_err());
    }
}
