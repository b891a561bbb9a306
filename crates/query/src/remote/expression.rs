//! Expressions in the cluster's dialect: those that mean there exactly what they mean here, whatever the values. `None`: it
//! is computed here.

use super::select::{Output, Select};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, Like};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// Where columns are looked up.
pub(crate) struct Scope<'a> {
    pub(crate) select: &'a Select,
    /// The place of a column among the outputs.
    pub(crate) place: &'a dyn Fn(&Column) -> Option<usize>,
    pub(crate) is_modern: bool,
}

/// An expression, translated.
#[derive(Debug, Clone)]
pub(crate) struct Translated {
    pub(crate) sql: String,
    pub(crate) data_type: DataType,
}

impl Scope<'_> {
    /// A condition: only rows for which it is true are wanted.
    pub(crate) fn condition(&self, expr: &Expr) -> Option<String> {
        let found = self.expression(expr)?;
        (found.data_type == DataType::Boolean).then_some(found.sql)
    }

    /// A column as it is, whatever its type.
    pub(crate) fn output(&self, column: &Column) -> Option<&Output> {
        self.select.outputs.get((self.place)(column)?)
    }

    /// A value.
    pub(crate) fn expression(&self, expr: &Expr) -> Option<Translated> {
        let boolean = |sql: String| Some(Translated { sql, data_type: DataType::Boolean });
        match expr {
            Expr::Alias(alias) => self.expression(&alias.expr),
            Expr::Column(column) => {
                let output = self
                    .output(column)
                    .filter(|output| output.comparable && (self.is_modern || !is_moment(&output.data_type)))?;
                Some(Translated { sql: output.sql.clone(), data_type: output.data_type.clone() })
            }
            Expr::Literal(value, _) => literal(value),
            Expr::BinaryExpr(binary) => self.binary(binary),
            Expr::Not(inner) => boolean(format!("NOT ({})", self.condition(inner)?)),
            // That something is there can be said of every type but those that have no NULL.
            Expr::IsNull(inner) => boolean(format!("isNull({})", self.expression(inner)?.sql)),
            Expr::IsNotNull(inner) => boolean(format!("isNotNull({})", self.expression(inner)?.sql)),
            Expr::InList(list) => {
                let value = self.expression(&list.expr).filter(|value| is_exact(&value.data_type))?;
                let items: Option<Vec<String>> = list
                    .list
                    .iter()
                    .map(|item| match item {
                        Expr::Literal(scalar, _) if !scalar.is_null() => {
                            literal(scalar).filter(|item| item.data_type == value.data_type).map(|item| item.sql)
                        }
                        _ => None,
                    })
                    .collect();
                let not = if list.negated { "NOT IN" } else { "IN" };
                boolean(format!("({} {not} ({}))", value.sql, items?.join(", ")))
            }
            Expr::Like(like) => self.like(like),
            Expr::Cast(cast) => self.cast(&cast.expr, cast.field.data_type()),
            Expr::ScalarFunction(call) => self.function(call.func.name(), &call.args),
            _ => None,
        }
    }

    fn binary(&self, binary: &BinaryExpr) -> Option<Translated> {
        let (left, right) = (self.expression(&binary.left)?, self.expression(&binary.right)?);
        if left.data_type != right.data_type {
            return None;
        }
        let boolean = |sql: String| Some(Translated { sql, data_type: DataType::Boolean });
        let word = match binary.op {
            Operator::And | Operator::Or if left.data_type == DataType::Boolean => {
                return boolean(format!("({} {} {})", left.sql, binary.op, right.sql));
            }
            Operator::Eq => "=",
            Operator::NotEq => "!=",
            Operator::Lt => "<",
            Operator::LtEq => "<=",
            Operator::Gt => ">",
            Operator::GtEq => ">=",
            Operator::Plus | Operator::Minus | Operator::Multiply => return arithmetic(&left, &binary.op, &right),
            _ => return None,
        };
        if is_exact(&left.data_type) {
            return boolean(format!("({} {word} {})", left.sql, right.sql));
        }
        // Here NaN is greater than every number, and zeros of different signs differ; there neither is so.
        let number = finite(&binary.right).filter(|number| *number != 0.0)?;
        debug_assert!(number.is_finite(), "checked above");
        match binary.op {
            Operator::Gt | Operator::GtEq => boolean(format!("({} {word} {} OR isNaN({}))", left.sql, right.sql, left.sql)),
            _ => boolean(format!("({} {word} {})", left.sql, right.sql)),
        }
    }

    fn like(&self, like: &Like) -> Option<Translated> {
        let value = self.expression(&like.expr).filter(|value| value.data_type == DataType::Utf8)?;
        let Expr::Literal(ScalarValue::Utf8(Some(pattern)), _) = like.pattern.as_ref() else { return None };
        if like.case_insensitive || like.escape_char.is_some() || pattern.contains('\\') {
            return None;
        }
        let not = if like.negated { "NOT LIKE" } else { "LIKE" };
        Some(Translated { sql: format!("({} {not} {})", value.sql, text(pattern)), data_type: DataType::Boolean })
    }

    /// Casts that lose nothing and cannot fail.
    fn cast(&self, expr: &Expr, wanted: &DataType) -> Option<Translated> {
        let value = self.expression(expr)?;
        let function = match (&value.data_type, wanted) {
            (from, to) if from == to => return Some(value),
            (DataType::Int32, DataType::Int64) => "toInt64",
            (DataType::Int32 | DataType::Int64 | DataType::UInt64 | DataType::Float32, DataType::Float64) => "toFloat64",
            (DataType::Timestamp(TimeUnit::Microsecond, Some(_)), DataType::Date32) if self.is_modern => {
                return Some(Translated {
                    sql: format!("toDate32(toTimeZone({}, 'UTC'))", value.sql),
                    data_type: DataType::Date32,
                });
            }
            _ => return None,
        };
        Some(Translated { sql: format!("{function}({})", value.sql), data_type: wanted.clone() })
    }

    fn function(&self, name: &str, arguments: &[Expr]) -> Option<Translated> {
        match (name, arguments) {
            ("date_trunc", [Expr::Literal(ScalarValue::Utf8(Some(unit)), _), moment]) => {
                let moment = self.expression(moment)?;
                let n_micros: i64 = match unit.to_lowercase().as_str() {
                    "second" => 1_000_000,
                    "minute" => 60_000_000,
                    "hour" => 3_600_000_000,
                    "day" => 86_400_000_000,
                    _ => return None,
                };
                let is_utc =
                    matches!(&moment.data_type, DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC");
                if !is_utc {
                    return None;
                }
                let micros = format!("toUnixTimestamp64Micro(toDateTime64({}, 6, 'UTC'))", moment.sql);
                let sql = format!("fromUnixTimestamp64Micro({micros} - positiveModulo({micros}, {n_micros}), 'UTC')");
                Some(Translated { sql, data_type: moment.data_type })
            }
            ("character_length" | "length" | "char_length", [value]) => {
                let value = self.expression(value).filter(|value| value.data_type == DataType::Utf8)?;
                Some(Translated { sql: format!("toInt32(lengthUTF8({}))", value.sql), data_type: DataType::Int32 })
            }
            _ => None,
        }
    }

    /// An aggregate.
    pub(crate) fn aggregate(&self, call: &AggregateFunction) -> Option<Translated> {
        let parameters = &call.params;
        if !parameters.order_by.is_empty() || parameters.null_treatment.is_some() {
            return None;
        }
        let condition = match &parameters.filter {
            Some(filter) => Some(self.condition(filter)?),
            None => None,
        };
        let (name, [argument]) = (call.func.name(), parameters.args.as_slice()) else { return None };
        if name == "count" && !parameters.distinct && matches!(argument, Expr::Literal(value, _) if !value.is_null()) {
            let sql = condition.map_or_else(|| "count()".to_owned(), |condition| format!("countIf({condition})"));
            return Some(Translated { sql, data_type: DataType::Int64 });
        }
        let value = self.expression(argument)?;
        let exact = is_exact(&value.data_type);
        let (function, data_type) = match (name, &value.data_type) {
            ("count", _) if parameters.distinct && exact => ("uniqExact", DataType::Int64),
            (_, _) if parameters.distinct => return None,
            ("count", _) => ("count", DataType::Int64),
            (_, _) if !self.is_modern => return None,
            ("sum", DataType::Int64) => ("sum", DataType::Int64),
            ("sum", DataType::UInt64) => ("sum", DataType::UInt64),
            ("sum", DataType::Float64) => ("sum", DataType::Float64),
            ("sum", DataType::Decimal128(precision, scale)) => {
                ("sum", DataType::Decimal128(precision.saturating_add(10).min(38), *scale))
            }
            ("avg", DataType::Float64) => ("avg", DataType::Float64),
            ("min" | "max", data_type) if exact && *data_type != DataType::Boolean => (name, data_type.clone()),
            _ => return None,
        };
        let sql = match condition {
            None => format!("{function}({})", value.sql),
            Some(condition) => format!("{function}If({}, {condition})", value.sql),
        };
        Some(Translated { sql, data_type })
    }
}

/// Whether values compare there as they do here.
pub(crate) fn is_exact(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt64
            | DataType::Utf8
            | DataType::Date32
            | DataType::Timestamp(..)
            | DataType::Decimal128(..)
    )
}

fn is_moment(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32)
}

fn arithmetic(left: &Translated, operator: &Operator, right: &Translated) -> Option<Translated> {
    // There the result is wider; the cast wraps around where ours does.
    let function = match &left.data_type {
        DataType::Int32 => "toInt32",
        DataType::Int64 => "toInt64",
        DataType::UInt64 => "toUInt64",
        DataType::Float64 => "toFloat64",
        _ => return None,
    };
    Some(Translated { sql: format!("{function}({} {operator} {})", left.sql, right.sql), data_type: left.data_type.clone() })
}

fn finite(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal(ScalarValue::Float64(Some(number)), _) if number.is_finite() => Some(*number),
        Expr::Literal(ScalarValue::Float32(Some(number)), _) if number.is_finite() => Some(f64::from(*number)),
        _ => None,
    }
}

fn literal(value: &ScalarValue) -> Option<Translated> {
    let sql = match value {
        ScalarValue::Boolean(Some(value)) => value.to_string(),
        ScalarValue::Int32(Some(value)) => format!("toInt32({value})"),
        ScalarValue::Int64(Some(value)) => format!("toInt64({value})"),
        ScalarValue::UInt64(Some(value)) => format!("toUInt64({value})"),
        ScalarValue::Float32(Some(value)) if value.is_finite() => format!("toFloat32({value:e})"),
        ScalarValue::Float64(Some(value)) if value.is_finite() => format!("toFloat64({value:e})"),
        ScalarValue::Utf8(Some(value)) => text(value),
        ScalarValue::Date32(Some(days)) => format!("(toDate32('1970-01-01') + {days})"),
        ScalarValue::TimestampMicrosecond(Some(micros), Some(zone)) if zone.as_ref() == "UTC" => {
            format!("fromUnixTimestamp64Micro(toInt64({micros}), 'UTC')")
        }
        ScalarValue::Decimal128(Some(digits), _, scale) => format!("toDecimal128('{}', {scale})", decimal(*digits, *scale)?),
        _ => return None,
    };
    Some(Translated { sql, data_type: value.data_type() })
}

/// The digits with the point where it belongs.
fn decimal(digits: i128, scale: i8) -> Option<String> {
    let scale = usize::try_from(scale).ok()?;
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, rest) = text.split_at(text.len() - scale);
    let sign = if digits < 0 { "-" } else { "" };
    Some(if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") })
}

/// A text as the cluster reads it.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
