//! `SELECT *` over streams leaves the hidden columns out that the query names elsewhere.

use super::normal;
use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, WildcardAdditionalOptions,
};
use helios_contract::error::{Error, Result};

/// One item of FROM: what its columns are qualified with, and whether it is directly a stream's table.
struct Item {
    qualifier: ObjectName,
    stream: bool,
}

/// Takes `hidden` columns out of each `*` and `t.*` of `select`.
///
/// Only a query that names hidden columns needs this: for every other one the tables do not have them at all. A `*` over
/// `JOIN ... USING`, or over something without a name, stays as it is and shows them.
///
/// # Errors
/// `Invalid` for `NATURAL JOIN`, which would join on the hidden columns, too.
pub(super) fn hide(select: &mut Select, hidden: &[&str], is_stream: &dyn Fn(&ObjectName) -> bool) -> Result<()> {
    let joins = || select.from.iter().flat_map(|from| &from.joins);
    if joins().any(|join| matches!(constraint(join), Some(JoinConstraint::Natural))) {
        return Err(Error::invalid(format!("a query that names `{}` cannot use NATURAL JOIN", hidden[0]))
            .hint("NATURAL JOIN would join on that column, too: write JOIN ... ON."));
    }
    let using = joins().any(|join| matches!(constraint(join), Some(JoinConstraint::Using(_))));
    let items = items(select, is_stream);
    let n_items: usize = select.from.iter().map(|from| 1 + from.joins.len()).sum();
    let mut projection = Vec::with_capacity(select.projection.len());
    for item in std::mem::take(&mut select.projection) {
        match item {
            SelectItem::Wildcard(mut options) if n_items == 1 => {
                if items.iter().any(|item| item.stream) {
                    exclude(&mut options, hidden);
                }
                projection.push(SelectItem::Wildcard(options));
            }
            SelectItem::Wildcard(options) if !using && bare(&options) && items.len() == n_items => {
                projection.extend(items.iter().filter(|item| !item.qualifier.0.is_empty()).map(|item| expanded(item, hidden)));
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), mut options) => {
                if items.iter().any(|item| item.stream && same(&item.qualifier, &name)) {
                    exclude(&mut options, hidden);
                }
                projection.push(SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options));
            }
            other => projection.push(other),
        }
    }
    select.projection = projection;
    Ok(())
}

/// The items of FROM whose columns a `*` shows; fewer than FROM has when one of them cannot be named.
fn items(select: &Select, is_stream: &dyn Fn(&ObjectName) -> bool) -> Vec<Item> {
    let mut items = Vec::new();
    for from in &select.from {
        items.extend(item(&from.relation, is_stream));
        for join in &from.joins {
            match &join.join_operator {
                // The right side of these shows no columns: an item without a name keeps the count.
                JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) => {
                    items.push(Item { qualifier: ObjectName(Vec::new()), stream: false });
                }
                JoinOperator::RightSemi(_) | JoinOperator::RightAnti(_) => {}
                _ => items.extend(item(&join.relation, is_stream)),
            }
        }
    }
    items
}

fn item(factor: &TableFactor, is_stream: &dyn Fn(&ObjectName) -> bool) -> Option<Item> {
    let (name, alias) = match factor {
        TableFactor::Table { name, alias, args, .. } => (Some((name, args.is_none())), alias),
        TableFactor::Derived { alias, .. } | TableFactor::UNNEST { alias, .. } | TableFactor::Function { alias, .. } => {
            (None, alias)
        }
        _ => return None,
    };
    let qualifier = match (alias, name) {
        (Some(alias), _) => ObjectName::from(vec![alias.name.clone()]),
        (None, Some((name, _))) => name.clone(),
        (None, None) => return None,
    };
    Some(Item { qualifier, stream: name.is_some_and(|(name, plain)| plain && is_stream(name)) })
}

fn constraint(join: &Join) -> Option<&JoinConstraint> {
    match &join.join_operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c)
        | JoinOperator::Semi(c)
        | JoinOperator::LeftSemi(c)
        | JoinOperator::RightSemi(c)
        | JoinOperator::Anti(c)
        | JoinOperator::LeftAnti(c)
        | JoinOperator::RightAnti(c) => Some(c),
        _ => None,
    }
}

fn expanded(item: &Item, hidden: &[&str]) -> SelectItem {
    let mut options = WildcardAdditionalOptions::default();
    if item.stream {
        exclude(&mut options, hidden);
    }
    SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(item.qualifier.clone()), options)
}

fn bare(options: &WildcardAdditionalOptions) -> bool {
    options.opt_exclude.is_none() && options.opt_except.is_none() && options.opt_replace.is_none()
}

/// Adds `hidden` to what the wildcard leaves out already.
fn exclude(options: &mut WildcardAdditionalOptions, hidden: &[&str]) {
    let mut names: Vec<ObjectName> = match options.opt_exclude.take() {
        None => Vec::new(),
        Some(ExcludeSelectItem::Single(name)) => vec![name],
        Some(ExcludeSelectItem::Multiple(names)) => names,
    };
    if let Some(except) = options.opt_except.take() {
        names.extend(
            [vec![except.first_element], except.additional_elements]
                .concat()
                .into_iter()
                .map(|name| ObjectName::from(vec![name])),
        );
    }
    for name in hidden {
        if !names.iter().any(|known| matches!(&known.0[..], [part] if part.as_ident().is_some_and(|i| normal(i) == *name))) {
            names.push(ObjectName::from(vec![Ident::new(*name)]));
        }
    }
    options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
}

/// Whether two qualifiers name the same thing; the shorter may leave the schema out.
fn same(a: &ObjectName, b: &ObjectName) -> bool {
    a.0.iter().rev().zip(b.0.iter().rev()).all(|(a, b)| match (a.as_ident(), b.as_ident()) {
        (Some(a), Some(b)) => normal(a) == normal(b),
        _ => false,
    })
}
