//! What a new cluster is asked before anything depends on it: reach, TLS, login, version, database, rights.

use crate::said::{Remedy, is_away, remedy};
use crate::server::{Server, since};
use crate::table::{engine, on_cluster, remote};
use crate::types::text;
use helios_contract::cluster::{Finding, RemoteName};
use helios_contract::error::Result;
use std::sync::Arc;
use std::time::Duration;

/// How long the hosts of a cluster may take with the table of the check.
const EVERYWHERE_WITHIN: Duration = Duration::from_secs(5);

/// Looks at a cluster; what is missing but not needed by everybody is a finding, not an error.
///
/// # Errors
/// `Unavailable` when none of its hosts can be reached; `Invalid` when it refuses the login or is too old; `NotFound` for the
/// database.
pub(crate) async fn check(server: &Arc<Server>, scratch: String) -> Result<Vec<Finding>> {
    let mut findings = reach(server).await?;
    let version = server.version().await?;
    let access = &server.access;
    findings.push(Finding::ok("login", access.user.clone()));
    findings.push(Finding::ok("version", server.health().version));
    if version < since::TOKENS {
        let wanted = format!("{}.{}", since::TOKENS.0, since::TOKENS.1);
        findings.push(Finding::note(
            "version",
            format!("before {wanted} the server does not know blocks it took before; rows are counted instead, after any doubt"),
        ));
    }
    findings.push(Finding::ok("database", access.database.clone()));
    if let Some(cluster) = &access.cluster {
        let known = format!("SELECT cluster FROM system.clusters WHERE cluster = {} LIMIT 1", text(cluster));
        if server.texts(known).await?.is_empty() {
            findings.push(Finding::missing("cluster", format!("the server knows no cluster {cluster} for ON CLUSTER")));
            return Ok(findings);
        }
        findings.push(Finding::ok("cluster", cluster.clone()));
    } else if access.hosts.len() > 1 {
        let about = "without the option cluster, sinks need a table that was made on every host before, as ReplicatedMergeTree";
        findings.push(Finding::note("cluster", about));
    }
    findings.extend(rights(server, scratch, version).await?);
    Ok(findings)
}

/// Asks each host; one that answers is enough.
async fn reach(server: &Arc<Server>) -> Result<Vec<Finding>> {
    let (mut findings, mut silent) = (Vec::new(), Vec::new());
    let hosts = &server.access.hosts;
    for (turn, host) in hosts.iter().enumerate() {
        match server.texts_of("SELECT version()".to_owned(), turn).await {
            Ok(_) => findings.push(Finding::ok("reach", host.clone())),
            Err(error) if is_away(&error) => {
                findings.push(Finding::missing("reach", error.to_string()));
                silent.push(error);
            }
            Err(error) => return Err(error),
        }
    }
    if silent.len() == hosts.len() {
        return Err(server.nobody(silent));
    }
    if hosts.iter().any(|host| host.starts_with("https://")) {
        findings.push(Finding::ok(
            "tls",
            match &server.access.ca_location {
                Some(path) => format!("certificates are vouched for by {path}"),
                None => "certificates are vouched for by the authorities that everybody trusts".to_owned(),
            },
        ));
    }
    Ok(findings)
}

/// Tries, with a table of its own, what a sink will do.
async fn rights(server: &Arc<Server>, scratch: String, version: (u32, u32)) -> Result<Vec<Finding>> {
    let name = RemoteName { database: server.access.database.clone(), table: scratch };
    let (table, everywhere) = (remote(&name), on_cluster(server));
    let engine = engine(server, None, &name, version);
    let steps = [
        ("CREATE TABLE", format!("CREATE TABLE {table}{everywhere} (n Int64) ENGINE = {engine} ORDER BY n")),
        ("INSERT", format!("INSERT INTO {table} SELECT 1")),
        ("SELECT", format!("SELECT count() FROM {table}")),
        ("ALTER", format!("ALTER TABLE {table}{everywhere} ADD COLUMN m Int64")),
        ("DROP TABLE", format!("DROP TABLE {table}{everywhere}")),
    ];
    let mut findings = Vec::new();
    for (right, sql) in steps {
        let done = match right {
            "INSERT" | "SELECT" => server.tell(sql).await.map(|()| None),
            _ => server.tell_everywhere(sql, EVERYWHERE_WITHIN).await,
        };
        match done {
            Ok(later) => {
                findings.push(Finding::ok("rights", right));
                findings.extend(later.map(|later| Finding::note("cluster", format!("{right}: {later}"))));
            }
            Err(error) if remedy(&error) == Remedy::Retry => return Err(error),
            Err(error) => {
                findings.push(Finding::missing("rights", format!("{right}: {}; a sink needs it", error.message())));
                if right == "CREATE TABLE" {
                    break;
                }
            }
        }
    }
    Ok(findings)
}
