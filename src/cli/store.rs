//! `usher store`: the database as a whole.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{Context, Failure, database, output};
use crate::config::{self, Config, Database};
use crate::store::portable::{self, Portable, Sent};
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;

/// What can be done.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Copy everything into another database, which must be empty. As a whole or not at all; compared at the end.
    Copy(CopyArgs),
}

/// Arguments of `usher store copy`.
#[derive(Debug, clap::Args)]
pub struct CopyArgs {
    /// Where everything is now: `sqlite` (in the data folder), `sqlite:PATH`, or `postgres://…`; `env:NAME` and `file:PATH` say where the address stands.
    #[arg(long, value_name = "DATABASE")]
    from: String,
    /// Where it goes, in the same forms.
    #[arg(long, value_name = "DATABASE")]
    to: String,
    /// The configuration of the process, for its data folder.
    #[arg(long, value_name = "FILE", default_value = "usher.toml")]
    config: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Copy(args) => args.run(context).await,
        }
    }
}

impl CopyArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (from, to) = (self.place(&self.from, context)?, self.place(&self.to, context)?);
        if from == to {
            return Err(Failure::Usage("--from and --to are the same database".to_owned()));
        }
        if let Place::Sqlite(path) = &from
            && !path.exists()
        {
            return Err(Failure::Failed(anyhow::anyhow!("there is no database at {}", path.display())));
        }
        let (source, target) = (from.open().await?, to.open().await?);
        let (bar, all) = (output::Progress::of("rows"), source.count_rows().await?);
        let copied = portable::copy(source.as_ref(), target.as_ref(), |sent| match sent {
            Sent::Rows(rows) => bar.show(rows, all),
            Sent::All => bar.show_last("comparing"),
        })
        .await;
        bar.done();
        let tables = copied?;
        let rows: u64 = tables.iter().map(|table| table.rows).sum();
        if self.json {
            output::json(&json!({ "rows": rows, "tables": tables }))?;
        } else {
            for table in tables.iter().filter(|table| table.rows > 0) {
                output::data(&format!("{:>10}  {}", table.rows, table.table))?;
            }
        }
        let next = match to {
            Place::Sqlite(path) => format!("it is in {}", path.display()),
            Place::Postgres(_) => "set `database` in usher.toml to the new address, then: usher check".to_owned(),
        };
        output::talk(&format!("Copied and compared: {rows} rows, the audit log's chain, seats. Next: {next}"));
        Ok(())
    }

    fn place(&self, text: &str, context: &Context) -> Result<Place, Failure> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Place::Sqlite(path.into()));
        }
        match config::parse_database(text, &context.env).map_err(Failure::Usage)? {
            Database::Sqlite => {
                let config: Config = config::load(&self.config, &context.env)?;
                Ok(Place::Sqlite(database::file(&config)))
            }
            Database::Postgres(url) => Ok(Place::Postgres(url.reveal().to_owned())),
        }
    }
}

/// A database, before it is opened.
#[derive(PartialEq, Eq)]
enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Place {
    async fn open(&self) -> Result<Arc<dyn Portable>, Failure> {
        Ok(match self {
            Self::Sqlite(path) => {
                if let Some(folder) = path.parent() {
                    database::create_data_dir(folder)?;
                }
                Arc::new(SqliteStore::open(path).await?)
            }
            Self::Postgres(url) => Arc::new(PostgresStore::open(url).await?),
        })
    }
}
