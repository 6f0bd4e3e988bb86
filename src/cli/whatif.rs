//! `usher whatif`: what would happen at a login. Nothing is written.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::database::{self, Installation};
use super::{Context, Failure, output};
use crate::admin::Hypothesis;
use crate::core::{Connection, ConnectionId, EmailAddress, GroupClaim, Protocol, Settings};
use crate::doors::read_pasted;

/// A file is read no further: longer than any message that is looked at.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Arguments of `usher whatif`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Through this connection.
    #[arg(long, value_name = "ID")]
    connection: String,
    /// With these groups, exactly as the provider sends them. An empty text is an empty claim; without the option the claim is missing.
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with_all = ["token", "saml"])]
    groups: Option<Vec<String>>,
    /// Somebody with this address; without it, a newcomer with an address in the connection's domain.
    #[arg(long, value_name = "EMAIL", value_parser = |text: &str| EmailAddress::parse(text).map_err(|error| error.to_string()),
        conflicts_with_all = ["token", "saml"])]
    email: Option<EmailAddress>,
    /// What the ID token in this file says; "-" reads it from stdin. It is read, not verified: it is no login.
    #[arg(long, value_name = "FILE", conflicts_with = "saml")]
    token: Option<PathBuf>,
    /// What the SAML response in this file says, as XML or in base64; "-" reads it from stdin. It is read, not verified: it is no login.
    #[arg(long, value_name = "FILE")]
    saml: Option<PathBuf>,
    /// Into this organization.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Args {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (store, stored) = self.installation.open(context).await?;
        let organization = database::organization(&stored.settings, self.organization.as_deref())?;
        let connection = find_connection(&stored.settings, &self.connection)?;
        let hypothesis = self.hypothesis(connection)?;
        let pasted = matches!(hypothesis, Hypothesis::Pasted(_));
        let answer = database::admin(store).what_if(&database::operator(organization.id.clone()), hypothesis).await?;
        if self.json {
            output::json(&answer)?;
        } else {
            let identity = &answer.identity;
            let who = identity.email.as_ref().map_or(identity.subject.as_str(), EmailAddress::as_str);
            output::data(&format!(
                "{who} through {} into {}: {}\n{}",
                connection.id,
                organization.name,
                answer.explanation.reason,
                super::explain::describe(&answer.explanation)
            ))?;
        }
        if pasted {
            output::talk("The message was read, NOT verified: neither its signature, nor for whom and when it was made were checked.");
        }
        output::talk("Nothing was written. Next: usher explain EMAIL says why somebody has what they have");
        Ok(())
    }

    fn hypothesis(&self, connection: &Connection) -> Result<Hypothesis, Failure> {
        let path = match (&self.token, &self.saml, &connection.protocol) {
            (None, None, _) => {
                let groups = self.groups.as_ref().map_or(GroupClaim::Absent, GroupClaim::from_values);
                return Ok(Hypothesis::Groups { connection: connection.id.clone(), email: self.email.clone(), groups });
            }
            (Some(path), _, Protocol::Oidc(_)) | (None, Some(path), Protocol::Saml(_)) => path,
            (Some(_), ..) => return Err(Failure::Usage(format!("{} speaks SAML: say --saml FILE", connection.id))),
            (None, Some(_), _) => return Err(Failure::Usage(format!("{} speaks OpenID Connect: say --token FILE", connection.id))),
        };
        let unreadable = |why: String| Failure::Failed(anyhow::anyhow!("{} cannot be read: {why}", path.display()));
        Ok(Hypothesis::Pasted(read_pasted(connection, &read(path)?).map_err(unreadable)?))
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MAX_FILE_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
    };
    read.with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text)
}

fn find_connection<'s>(settings: &'s Settings, wanted: &str) -> Result<&'s Connection, Failure> {
    let found = ConnectionId::parse(wanted).ok().and_then(|id| settings.find_connection(&id));
    found.ok_or_else(|| {
        let known: Vec<&str> = settings.connections.iter().map(|connection| connection.id.as_str()).collect();
        Failure::Usage(format!("there is no connection {wanted:?}; there is {}", known.join(", ")))
    })
}
