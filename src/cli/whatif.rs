//! `usher whatif`: what would happen at a login. Nothing is written.

use serde_json::json;

use super::database::{self, Installation};
use super::{Context, Failure, output};
use crate::core::provision::{Facts, decide};
use crate::core::{Connection, ConnectionId, EmailAddress, GroupClaim, Identity, Settings, explain};
use crate::store::FactsQuery;

/// A subject that no provider sends: it stands for somebody who was never here.
const STRANGER: &str = "usher-whatif";

/// Arguments of `usher whatif`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Through this connection.
    #[arg(long, value_name = "ID")]
    connection: String,
    /// With these groups, exactly as the provider sends them. An empty text is an empty claim; without the option the claim is missing.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    groups: Option<Vec<String>>,
    /// Somebody with this address; without it, a newcomer with an address in the connection's domain.
    #[arg(long, value_name = "EMAIL", value_parser = |text: &str| EmailAddress::parse(text).map_err(|error| error.to_string()))]
    email: Option<EmailAddress>,
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
        let mut identity = self.identity(connection)?;
        let now = context.clock.now();
        let mut facts = store.load_facts(FactsQuery { organization: &organization.id, identity: &identity, now }).await?;
        // Somebody who has a link comes with the subject that the link names.
        if let Some(subject) = known_subject(&facts, &connection.id) {
            identity.subject = subject;
            facts = store.load_facts(FactsQuery { organization: &organization.id, identity: &identity, now }).await?;
        }
        let decision = decide(&facts, &identity, now);
        let explanation = explain(&decision);
        if self.json {
            output::json(&json!({"identity": identity, "decision": decision, "explanation": explanation}))?;
        } else {
            let who = identity.email.as_ref().map_or(STRANGER, EmailAddress::as_str);
            output::data(&format!(
                "{who} through {} into {}: {}\n{}",
                connection.id,
                organization.name,
                explanation.reason,
                super::explain::describe(&explanation)
            ))?;
        }
        output::talk("Nothing was written. Next: usher explain EMAIL says why somebody has what they have");
        Ok(())
    }

    fn identity(&self, connection: &Connection) -> Result<Identity, Failure> {
        let somebody = || connection.domains.first().and_then(|domain| EmailAddress::parse(&format!("newcomer@{domain}")).ok());
        let groups = match &self.groups {
            None => GroupClaim::Absent,
            Some(groups) => GroupClaim::from_values(groups),
        };
        let email = self.email.clone().or_else(somebody);
        let email = email.ok_or_else(|| Failure::Usage("the connection has no domain: say --email".to_owned()))?;
        let (connection, subject) = (connection.id.clone(), STRANGER.to_owned());
        Ok(Identity { connection, subject, email: Some(email), name: None, groups, idp_initiated: false })
    }
}

fn find_connection<'s>(settings: &'s Settings, wanted: &str) -> Result<&'s Connection, Failure> {
    let found = ConnectionId::parse(wanted).ok().and_then(|id| settings.find_connection(&id));
    found.ok_or_else(|| {
        let known: Vec<&str> = settings.connections.iter().map(|connection| connection.id.as_str()).collect();
        Failure::Usage(format!("there is no connection {wanted:?}; there is {}", known.join(", ")))
    })
}

fn known_subject(facts: &Facts, connection: &ConnectionId) -> Option<String> {
    let [known] = facts.same_email.as_slice() else { return None };
    known.links.iter().find(|link| &link.connection == connection).map(|link| link.subject.clone())
}
