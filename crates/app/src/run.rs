//! The server process: takes the data directory, listens, runs until it is told to stop, and stops cleanly.

use crate::args::ServerArgs;
use crate::config::Config;
use crate::system::{SystemClock, SystemSecrets};
use crate::{config, log, token, wire};
use helios_contract::fault::Faults;
use helios_contract::stream::{StreamCommand, StreamControl, StreamDefinition};
use helios_contract::{Clock, Error, Result, StreamName};
use object_store::local::LocalFileSystem;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tracing::{info, warn};

/// Whether to create the made-up shop stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demo {
    /// Create the stream `shop` unless it is there.
    On,
    /// Leave streams as they are.
    Off,
}

/// The stream that `helios demo` creates.
pub const DEMO_STREAM: &str = "shop";

/// What a statement at the limits of depth takes to be planned in an unoptimised build, four times over. Only what is used
/// is backed by memory.
const THREAD_STACK_BYTES: usize = 32 << 20;

/// Runs the server until SIGTERM or Ctrl-C.
///
/// # Errors
/// Whatever kept it from starting, or from committing what was open at the end.
pub fn run(args: &ServerArgs, demo: Demo) -> Result<()> {
    log::start(args.log_format, &args.log)?;
    let config = config::load(args.config.as_deref())?;
    let main = runtime("helios", None)?;
    // A thread for each part of each query that may run: however long one computes, the cores are shared out.
    let queries = runtime("helios-query", Some(config.query.n_queries * config.query.n_partitions))?;
    let outcome = main.block_on(serve(config, args, demo, queries.handle().clone()));
    // A query that computes and does not look up must not hold up the end.
    queries.shutdown_background();
    outcome
}

/// As many threads as cores unless it is said how many.
fn runtime(name: &str, n_threads: Option<usize>) -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(n) = n_threads {
        builder.worker_threads(n.max(1));
    }
    builder
        .enable_all()
        .thread_name(name)
        .thread_stack_size(THREAD_STACK_BYTES)
        .build()
        .map_err(|e| Error::unavailable("cannot start the runtime").because(e))
}

async fn serve(mut config: Config, args: &ServerArgs, demo: Demo, queries: Handle) -> Result<()> {
    let address = resolve(&args.listen).await?;
    prepare(&args.data)?;
    place(&mut config, &args.data);
    let new_token = if is_local(address.ip()) {
        None
    } else {
        let token = token::load_or_create(&args.data)?;
        config.serve.token_sha256 = Some(token.sha256);
        config.serve.allowed_hosts = None;
        token.new
    };
    let parts = wire::Parts { query_runtime: Some(queries), ..parts(&args.data)? };
    let server = wire::start(&config, parts.clone()).await?;
    let listener = TcpListener::bind(address).await.map_err(|e| {
        Error::unavailable(format!("cannot listen on {address}")).because(e).hint("Choose another address with --listen.")
    })?;
    if demo == Demo::On {
        create_demo(server.ingest.as_ref(), &*parts.clock).await?;
    }
    let bound = listener.local_addr().map_err(|e| Error::internal("cannot read the bound address").because(e))?;
    greet(bound, &args.data, new_token.as_deref());
    let served = helios_serve::serve(listener, server.router.clone(), stopped()).await;
    info!("stopping: committing what is open");
    server.stop().await?;
    info!("stopped");
    served
}

/// Everything that the real machine provides, for a data directory that exists.
///
/// # Errors
/// `Unavailable` when the directory for Parquet files cannot be used.
pub fn parts(data: &Path) -> Result<wire::Parts> {
    let files = data.join("data");
    let store = LocalFileSystem::new_with_prefix(&files)
        .map_err(|e| Error::unavailable(format!("cannot use {}", files.display())).because(e))?
        .with_automatic_cleanup(true);
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::unavailable(format!("the system gives no randomness: {e}")))?;
    Ok(wire::Parts {
        clock: Arc::new(SystemClock),
        store: Arc::new(store),
        secrets: Arc::new(SystemSecrets { dir: data.join("secrets") }),
        wire: Arc::new(helios_sink::wire::Http::default()),
        faults: Faults::default(),
        query_runtime: None,
        seed,
    })
}

/// Creates the data directory if it is missing.
///
/// # Errors
/// `Unavailable` saying which directory could not be created.
pub fn prepare(data: &Path) -> Result<()> {
    let files = data.join("data");
    std::fs::create_dir_all(&files).map_err(|e| {
        Error::unavailable(format!("cannot create the data directory {}", data.display()))
            .because(e)
            .hint("Choose a directory you may write to with --data.")
    })
}

/// Tells every part where in the data directory it lives.
pub fn place(config: &mut Config, data: &Path) {
    config.lake.dir = data.to_path_buf();
    config.lake.local_data_dir = Some(data.join("data"));
    config.query.spill_dir = Some(data.join("spill"));
}

async fn resolve(listen: &str) -> Result<SocketAddr> {
    let invalid = || Error::invalid(format!("cannot listen on '{listen}'")).hint("Write HOST:PORT, such as 127.0.0.1:4321.");
    let mut found = tokio::net::lookup_host(listen).await.map_err(|e| invalid().because(e))?;
    found.next().ok_or_else(invalid)
}

fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback()
}

async fn create_demo(control: &dyn StreamControl, clock: &dyn Clock) -> Result<()> {
    let definition: StreamDefinition = helios_ingest::source::demo::definition(StreamName::new(DEMO_STREAM)?);
    let started = clock.now();
    control.apply(StreamCommand::Create { definition: Box::new(definition), if_not_exists: true }).await?;
    info!(stream = DEMO_STREAM, ready_ms = clock.now().since(started).as_millis(), "made-up shop stream is running");
    Ok(())
}

// On standard output, and only this: a script may read it.
fn greet(address: SocketAddr, data: &Path, token: Option<&str>) {
    println!("Helios is ready at http://{address} (data in {}; Ctrl-C stops it)", data.display());
    if let Some(token) = token {
        println!("Access token, shown only this once: {token}");
    }
}

async fn stopped() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            warn!(%error, "cannot listen for SIGTERM; only Ctrl-C stops the server");
            return wait_for_interrupt().await;
        }
    };
    tokio::select! {
        biased;
        _ = terminate.recv() => {}
        () = wait_for_interrupt() => {}
    }
}

async fn wait_for_interrupt() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        warn!(%error, "cannot listen for Ctrl-C");
        std::future::pending::<()>().await;
    }
}
