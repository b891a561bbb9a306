//! Which type of ClickHouse a column becomes, and which types of an existing table take all of its values.

use crate::server::since;
use crate::types::Type;
use helios_contract::column::{Column, ColumnType, TimeFormat, hidden};

/// The column that says which lists and objects of a row are `NULL`: ClickHouse has only empty ones. It holds their paths.
pub const NULLS: &str = "_nulls";

/// The type of ClickHouse for a column. `few`: its values are so few that a dictionary pays.
pub(crate) fn remote_type(column: &ColumnType, nullable: bool, few: bool, version: (u32, u32)) -> Type {
    let modern = version >= since::MODERN;
    let plain = match column {
        ColumnType::Boolean if version >= (21, 12) => Type::Bool,
        ColumnType::Boolean => Type::UInt(8),
        ColumnType::Int => Type::Int(32),
        ColumnType::BigInt => Type::Int(64),
        ColumnType::UnsignedBigInt => Type::UInt(64),
        ColumnType::Real => Type::Float32,
        ColumnType::Double => Type::Float64,
        ColumnType::Decimal(precision, scale) => Type::Decimal(*precision, *scale),
        ColumnType::Text | ColumnType::Json => Type::String,
        ColumnType::Timestamp(_) if modern => Type::DateTime64(6, Some("UTC".to_owned())),
        ColumnType::Timestamp(_) => Type::Int(64),
        ColumnType::Date if modern => Type::Date32,
        ColumnType::Date => Type::Int(32),
        ColumnType::Struct(fields) => {
            let field = |field: &Column| (Some(field.name.clone()), remote_type(&field.data_type, true, false, version));
            return Type::Tuple(fields.iter().map(field).collect());
        }
        ColumnType::List(item) => return Type::Array(Box::new(remote_type(item, true, false, version))),
    };
    let plain = if nullable { Type::Nullable(Box::new(plain)) } else { plain };
    if few && modern && matches!(column, ColumnType::Text) { Type::LowCardinality(Box::new(plain)) } else { plain }
}

/// Why the values of a column do not all fit a type; `None`: they do.
pub(crate) fn misfit(column: &ColumnType, nullable: bool, remote: &Type, version: (u32, u32)) -> Option<String> {
    let composite = matches!(column, ColumnType::Struct(_) | ColumnType::List(_));
    if nullable && !composite && !remote.is_nullable() {
        return Some(format!("{remote} does not take NULL"));
    }
    let modern = version >= since::MODERN;
    let fits = match (column, remote.inner()) {
        (ColumnType::Boolean, Type::Bool | Type::UInt(8))
        | (ColumnType::Int, Type::Int(32 | 64))
        | (ColumnType::BigInt, Type::Int(64))
        | (ColumnType::UnsignedBigInt, Type::UInt(64))
        | (ColumnType::Real, Type::Float32 | Type::Float64)
        | (ColumnType::Double, Type::Float64)
        | (ColumnType::Text | ColumnType::Json, Type::String)
        | (ColumnType::Timestamp(_), Type::DateTime64(6..=9, _))
        | (ColumnType::Date, Type::Date32) => true,
        (ColumnType::Timestamp(_), Type::Int(64)) | (ColumnType::Date, Type::Int(32)) => !modern,
        (ColumnType::Decimal(p, s), Type::Decimal(precision, scale)) => {
            scale >= s && i16::from(*precision) - i16::from(*scale) >= i16::from(*p) - i16::from(*s)
        }
        (ColumnType::List(item), Type::Array(inner)) => return misfit(item, true, inner, version),
        (ColumnType::Struct(fields), Type::Tuple(found)) => {
            let named = |name: &str| found.iter().find(|(known, _)| known.as_deref() == Some(name));
            let missing = fields.iter().find(|field| named(&field.name).is_none());
            if let Some(field) = missing {
                return Some(format!("the tuple has no field {}", field.name));
            }
            if found.len() != fields.len() {
                return Some(format!("the tuple has {} fields, the object {}", found.len(), fields.len()));
            }
            return fields.iter().find_map(|field| misfit(&field.data_type, true, &named(&field.name)?.1, version));
        }
        _ => false,
    };
    (!fits).then(|| format!("{remote} does not take every {column}"))
}

/// The columns Helios adds to every table, as they are delivered, and whether they may be `NULL`.
pub(crate) fn hidden_columns() -> Vec<Column> {
    let timestamp = ColumnType::Timestamp(TimeFormat::Rfc3339);
    let texts = ColumnType::List(Box::new(ColumnType::Text));
    let column = |name: &&str| match *name {
        hidden::COMMIT => Column { required: true, ..Column::new(*name, ColumnType::BigInt) },
        hidden::TIME => Column { required: true, ..Column::new(*name, timestamp.clone()) },
        hidden::PARTITION => Column { required: true, ..Column::new(*name, ColumnType::Text) },
        hidden::OFFSET => Column::new(*name, ColumnType::BigInt),
        hidden::LATE => Column::new(*name, ColumnType::Boolean),
        hidden::TAGS => Column::new(*name, texts.clone()),
        _ => Column::new(*name, ColumnType::Text),
    };
    let mut columns: Vec<Column> = hidden::ALL.iter().map(column).collect();
    columns.push(Column::new(NULLS, texts.clone()));
    columns
}

/// Whether a column can be `NULL` without the server having a place for that.
pub(crate) fn is_composite(column: &ColumnType) -> bool {
    matches!(column, ColumnType::Struct(_) | ColumnType::List(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: (u32, u32) = (26, 9);
    const OLD: (u32, u32) = (18, 16);

    #[test]
    fn types_follow_the_servers_version() {
        let timestamp = ColumnType::Timestamp(TimeFormat::EpochMillis);
        let named = |column: &ColumnType, version| remote_type(column, true, true, version).to_string();
        assert_eq!(named(&ColumnType::Text, NEW), "LowCardinality(Nullable(String))");
        assert_eq!(named(&ColumnType::Text, OLD), "Nullable(String)");
        assert_eq!(named(&timestamp, NEW), "Nullable(DateTime64(6, 'UTC'))");
        assert_eq!(named(&timestamp, OLD), "Nullable(Int64)");
        assert_eq!(named(&ColumnType::Boolean, OLD), "Nullable(UInt8)");
        let nested = ColumnType::List(Box::new(ColumnType::Struct(vec![Column::new("a", ColumnType::Date)])));
        assert_eq!(named(&nested, NEW), "Array(Tuple(`a` Nullable(Date32)))");
        for version in [NEW, OLD] {
            for column in [&ColumnType::Text, &timestamp, &nested, &ColumnType::Date, &ColumnType::Decimal(20, 4)] {
                let remote = remote_type(column, true, false, version);
                assert_eq!(misfit(column, true, &remote, version), None, "{column} in {remote}");
            }
        }
    }

    #[test]
    fn lossy_types_are_named() {
        let why = |column: &ColumnType, words: &str| misfit(column, true, &Type::parse(words).unwrap(), NEW).unwrap();
        assert_eq!(why(&ColumnType::BigInt, "Nullable(Int32)"), "Nullable(Int32) does not take every BIGINT");
        assert_eq!(why(&ColumnType::Text, "String"), "String does not take NULL");
        assert_eq!(
            why(&ColumnType::Decimal(10, 2), "Nullable(Decimal(10, 4))"),
            "Nullable(Decimal(10, 4)) does not take every DECIMAL(10, 2)"
        );
        let timestamp = ColumnType::Timestamp(TimeFormat::Rfc3339);
        assert_eq!(why(&timestamp, "Nullable(DateTime64(3))"), "Nullable(DateTime64(3)) does not take every TIMESTAMP");
        assert_eq!(misfit(&ColumnType::Int, false, &Type::Int(64), NEW), None);
        let object = ColumnType::Struct(vec![Column::new("a", ColumnType::Int)]);
        assert_eq!(why(&object, "Tuple(b Int32)"), "the tuple has no field a");
    }
}
