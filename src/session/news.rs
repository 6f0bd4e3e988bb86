//! What the nodes tell each other: that sessions ended, a member changed, the settings changed.
//!
//! A message that is lost costs time, not safety: what a node keeps counts for seconds only, and then the stores are asked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;

use super::{SessionKey, Sessions};
use crate::core::{OrganizationId, PersonId, describe};
use crate::store::ephemeral::Published;

/// One message.
#[derive(Debug, Serialize, Deserialize)]
struct Message {
    /// Who says it: what a node says itself, it knows.
    from: String,
    news: News,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum News {
    /// These sessions are over.
    Ended(Vec<SessionKey>),
    /// This member changed.
    Member(OrganizationId, PersonId),
    /// The settings changed.
    Settings,
}

impl Sessions {
    /// Tells the other nodes. That nobody hears it is no error here.
    pub(super) async fn tell(&self, news: News) {
        let message = Message { from: self.node.clone(), news };
        let told = match serde_json::to_vec(&message) {
            Ok(message) => self.ephemeral.publish(message.into()).await,
            Err(error) => {
                return tracing::error!(error = describe(&error), "a message to the other nodes cannot be written");
            }
        };
        if let Err(error) = told {
            tracing::warn!(error = describe(&error), "the other nodes were not told; they find out within seconds");
        }
    }

    /// The same for callers that do not wait.
    pub(super) fn tell_in_passing(self: &Arc<Self>, news: News) {
        let sessions = Arc::clone(self);
        tokio::spawn(async move { sessions.tell(news).await });
    }

    /// Hears what other nodes say and forgets what it is about, for ever. Without this, only the age of what is kept makes a node ask.
    pub async fn listen(self: Arc<Self>) {
        let mut published = self.ephemeral.subscribe();
        loop {
            match published.recv().await {
                Ok(Published::Message(bytes)) => match serde_json::from_slice::<Message>(&bytes) {
                    Ok(message) if message.from == self.node => {}
                    Ok(message) => self.hear(message.news),
                    // A node of a newer version may say more.
                    Err(_) => self.forget_all(),
                },
                Ok(Published::Gap) | Err(RecvError::Lagged(_)) => self.forget_all(),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn hear(&self, news: News) {
        match news {
            News::Ended(keys) => {
                for key in keys {
                    self.forget(key);
                }
            }
            News::Member(organization, person) => self.forget_member(&organization, person),
            News::Settings => {
                self.forget_settings();
                self.settings_changed.notify_one();
            }
        }
    }

    /// Messages may have been missed: nothing that is kept counts before it was confirmed again.
    fn forget_all(&self) {
        self.doubt();
        self.members.doubt();
        self.streams.look_again_all();
        self.settings_changed.notify_one();
    }

    /// Waits until another node says that the settings changed.
    pub async fn settings_changed(&self) {
        self.settings_changed.notified().await;
    }
}
