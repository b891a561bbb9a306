//! What a new cluster is asked before anything depends on it: reach, login, version, database, rights.

use crate::server::{Server, since};
use crate::table::remote;
use crate::types::text;
use helios_contract::cluster::{Finding, RemoteName};
use helios_contract::error::Result;
use std::sync::Arc;

/// Looks at a cluster; what is missing but not needed by everybody is a finding, not an error.
///
/// # Errors
/// `Unavailable` when it cannot be reached; `Invalid` when it refuses the login or is too old; `NotFound` for the database.
pub(crate) async fn check(server: &Arc<Server>, scratch: String) -> Result<Vec<Finding>> {
    let version = server.version().await?;
    let access = &server.access;
    let mut findings = vec![
        Finding::ok("reach", access.hosts.join(", ")),
        Finding::ok("login", access.user.clone()),
        Finding::ok("version", server.health().version),
    ];
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
        findings.push(match server.texts(known).await?.is_empty() {
            false => Finding::ok("cluster", cluster.clone()),
            true => Finding::missing("cluster", format!("the server knows no cluster {cluster} for ON CLUSTER")),
        });
    }
    findings.extend(rights(server, scratch).await?);
    Ok(findings)
}

/// Tries, with a table of its own, what a sink will do.
async fn rights(server: &Arc<Server>, scratch: String) -> Result<Vec<Finding>> {
    let name = RemoteName { database: server.access.database.clone(), table: scratch };
    let table = remote(&name);
    let steps = [
        ("CREATE TABLE", format!("CREATE TABLE {table} (n Int64) ENGINE = MergeTree ORDER BY n")),
        ("INSERT", format!("INSERT INTO {table} SELECT 1")),
        ("SELECT", format!("SELECT count() FROM {table}")),
        ("ALTER", format!("ALTER TABLE {table} ADD COLUMN m Int64")),
        ("DROP TABLE", format!("DROP TABLE {table}")),
    ];
    let mut findings = Vec::new();
    for (right, sql) in steps {
        match server.tell(sql).await {
            Ok(()) => findings.push(Finding::ok("rights", right)),
            Err(error) if crate::said::remedy(&error) == crate::said::Remedy::Retry => return Err(error),
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
