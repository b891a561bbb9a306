//! `helios catalog`: looks after the catalog of a data directory while no server holds it.

use crate::{config, run};
use clap::{Args, Subcommand};
use helios_contract::{Error, Result};
use std::path::PathBuf;

/// Arguments of `helios catalog`.
#[derive(Debug, Args)]
pub struct CatalogArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recover the catalog from the Parquet files alone
    ///
    /// Rows that were not yet in a Parquet file are gone with the old catalog; Kafka streams read them again from where
    /// the files end. The old catalog, if there is one, is kept beside the new one.
    Rebuild {
        /// Directory that holds everything Helios stores
        #[arg(long, value_name = "DIR", env = "HELIOS_DATA", default_value = "helios-data")]
        data: PathBuf,
    },
}

/// What no data file tells.
const ONLY_IN_CATALOG: &str = "the history of definitions and of schema changes, the answers to repeated pushes, \
    and saved queries, links and drafts of the web app, if there were any";

/// Runs `helios catalog`.
///
/// # Errors
/// `Conflict` when a server holds the directory; `Corrupt` for files that cannot be read.
pub fn run(args: CatalogArgs) -> Result<()> {
    let Command::Rebuild { data } = args.command;
    if !data.is_dir() {
        return Err(Error::not_found(format!("there is no data directory {}", data.display())).hint("Name one with --data."));
    }
    let mut config = config::Config::default();
    run::place(&mut config, &data);
    let parts = run::parts(&data)?;
    let lake_parts = helios_lake::Parts {
        clock: parts.clock,
        store: parts.store,
        faults: parts.faults,
        backfill: helios_ingest::decode::backfill,
        metrics: prometheus::Registry::new(),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Error::unavailable("cannot start the runtime").because(e))?;
    let rebuilt = runtime.block_on(helios_lake::rebuild(config.lake, lake_parts))?;
    println!("recovered {} streams, {} files, {} rows", rebuilt.n_streams, rebuilt.n_files, rebuilt.n_rows);
    rebuilt.set_aside.iter().for_each(|file| println!("set aside: {file}"));
    rebuilt.lost.iter().for_each(|what| println!("not recovered: {what}"));
    println!("not recovered: {ONLY_IN_CATALOG}");
    Ok(())
}
