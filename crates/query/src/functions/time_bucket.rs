//! `time_bucket(interval, time [, origin])`: `date_bin` that also takes its interval as text.

use super::constant::length_type;
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::{Result, plan_err};
use datafusion::functions::datetime::date_bin;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TimeBucket {
    signature: Signature,
}

impl Default for TimeBucket {
    fn default() -> TimeBucket {
        TimeBucket { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TimeBucket {
    fn name(&self) -> &str {
        "time_bucket"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (interval, time, origin) = match given {
            [interval, time] => (interval, time, None),
            [interval, time, origin] => (interval, time, Some(origin)),
            _ => return plan_err!("time_bucket takes an interval, a time and perhaps an origin"),
        };
        let interval = match length_type("time_bucket", interval)? {
            interval @ DataType::Interval(IntervalUnit::MonthDayNano) => interval,
            _ => return plan_err!("time_bucket takes an INTERVAL first, such as '5 minutes'"),
        };
        let time = match time {
            DataType::Timestamp(..) => time.clone(),
            DataType::Date32 | DataType::Date64 | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            other => return plan_err!("time_bucket takes a timestamp second, not {other}"),
        };
        let zone = if let DataType::Timestamp(_, zone) = &time { zone.clone() } else { None };
        let origin = origin.map(|_| DataType::Timestamp(TimeUnit::Nanosecond, zone));
        Ok([interval, time].into_iter().chain(origin).collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        date_bin().inner().return_type(given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        date_bin().inner().invoke_with_args(args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        date_bin().inner().output_ordering(inputs)
    }
}
