//! `usher keys`: new keys, without signing anyone out.

use super::database::Installation;
use super::{Context, Failure, output};
use crate::config;
use crate::gateway::{add_sp_key, load_or_make_sp_keys, switch_sp_keys};
use crate::proxy::IdentityKeys;

/// What can be done.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Change a key. What was signed with the one before stays good.
    Rotate(RotateArgs),
}

/// Arguments of `usher keys rotate`.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// Which key.
    #[arg(value_enum)]
    which: Which,
    /// Sign with the SAML key that was made before, now that every provider knows it.
    #[arg(long)]
    switch: bool,
    #[command(flatten)]
    installation: Installation,
}

/// The keys that Usher has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Signs the tokens that apps receive.
    Identity,
    /// Signs SAML requests and opens encrypted assertions.
    Saml,
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Rotate(args) => args.run(context),
        }
    }
}

impl RotateArgs {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let config = config::load(&self.installation.config, &context.env)?;
        let said = match self.which {
            Which::Identity if self.switch => return Err(Failure::Usage("--switch is for the SAML key".to_owned())),
            Which::Identity => {
                let keys = IdentityKeys::rotate(&config.data_dir).map_err(anyhow::Error::from)?;
                output::data(&keys.id_in_use())?;
                "The key that was published as the next one signs now, and a new next one is published."
            }
            Which::Saml if self.switch => {
                if !switch_sp_keys(&config.data_dir).map_err(anyhow::Error::from)? {
                    let next = "`usher keys rotate saml` makes one, which providers have to know first";
                    return Err(Failure::Refused(format!("there is no second SAML key to sign with; {next}")));
                }
                "The second SAML key signs now. The first one still opens what providers encrypt for it, until the next key is made."
            }
            Which::Saml => {
                let host = config.public_url.host_str().unwrap_or_default();
                load_or_make_sp_keys(&config.data_dir, host, context.clock.now()).map_err(anyhow::Error::from)?;
                add_sp_key(&config.data_dir, host, context.clock.now()).map_err(anyhow::Error::from)?;
                "A second SAML key stands in Usher's metadata, and opens what is encrypted for it. Give providers the metadata anew, then: usher keys rotate saml --switch"
            }
        };
        output::talk(said);
        output::talk("Next: copy the files of keys to every other node, then reload each (SIGHUP, `systemctl reload usher`).");
        Ok(())
    }
}
