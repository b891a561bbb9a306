//! DataFusion, set up once and handed to each query as a cheap copy with its own tables, clock and memory.

use crate::engine::Config;
use crate::errors;
use crate::functions;
use crate::limits::{QueryMemory, SharedMemory};
use crate::pauses::PauseAfterJoins;
use crate::remote::PushDown;
use crate::rewrite::{CATALOG, PUBLIC};
use crate::table::FileAccess;
use crate::value_counts::CountByValue;
use arrow::temporal_conversions::timestamp_us_to_datetime;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, SchemaProvider,
};
use datafusion::common::config::ConfigOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults, TaskContext};
use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionConfig;
use helios_contract::Timestamp;
use helios_contract::drift::Backfill;
use helios_contract::error::Result;
use object_store::ObjectStore;
use std::sync::Arc;

/// What queries share.
pub(crate) struct Sessions {
    base: SessionState,
    runtime: Arc<RuntimeEnv>,
    memory: Arc<SharedMemory>,
    access: FileAccess,
}

/// What one query plans and runs with.
pub(crate) struct Session {
    pub(crate) state: SessionState,
    pub(crate) task: Arc<TaskContext>,
}

impl Sessions {
    /// Sets DataFusion up.
    ///
    /// # Errors
    /// `Unavailable` when the folder for spilling cannot be used.
    pub(crate) fn open(config: &Config, store: Arc<dyn ObjectStore>, backfill: Backfill) -> Result<Sessions> {
        let runtime = runtime(config)
            .map_err(|e| errors::from_datafusion(e, None).context("cannot prepare the folder queries spill to"))?;
        runtime.register_object_store(FileAccess::url().as_ref(), Arc::clone(&store));
        let access = FileAccess { store, footers: runtime.cache_manager.get_file_metadata_cache(), backfill };
        let mut base = SessionStateBuilder::new()
            .with_config(session_config(config))
            .with_runtime_env(Arc::clone(&runtime))
            .with_expr_planners(SessionStateDefaults::default_expr_planners())
            .with_scalar_functions(SessionStateDefaults::default_scalar_functions())
            .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
            .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
            .with_window_functions(SessionStateDefaults::default_window_functions())
            .with_table_function_list(SessionStateDefaults::default_table_functions())
            .with_physical_optimizer_rule(Arc::new(PauseAfterJoins))
            .with_optimizer_rule(Arc::new(PushDown))
            .with_optimizer_rule(Arc::new(CountByValue))
            .build();
        functions::register(&mut base).map_err(|e| errors::from_datafusion(e, None))?;
        let memory = SharedMemory::new(usize::try_from(config.memory_bytes_total).unwrap_or(usize::MAX));
        Ok(Sessions { base, runtime, memory, access })
    }

    /// Every function: its name, kind and description.
    pub(crate) fn functions(&self) -> Vec<(String, &'static str, String)> {
        let described = |name: &String, kind, documentation: Option<&Documentation>| {
            let added =
                functions::ADDED.iter().find(|(added, _)| added == name).map(|(_, description)| (*description).to_owned());
            let description = added.or_else(|| documentation.map(|d| d.description.clone())).unwrap_or_default();
            (name.clone(), kind, description)
        };
        let scalar = self.base.scalar_functions().iter().map(|(name, f)| described(name, "scalar", f.documentation()));
        let aggregate = self.base.aggregate_functions().iter().map(|(name, f)| described(name, "aggregate", f.documentation()));
        let window = self.base.window_functions().iter().map(|(name, f)| described(name, "window", f.documentation()));
        let mut functions: Vec<_> = scalar.chain(aggregate).chain(window).collect();
        functions.sort();
        functions
    }

    /// What every query's session begins as: it knows the functions.
    pub(crate) fn state(&self) -> &SessionState {
        &self.base
    }

    /// How tables reach their files.
    pub(crate) fn access(&self) -> FileAccess {
        self.access.clone()
    }

    /// A session that sees `schemas`, believes it is `now`, and may use `memory_bytes`.
    pub(crate) fn begin(&self, schemas: Vec<(&str, Arc<dyn SchemaProvider>)>, now: Timestamp, memory_bytes: usize) -> Session {
        let catalog = MemoryCatalogProvider::new();
        for (name, schema) in schemas {
            catalog.register_schema(name, schema).expect("a schema in memory can always be registered");
        }
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        let mut state = self.base.clone();
        state.register_catalog_list(Arc::new(catalogs));
        state.execution_props_mut().query_execution_start_time = timestamp_us_to_datetime(now.0).map(|at| at.and_utc());
        let memory = Arc::new(QueryMemory::new(memory_bytes, Arc::clone(&self.memory)));
        let runtime = RuntimeEnv { memory_pool: memory, ..self.runtime.as_ref().clone() };
        let task = Arc::new(TaskContext::from(&state).with_runtime(Arc::new(runtime)));
        Session { state, task }
    }
}

fn runtime(config: &Config) -> datafusion::common::Result<Arc<RuntimeEnv>> {
    let mode = match &config.spill_dir {
        Some(dir) => DiskManagerMode::Directories(vec![dir.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let spill = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(config.spill_bytes);
    RuntimeEnvBuilder::new().with_disk_manager_builder(spill).build_arc()
}

fn session_config(config: &Config) -> SessionConfig {
    let mut options = ConfigOptions::new();
    options.catalog.default_catalog = CATALOG.to_owned();
    options.catalog.default_schema = PUBLIC.to_owned();
    options.catalog.create_default_catalog_and_schema = false;
    options.catalog.information_schema = true;
    options.execution.target_partitions = config.n_partitions.max(1);
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.enable_page_index = true;
    options.execution.parquet.bloom_filter_on_read = true;
    options.sql_parser.collect_spans = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    SessionConfig::from(options)
}
