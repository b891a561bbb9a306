//! Carries out statements about clusters and sinks.

use crate::asked::Asked;
use crate::check::check;
use crate::options::Access;
use crate::server::Server;
use crate::table::{self, Table, align, remote};
use crate::types::quoted;
use crate::{KeptCluster, NULLS, Sinks, server_of};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use helios_contract::cluster::{Cluster, ClusterCommand, ClusterDefinition, ClusterName, ClusterStatus, Finding, RemoteName};
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result, nearest};
use helios_contract::name::StreamName;
use helios_contract::sink::{
    OutletChange, OutletCommand, Outlets, Progress, Sink, SinkCommand, SinkDefinition, SinkName, SinkStatus, Stored,
};
use helios_contract::stream::{Stream, StreamId};
use std::sync::Arc;

#[async_trait]
impl Outlets for Sinks {
    async fn apply(&self, command: OutletCommand) -> Result<Vec<Finding>> {
        let sinks = self.this.upgrade().ok_or_else(|| Error::unavailable("the server stops"))?;
        let applying = tokio::spawn(async move {
            let _changing = sinks.changing.lock().await;
            sinks.purge();
            match command {
                OutletCommand::Cluster(command) => sinks.cluster_command(command).await,
                OutletCommand::Sink(command) => sinks.sink_command(command).await,
            }
        });
        applying.await.map_err(|cause| Error::internal("carrying out a statement about a cluster or a sink").because(cause))?
    }

    fn status(&self) -> (Vec<ClusterStatus>, Vec<SinkStatus>) {
        let of = |kept: &KeptCluster| {
            let health = kept.server.as_ref().map(|server| server.health()).unwrap_or_default();
            let definition = kept.definition.clone();
            ClusterStatus { definition, version: health.version, answered_at: health.answered_at, message: health.message }
        };
        let clusters = self.lock().clusters.values().map(of).collect();
        (clusters, self.sink_statuses())
    }

    fn cluster(&self, name: &str) -> Result<Arc<dyn Cluster>> {
        server_of(&self.state, &self.parts, name).map(|server| Arc::new(Asked { server, stored: None }) as Arc<dyn Cluster>)
    }

    fn stored(&self, stream: StreamId) -> Option<Stored> {
        let status = {
            let state = self.lock();
            let kept = state.sinks.values().find(|kept| kept.sink.stored && kept.sink.stream == stream)?;
            kept.report.status()
        };
        let server = self.server(&status.definition.cluster).ok()?;
        let cluster = Arc::new(Asked { server, stored: Some(status.table.clone()) });
        Some(Stored { cluster, table: status.table, delivered: status.delivered })
    }
}

impl Sinks {
    async fn cluster_command(&self, command: ClusterCommand) -> Result<Vec<Finding>> {
        match command {
            ClusterCommand::Create { definition, if_not_exists } => {
                if self.lock().clusters.contains_key(&definition.name) {
                    return match if_not_exists {
                        true => Ok(Vec::new()),
                        false => Err(Error::conflict(format!("the cluster {} exists already", definition.name))
                            .hint("Choose another name, or change it with ALTER CLUSTER ... SET (option = value).")),
                    };
                }
                if definition.name.as_str() == "helios" {
                    return Err(Error::invalid("'helios' is a reserved name").hint("Choose another name for the cluster."));
                }
                self.keep_cluster(definition).await
            }
            ClusterCommand::Set(name, options) => {
                let mut definition = self.cluster_definition(&name)?;
                definition.options.extend(options);
                self.replace_cluster(definition).await
            }
            ClusterCommand::Reset(name, options) => {
                let mut definition = self.cluster_definition(&name)?;
                definition.options.retain(|option, _| !options.contains(option));
                self.replace_cluster(definition).await
            }
            ClusterCommand::Drop { name, if_exists } => self.drop_cluster(&name, if_exists).await,
        }
    }

    fn cluster_definition(&self, name: &ClusterName) -> Result<ClusterDefinition> {
        match self.lock().clusters.get(name) {
            Some(kept) => Ok(kept.definition.clone()),
            None => Err(Error::not_found(format!("there is no cluster {name}")).hint("SHOW CLUSTERS lists them.")),
        }
    }

    /// Checks a cluster; what passes is kept.
    async fn keep_cluster(&self, definition: ClusterDefinition) -> Result<Vec<Finding>> {
        let access = Access::of(&definition, &*self.parts.secrets)?;
        let server = Server::new(definition.name.clone(), access, &self.parts);
        let findings = check(&server, format!("_helios_check_{}", self.now().0)).await?;
        self.parts.outlets.change(OutletChange::KeepCluster(definition.clone())).await?;
        self.lock().clusters.insert(definition.name.clone(), KeptCluster { definition, server: Some(server) });
        Ok(findings)
    }

    /// The sinks of a cluster go on with it as it is now.
    async fn replace_cluster(&self, definition: ClusterDefinition) -> Result<Vec<Finding>> {
        let name = definition.name.clone();
        let findings = self.keep_cluster(definition).await?;
        let sinks: Vec<SinkName> = {
            let state = self.lock();
            state
                .sinks
                .values()
                .map(|kept| &kept.sink.definition)
                .filter(|sink| sink.cluster == name)
                .map(|sink| sink.name.clone())
                .collect()
        };
        for sink in sinks {
            let sink = self.halt(&sink).await?;
            self.begin(sink);
        }
        Ok(findings)
    }

    async fn drop_cluster(&self, name: &ClusterName, if_exists: bool) -> Result<Vec<Finding>> {
        let used: Vec<String> = {
            let state = self.lock();
            if !state.clusters.contains_key(name) && if_exists {
                return Ok(Vec::new());
            }
            let sinks = state.sinks.values().map(|kept| &kept.sink.definition);
            sinks.filter(|sink| sink.cluster == *name).map(|sink| sink.name.to_string()).collect()
        };
        self.cluster_definition(name)?;
        if !used.is_empty() {
            return Err(
                Error::conflict(format!("the cluster {name} is used by {}", used.join(", "))).hint("Drop these sinks first.")
            );
        }
        self.parts.outlets.change(OutletChange::ForgetCluster(name.clone())).await?;
        self.lock().clusters.remove(name);
        Ok(vec![Finding::ok("cluster", "dropped")])
    }

    async fn sink_command(&self, command: SinkCommand) -> Result<Vec<Finding>> {
        match command {
            SinkCommand::Create { definition, if_not_exists } => {
                if self.lock().sinks.contains_key(&definition.name) {
                    return match if_not_exists {
                        true => Ok(Vec::new()),
                        false => Err(Error::conflict(format!("the sink {} exists already", definition.name))
                            .hint("Choose another name, or say CREATE SINK IF NOT EXISTS.")),
                    };
                }
                self.create_sink(definition).await
            }
            SinkCommand::Drop { name, if_exists } => {
                if if_exists && !self.lock().sinks.contains_key(&name) {
                    return Ok(Vec::new());
                }
                let sink = self.sink(&name)?;
                if sink.stored {
                    return Err(Error::conflict(format!(
                        "the stream {} is stored in the table of this sink",
                        sink.definition.stream
                    ))
                    .hint(format!("ALTER STREAM {} STORE IN LAKE first.", sink.definition.stream)));
                }
                self.halt(&name).await?;
                self.parts.outlets.change(OutletChange::ForgetSink(name.clone())).await?;
                self.lock().sinks.remove(&name);
                Ok(vec![Finding::ok("sink", "dropped"), Finding::note("table", "it stays in the cluster, with its rows")])
            }
            SinkCommand::Pause(name) => self.pause(&name, true).await,
            SinkCommand::Resume(name) => self.pause(&name, false).await,
            SinkCommand::Store(stream, cluster) => self.store(&stream, cluster.as_ref()).await,
        }
    }

    fn sink(&self, name: &SinkName) -> Result<Sink> {
        let state = self.lock();
        match state.sinks.get(name) {
            Some(kept) => Ok(kept.sink.clone()),
            None => {
                let error = Error::not_found(format!("there is no sink {name}"));
                Err(match nearest(name.as_str(), state.sinks.keys().map(StreamName::as_str)) {
                    Some(near) => error.hint(format!("Did you mean {near}?")),
                    None => error.hint("SHOW SINKS lists them."),
                })
            }
        }
    }

    fn stream(&self, name: &StreamName) -> Result<Arc<Stream>> {
        let streams = self.parts.catalog.streams();
        let found = streams.iter().find(|stream| stream.definition.name == *name).cloned();
        found.ok_or_else(|| {
            let error = Error::not_found(format!("there is no stream {name}"));
            match nearest(name.as_str(), streams.iter().map(|stream| stream.definition.name.as_str())) {
                Some(near) => error.hint(format!("Did you mean {near}?")),
                None => error.hint("SHOW STREAMS lists them."),
            }
        })
    }

    async fn create_sink(&self, mut definition: SinkDefinition) -> Result<Vec<Finding>> {
        let stream = self.stream(&definition.stream)?;
        if stream.definition.columns.is_empty() {
            return Err(Error::invalid(format!("the stream {} has no columns yet", definition.stream))
                .hint("Push records to it first: their columns are inferred."));
        }
        let server = self.server(&definition.cluster)?;
        let database = definition.database.get_or_insert_with(|| server.access.database.clone()).clone();
        let name = RemoteName { database, table: definition.table.clone() };
        self.refuse_shared(&definition, &name)?;
        let mut findings = Vec::new();
        let mut progress = Progress::default();
        if table::exists(&server, &name).await? {
            let table = align(&server, &name, &stream.definition).await?;
            progress.delivered = self.continues(&server, &table, &stream).await?;
            findings.push(Finding::ok("table", format!("{name} was there and takes every column")));
            if progress.delivered > CommitId(0) {
                findings.push(Finding::note(
                    "table",
                    format!("it holds rows already: delivery continues after commit {}", progress.delivered),
                ));
            }
        } else {
            let sample = self.sample(&stream).await?;
            let about = table::create(&server, &name, &definition, &stream, sample.as_ref()).await?;
            align(&server, &name, &stream.definition).await?;
            findings.push(Finding::ok("table", format!("{name} was made")));
            findings.extend(about);
        }
        let sink = Sink { definition, stream: stream.id, paused: false, stored: false, progress };
        self.parts.outlets.change(OutletChange::KeepSink(sink.clone())).await?;
        self.begin(sink);
        Ok(findings)
    }

    /// Rows are counted by their commit: two sinks in one table would count each other's.
    fn refuse_shared(&self, definition: &SinkDefinition, name: &RemoteName) -> Result<()> {
        let state = self.lock();
        let same = state
            .sinks
            .values()
            .find(|kept| kept.sink.definition.cluster == definition.cluster && kept.report.status().table == *name);
        match same {
            None => Ok(()),
            Some(kept) => Err(Error::conflict(format!("the sink {} delivers into {name} already", kept.sink.definition.name))
                .hint("Give each sink a table of its own; a view there may put them together.")),
        }
    }

    /// The commit that a table is filled up to.
    async fn continues(&self, server: &Arc<Server>, table: &Table, stream: &Stream) -> Result<CommitId> {
        let (name, turn) = (&table.name, server.turn());
        if table.is_replicated {
            server.catch_up(name, turn).await?;
        }
        let sql = format!("SELECT toString(max({})) FROM {}", quoted(hidden::COMMIT), remote(name));
        let found = server.texts_of(sql, turn).await?.concat();
        let commit = CommitId(found.first().and_then(|text| text.parse().ok()).unwrap_or(0));
        let newest = self.newest(&stream.definition.name).await.map_or(0, |(commit, _)| commit);
        if commit > CommitId(newest) {
            return Err(Error::conflict(format!(
                "{name} holds rows of commit {commit}; the newest of {} is {newest}",
                stream.definition.name
            ))
            .hint("It was filled from somewhere else: deliver into another table."));
        }
        Ok(commit)
    }

    /// Some of the stream's rows.
    async fn sample(&self, stream: &Stream) -> Result<Option<RecordBatch>> {
        let slices = self.parts.tables.since(&stream.definition.name, CommitId(0)).await?;
        let Some(first) = slices.first() else { return Ok(None) };
        let rows = arrow::compute::concat_batches(&first.rows.schema(), slices.iter().map(|slice| &slice.rows));
        rows.map(Some).map_err(|cause| Error::internal("cannot join slices").because(cause))
    }

    async fn pause(&self, name: &SinkName, paused: bool) -> Result<Vec<Finding>> {
        let mut sink = self.halt(name).await?;
        sink.paused = paused;
        let kept = self.parts.outlets.change(OutletChange::KeepSink(sink.clone())).await;
        self.begin(sink);
        kept.map(|()| vec![Finding::ok("sink", if paused { "paused" } else { "resumed" })])
    }

    /// Stops a sink's task; answers the sink as the catalog has it then.
    async fn halt(&self, name: &SinkName) -> Result<Sink> {
        self.sink(name)?;
        let running = self.lock().sinks.get_mut(name).and_then(|kept| kept.running.take());
        if let Some(running) = running {
            self.end(running).await;
        }
        let (_, sinks) = self.parts.outlets.outlets().await?;
        let found = sinks.into_iter().find(|sink| sink.definition.name == *name);
        found.ok_or_else(|| Error::not_found(format!("the sink {name} was dropped")))
    }

    async fn store(&self, stream: &StreamName, cluster: Option<&ClusterName>) -> Result<Vec<Finding>> {
        let stream = self.stream(stream)?;
        let sinks: Vec<Sink> = {
            let state = self.lock();
            state.sinks.values().map(|kept| kept.sink.clone()).filter(|sink| sink.stream == stream.id).collect()
        };
        let name = &stream.definition.name;
        let mut chosen = None;
        if let Some(cluster) = cluster {
            let mut there = sinks.iter().filter(|sink| sink.definition.cluster == *cluster);
            chosen = match (there.next(), there.next()) {
                (Some(one), None) => Some(one.definition.name.clone()),
                (None, _) => {
                    return Err(Error::invalid(format!("no sink delivers {name} to {cluster}"))
                        .hint(format!("CREATE SINK {name}_{cluster} FROM {name} INTO {cluster}.{name} first.")));
                }
                _ => {
                    return Err(
                        Error::invalid(format!("several sinks deliver {name} to {cluster}")).hint("Drop all of them but one.")
                    );
                }
            };
        }
        for mut sink in sinks {
            let stored = Some(&sink.definition.name) == chosen.as_ref();
            if stored {
                self.check_whole(&sink, &stream).await?;
            }
            if sink.stored != stored {
                sink.stored = stored;
                self.parts.outlets.change(OutletChange::KeepSink(sink.clone())).await?;
                if let Some(kept) = self.lock().sinks.get_mut(&sink.definition.name) {
                    kept.sink.stored = stored;
                    kept.report.store(stored);
                }
            }
        }
        let place = cluster.map_or_else(|| "the lake".to_owned(), ToString::to_string);
        Ok(vec![Finding::ok("stream", format!("{name} is read from {place}"))])
    }

    /// Whether a remote table has every column that the stream's table has, and no rows but the stream's.
    async fn check_whole(&self, sink: &Sink, stream: &Stream) -> Result<()> {
        let server = self.server(&sink.definition.cluster)?;
        let name = self.table_of(sink)?;
        let table = align(&server, &name, &stream.definition).await?;
        let wanted = hidden::ALL.into_iter().chain([NULLS]);
        let missing: Vec<&str> = wanted.filter(|hidden| !table.targets.iter().any(|target| target.name == *hidden)).collect();
        if !missing.is_empty() {
            return Err(Error::invalid(format!("{name} lacks {}", missing.join(", ")))
                .hint("A stream can be stored in a table that Helios made: deliver into one that is not there yet."));
        }
        let sql = format!("SELECT toString(count()) FROM {} WHERE {} = 0", remote(&name), quoted(hidden::COMMIT));
        match server.texts(sql).await?.concat().first().map(String::as_str) {
            None | Some("0") => Ok(()),
            Some(n) => Err(Error::invalid(format!("{name} holds {n} rows that are not the stream's"))
                .hint("Deliver into a table of its own.")),
        }
    }
}
