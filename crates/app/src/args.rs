//! The command line.

use crate::{bench, catalog, client, config, run};
use clap::{Args as ClapArgs, Parser, Subcommand};
use helios_contract::Result;
use std::path::PathBuf;
use std::process::ExitCode;

/// Turns event streams into SQL tables you can question seconds later.
#[derive(Debug, Parser)]
#[command(name = "helios", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Run(ServerArgs),
    /// Start the server with a made-up shop stream
    Demo(ServerArgs),
    /// Run SQL statements, or start a prompt when none are given
    Sql(client::sql::SqlArgs),
    /// Load a file into a stream, exactly once however often it is repeated
    Load(client::load::LoadArgs),
    /// Print rows of a stream as they become visible
    Tail(client::tail::TailArgs),
    /// Recount everything stored and compare it with the ledger
    Verify(client::verify::VerifyArgs),
    /// Look at records that did not fit, discard them or replay them
    Quarantine(client::quarantine::QuarantineArgs),
    /// Measure ingest, freshness and queries on this machine
    Bench(bench::BenchArgs),
    /// Look after the catalog of a data directory
    Catalog(catalog::CatalogArgs),
    /// Print every setting with its default, as a file for --config
    Config,
}

/// How to start a server.
#[derive(Debug, Clone, ClapArgs)]
pub struct ServerArgs {
    /// Directory that holds everything Helios stores
    #[arg(long, value_name = "DIR", env = "HELIOS_DATA", default_value = "helios-data")]
    pub data: PathBuf,
    /// Address to listen on; any address but loopback demands a token
    #[arg(long, value_name = "ADDR", env = "HELIOS_LISTEN", default_value = "127.0.0.1:4321")]
    pub listen: String,
    /// File with settings that differ from the defaults (see `helios config`)
    #[arg(long, value_name = "FILE", env = "HELIOS_CONFIG")]
    pub config: Option<PathBuf>,
    /// How logs are written
    #[arg(long, value_name = "FORMAT", env = "HELIOS_LOG_FORMAT", default_value = "text")]
    pub log_format: crate::log::LogFormat,
    /// Which logs are written: a level, or `target=level` pairs
    #[arg(long, value_name = "FILTER", env = "HELIOS_LOG", default_value = "info")]
    pub log: String,
}

impl Args {
    /// Does what the arguments say.
    ///
    /// # Errors
    /// Whatever the command failed at.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Run(args) => run::run(&args, run::Demo::Off)?,
            Command::Demo(args) => run::run(&args, run::Demo::On)?,
            Command::Sql(args) => client::sql::run(args)?,
            Command::Load(args) => client::load::run(args)?,
            Command::Tail(args) => client::tail::run(args)?,
            Command::Verify(args) => return client::verify::run(args),
            Command::Quarantine(args) => client::quarantine::run(args)?,
            Command::Bench(args) => bench::run(args)?,
            Command::Catalog(args) => catalog::run(args)?,
            Command::Config => print!("{}", config::DEFAULT_TOML),
        }
        Ok(ExitCode::SUCCESS)
    }
}
