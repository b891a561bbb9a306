//! Arguments that must be constants: lengths of time.

use arrow::datatypes::{DataType, IntervalUnit, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use std::sync::Arc;

/// What a length of time is coerced to: an interval, or seconds.
pub(super) fn length_type(function: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::Interval(_) | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Duration(_) => {
            Ok(DataType::Interval(IntervalUnit::MonthDayNano))
        }
        given if given.is_integer() => Ok(DataType::Int64),
        given => plan_err!("{function} takes a length of time first, an INTERVAL or a number of seconds, not {given}"),
    }
}

/// What an event's time is coerced to: microseconds.
pub(super) fn time_type(function: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::Timestamp(_, zone) => Ok(DataType::Timestamp(TimeUnit::Microsecond, zone.clone())),
        DataType::Date32 | DataType::Date64 | DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Ok(DataType::Timestamp(TimeUnit::Microsecond, None))
        }
        given => plan_err!("{function} takes a timestamp second, not {given}"),
    }
}

/// The microseconds of a constant length of time.
pub(super) fn length_micros(function: &str, expr: &Arc<dyn PhysicalExpr>) -> Result<i64> {
    const DAY_MICROS: i64 = 86_400_000_000;
    let value = match expr.evaluate(&RecordBatch::new_empty(Arc::new(Schema::empty()))) {
        Ok(ColumnarValue::Scalar(value)) => value,
        _ => return plan_err!("{function} takes a constant length of time first"),
    };
    let micros = match value {
        ScalarValue::Int64(Some(seconds)) => seconds.checked_mul(1_000_000),
        ScalarValue::IntervalMonthDayNano(Some(interval)) if interval.months == 0 => {
            i64::from(interval.days).checked_mul(DAY_MICROS).and_then(|days| days.checked_add(interval.nanoseconds / 1_000))
        }
        ScalarValue::IntervalMonthDayNano(Some(_)) => {
            return plan_err!("{function} takes no months: they differ in length, write days");
        }
        _ => None,
    };
    match micros {
        Some(micros) if micros >= 0 => Ok(micros),
        _ => plan_err!("{function} takes a length of time first that is not negative"),
    }
}
