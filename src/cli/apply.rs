//! `usher apply`: organization as code, after a review.

use std::path::PathBuf;

use super::database::{self, Installation};
use super::{Context, Failure, output, review};
use crate::admin::settings::{Confirmations, Review, SettingsChange};
use crate::admin::{Actor, Admin};
use crate::config;
use crate::core::Settings;
use crate::store::StoredSettings;

/// Arguments of `usher apply`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The org.toml.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the review and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on only if the review still has this id: what was reviewed is what is applied, also when many people lose access by it.
    #[arg(long, value_name = "REVIEW")]
    expect: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Args {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (settings, warnings) = config::org::load(&self.file, &context.env)?;
        if !warnings.is_empty() {
            output::talk_styled(&format!("{}\n", config::render_all(&warnings, true)));
        }
        let admin = self.installation.admin_or_create(context).await?;
        let actor = database::operator_of_all(&settings)?;
        let progress = output::Progress::of("members");
        let review =
            admin.review_settings(&actor, &SettingsChange::All(Box::new(settings)), &|at| progress.show(at.done, at.total)).await?;
        progress.done();
        review::print(&review, self.json)?;
        refuse_lockouts(&review)?;
        if self.expect.as_ref().is_some_and(|expected| expected != &review.id) {
            let message = format!("the review is now {}: the file or what is stored has changed since", review.id);
            return Err(Failure::Refused(message));
        }
        if self.dry_run {
            let file = self.file.display();
            output::talk(&format!("Nothing was changed. Next: usher apply {file} --expect {}", review.id));
            return Ok(());
        }
        if let Some(count) = review.needs.lose_access.filter(|_| self.expect.is_none()) {
            let (file, id) = (self.file.display(), &review.id);
            let message = format!("{count} people may lose access; if that is meant, say so with: usher apply {file} --expect {id}");
            return Err(Failure::Refused(message));
        }
        let saved = save(&admin, &actor, &review).await?;
        output::talk(&format!(
            "Applied, revision {}. Roles and seats follow at each person's next login. Next: usher serve",
            saved.revision
        ));
        Ok(())
    }
}

/// Makes settings of a file those of the store, unless an organization would be left without anyone to administer it.
pub(super) async fn save_unless_locked_out(admin: &Admin, settings: Settings) -> Result<StoredSettings, Failure> {
    let actor = database::operator_of_all(&settings)?;
    let review = admin.review_settings(&actor, &SettingsChange::All(Box::new(settings)), &|_| ()).await?;
    refuse_lockouts(&review)?;
    save(admin, &actor, &review).await
}

/// The operator has no administration to lose: what is refused here is refused to everybody.
fn refuse_lockouts(review: &Review) -> Result<(), Failure> {
    if review.objections.is_empty() {
        return Ok(());
    }
    let sentences: Vec<&str> = review.objections.iter().map(|objection| objection.sentence.as_str()).collect();
    Err(Failure::Refused(sentences.join("; ")))
}

async fn save(admin: &Admin, actor: &Actor, review: &Review) -> Result<StoredSettings, Failure> {
    let confirmations = Confirmations { lose_access: review.needs.lose_access, ..Confirmations::default() };
    Ok(admin.save_reviewed(actor, review, &confirmations).await?.stored)
}
