//! Seats, if everyone signed in.

use serde::Serialize;

use super::{Actor, Admin, AdminError, Permission};
use crate::core::preview::{Forecast, TierForecast};
use crate::store::StoreError;

/// Members that are read at a time.
const PAGE: u32 = 500;

/// How many seats there would have to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeatForecast {
    /// By tier, highest first.
    pub tiers: Vec<TierForecast>,
    /// Members who were looked at.
    pub members: u64,
    /// People who were looked at and are no members: who asked, or waits for a seat.
    pub strangers: usize,
}

impl Admin {
    /// "If everyone in the mapped groups signs in": every member with the groups last seen, whoever was refused and waits, and seats held by invites. Reads
    /// every member, so for many it takes seconds.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::NoSuch`], [`AdminError::Store`].
    pub async fn forecast_seats(&self, actor: &Actor) -> Result<SeatForecast, AdminError> {
        actor.need(Permission::MembersRead)?;
        let no_organization = || AdminError::NoSuch("organization");
        let (now, settings) = (self.clock.now(), self.store.find_settings().await?.ok_or_else(no_organization)?.settings);
        let organization = settings.find_organization(&actor.organization).ok_or_else(no_organization)?;
        let scene = self.store.load_scene(organization, organization, now).await?;
        let members = scene.members;
        let mut forecast = Forecast::new(&settings, &organization.id, scene, now).ok_or_else(no_organization)?;
        let mut page = self.store.list_preview_members(&organization.id, None, PAGE).await?;
        while let Some(last) = page.last().map(|member| member.person.id) {
            // Off this thread, which serves everyone else meanwhile.
            let asking = tokio::task::spawn_blocking(move || {
                for member in &page {
                    forecast.add(member);
                }
                forecast
            });
            let (asked, next) = tokio::join!(asking, self.store.list_preview_members(&organization.id, Some(last), PAGE));
            forecast = asked.map_err(|error| StoreError::Unavailable(error.into()))?;
            page = next?;
        }
        let requests = self.store.list_requests(&organization.id, now).await?;
        for request in &requests {
            forecast.add_stranger(&request.identity);
        }
        for tier in self.look_at_seats(actor).await? {
            forecast.hold(&tier.tier, tier.held);
        }
        Ok(SeatForecast { tiers: forecast.finish(), members, strangers: requests.len() })
    }
}
