//! Finds the tables a query names, gives each its version, and keeps hidden columns out of `*`.

mod wildcard;

use crate::parse::{Text, at};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SetExpr, Spanned, Statement, TableAlias, TableFactor, TableVersion, VisitMut,
    VisitorMut, With,
};
use helios_contract::cluster::RemoteName;
use helios_contract::column::hidden;
use helios_contract::error::{Error, Result, TextPosition, nearest};
use std::ops::ControlFlow;

/// Schemas whose tables are not streams.
pub(crate) const SYSTEM: &str = "system";
pub(crate) const INFORMATION: &str = "information_schema";
/// Where streams' tables are.
pub(crate) const PUBLIC: &str = "public";
/// The one catalog.
pub(crate) const CATALOG: &str = "helios";

/// Most tables a plan may read: planning takes longer than linear in them, and nothing can stop it.
const READS_MAX: usize = 100;

/// Functions that may stand in FROM; each makes its rows up.
const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// A stream's table as a query names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    /// The table.
    pub(crate) table: String,
    /// The version asked for; `None` means the newest.
    pub(crate) version: Option<TableVersion>,
    /// The name it is planned under.
    pub(crate) planned_as: String,
    /// Where it stands.
    pub(crate) position: TextPosition,
}

/// A cluster's table as a query names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RemoteReference {
    /// The cluster.
    pub(crate) cluster: String,
    /// The table there.
    pub(crate) name: RemoteName,
    /// The name it is planned under.
    pub(crate) planned_as: String,
    /// Where it stands.
    pub(crate) position: TextPosition,
}

/// What a query needs before it can be planned.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Streams' tables, each once per version.
    pub(crate) tables: Vec<Reference>,
    /// Tables of clusters, each once.
    pub(crate) remote: Vec<RemoteReference>,
    /// Tables of the schema `system`, and where they stand.
    pub(crate) system: Vec<(String, TextPosition)>,
    /// Whether it asks about tables it does not name.
    pub(crate) every_table: bool,
    /// The hidden columns it names, in their order; tables show no others.
    pub(crate) hidden: Vec<&'static str>,
}

/// Rewrites `statement` for planning and answers what it needs.
///
/// # Errors
/// `Invalid` for what could write, read files of the host, or name a table in a way we do not know.
pub(crate) fn rewrite(statement: &mut Statement, text: &Text) -> Result<Needs> {
    let hidden = hidden::ALL.into_iter().filter(|name| text.mentions(name)).collect();
    let every_table = matches!(statement, Statement::ShowColumns { .. } | Statement::ShowVariable { .. });
    let mut rewriter = Rewriter { needs: Needs { hidden, every_table, ..Needs::default() }, ..Rewriter::default() };
    match statement.visit(&mut rewriter) {
        ControlFlow::Continue(()) => Ok(rewriter.needs),
        ControlFlow::Break(error) => Err(error),
    }
}

#[derive(Default)]
struct Rewriter {
    needs: Needs,
    /// Tables the plan reads so far.
    n_reads: usize,
    /// Names of the CTEs in scope, and how many tables each use of them reads.
    ctes: Vec<(String, usize)>,
    /// For each query being visited: its WITH, taken out so that it is not visited twice, and how many CTEs it put in scope.
    withs: Vec<(Option<With>, usize)>,
}

/// What a name in FROM stands for.
enum Named {
    Stream(String),
    /// Each use reads so many tables.
    Cte(usize),
    System(String),
    Information,
    Remote(String, RemoteName),
}

impl Rewriter {
    fn resolve(&self, name: &ObjectName) -> Result<Named> {
        let unknown = || {
            Error::invalid(format!("{name} does not name a table"))
                .hint("Name a stream, or a table of the schemas system and information_schema; no statement reads files.")
        };
        let parts: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
        let parts = parts.ok_or_else(unknown)?;
        let quoted = |ident: &Ident| ident.quote_style.is_some_and(|quote| quote != '"');
        if parts.iter().any(|part| quoted(part)) {
            return Err(unknown());
        }
        let parts: Vec<String> = parts.into_iter().map(normal).collect();
        let cte = |name: &str| self.ctes.iter().rev().find(|(cte, _)| cte == name).map(|(_, n_reads)| *n_reads);
        match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [table] if cte(table).is_some() => Ok(Named::Cte(cte(table).unwrap_or_default())),
            [table] | [PUBLIC, table] | [CATALOG, PUBLIC, table] => Ok(Named::Stream(table.to_owned())),
            [SYSTEM, table] | [CATALOG, SYSTEM, table] => Ok(Named::System(table.to_owned())),
            [INFORMATION, _] | [CATALOG, INFORMATION, _] => Ok(Named::Information),
            [cluster, database, table] => {
                let name = RemoteName { database: database.to_owned(), table: table.to_owned() };
                Ok(Named::Remote(cluster.to_owned(), name))
            }
            [schema, _] => {
                let near = nearest(schema, [SYSTEM, INFORMATION, PUBLIC]);
                Err(Error::not_found(format!("there is no schema `{schema}`")).hint(match near {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "The schemas are public (streams), system and information_schema; a cluster's table is named \
                             cluster.database.table."
                        .to_owned(),
                }))
            }
            _ => Err(unknown()),
        }
    }

    fn table(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>, version: Option<TableVersion>) -> Result<()> {
        let Some(last) = name.0.last().and_then(|part| part.as_ident()).cloned() else { return self.resolve(name).map(|_| ()) };
        let position = TextPosition { line: last.span.start.line, column: last.span.start.column };
        let named = self.resolve(name).map_err(|error| at(error, position))?;
        self.n_reads += if let Named::Cte(n_reads) = named { n_reads } else { 1 };
        if self.n_reads > READS_MAX {
            return Err(at(Error::invalid(format!("the statement reads more than {READS_MAX} tables")), position)
                .hint("Each use of a WITH query counts anew."));
        }
        let table = match named {
            Named::Stream(table) => table,
            _ if version.is_some() => {
                return Err(at(Error::invalid(format!("{name} has no versions")), position)
                    .hint("Only streams can be read as of a version."));
            }
            Named::Cte(_) => return Ok(()),
            Named::System(table) => {
                self.needs.system.push((table, position));
                return Ok(());
            }
            Named::Information => {
                self.needs.every_table = true;
                return Ok(());
            }
            Named::Remote(cluster, remote) => {
                let planned_as = format!("{cluster}.{remote}");
                alias.get_or_insert_with(|| TableAlias { explicit: true, name: last.clone(), columns: Vec::new(), at: None });
                *name = ObjectName::from(vec![Ident::with_quote_and_span('"', last.span, planned_as.clone())]);
                if !self.needs.remote.iter().any(|known| known.planned_as == planned_as) {
                    self.needs.remote.push(RemoteReference { cluster, name: remote, planned_as, position });
                }
                return Ok(());
            }
        };
        let planned_as = match &version {
            None => table.clone(),
            Some(_) => format!("{table}@{}", self.needs.tables.len()),
        };
        if version.is_some() {
            alias.get_or_insert_with(|| TableAlias { explicit: true, name: last.clone(), columns: Vec::new(), at: None });
            *name = ObjectName::from(vec![Ident::with_quote_and_span('"', last.span, planned_as.clone())]);
        }
        if !self.needs.tables.iter().any(|known| known.planned_as == planned_as) {
            self.needs.tables.push(Reference { table, version, planned_as, position });
        }
        Ok(())
    }

    fn query(&mut self, query: &mut Query) -> Result<()> {
        refuse_writes(&query.body)?;
        let mut with = query.with.take();
        let before = self.ctes.len();
        for cte in with.iter_mut().flat_map(|with| {
            let recursive = with.recursive;
            with.cte_tables.iter_mut().map(move |cte| (recursive, cte))
        }) {
            let (recursive, cte) = cte;
            let name = normal(&cte.alias.name);
            let before = self.n_reads;
            // Only a recursive CTE sees itself: another may be named after the table it reads.
            self.ctes.extend(recursive.then(|| (name.clone(), 1)));
            let visited = cte.query.visit(self);
            let n_reads = std::mem::replace(&mut self.n_reads, before) - before;
            if recursive {
                self.ctes.pop();
            }
            self.ctes.push((name, n_reads));
            if let ControlFlow::Break(error) = visited {
                return Err(error);
            }
        }
        self.withs.push((with, self.ctes.len() - before));
        Ok(())
    }
}

impl VisitorMut for Rewriter {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        flow(self.query(query))
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if let Some((with, n_ctes)) = self.withs.pop() {
            query.with = with;
            self.ctes.truncate(self.ctes.len() - n_ctes);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if select.into.is_some() {
            return ControlFlow::Break(Error::invalid("SELECT INTO would write a table").hint("Queries only read."));
        }
        let hidden = self.needs.hidden.clone();
        if hidden.is_empty() {
            return ControlFlow::Continue(());
        }
        flow(wildcard::hide(select, &hidden, &|name| matches!(self.resolve(name), Ok(Named::Stream(_)))))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let position = factor.span().start;
        let refused = |what: String| {
            let error = Error::invalid(format!("{what} cannot stand in FROM"))
                .hint("Name a stream; of functions, generate_series, range and unnest; no statement reads files.");
            ControlFlow::Break(if position.line > 0 { error.at(position.line, position.column) } else { error })
        };
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                if TABLE_FUNCTIONS.contains(&name.to_string().to_lowercase().as_str()) {
                    return ControlFlow::Continue(());
                }
                refused(format!("the function {name}"))
            }
            TableFactor::TableFunction { expr, .. } => refused(format!("the function {expr}")),
            TableFactor::Table { name, alias, version, .. } => {
                let version = version.take();
                flow(self.table(name, alias, version))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn refuse_writes(body: &SetExpr) -> Result<()> {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            Err(Error::invalid("WITH may not write").hint("Queries only read; rows arrive through streams."))
        }
        _ => Ok(()),
    }
}

fn flow(result: Result<()>) -> ControlFlow<Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// An identifier as DataFusion compares it.
pub(crate) fn normal(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The moment a version names, as an expression; `Err` holds the commit number where it names that.
pub(crate) fn moment(version: &TableVersion) -> Result<std::result::Result<&Expr, i64>> {
    match version {
        TableVersion::ForSystemTimeAsOf(moment) | TableVersion::TimestampAsOf(moment) => Ok(Ok(moment)),
        TableVersion::VersionAsOf(number) => match number.to_string().parse() {
            Ok(number) => Ok(Err(number)),
            Err(_) => Err(Error::invalid(format!("version {number} is not the number of a commit"))),
        },
        other => Err(Error::invalid(format!("{other} does not name a version"))
            .hint("Write VERSION AS OF 12 or TIMESTAMP AS OF '2026-11-21 10:00:00'.")),
    }
}
