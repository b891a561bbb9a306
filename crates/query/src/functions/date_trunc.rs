//! `date_trunc(unit, time)` as DataFusion has it, without looking up a time zone for each row where the zone is UTC: every
//! timestamp of ours is.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::datetime::date_trunc;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateTrunc {
    theirs: Arc<ScalarUDF>,
}

impl Default for DateTrunc {
    fn default() -> DateTrunc {
        DateTrunc { theirs: date_trunc() }
    }
}

const PLAIN: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &'static str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        self.theirs.aliases()
    }

    fn signature(&self) -> &Signature {
        self.theirs.signature()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.theirs.inner().return_type(given)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.theirs.inner().return_field_from_args(args)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = match args.return_type() {
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => zone.clone(),
            _ => return self.theirs.inner().invoke_with_args(args),
        };
        if let Some(time) = args.args.pop() {
            args.args.push(with_zone(time, None));
        }
        let plain = |field: &FieldRef| Arc::new(Field::clone(field).with_data_type(PLAIN));
        args.return_field = plain(&args.return_field);
        if let Some(time) = args.arg_fields.last_mut() {
            *time = plain(time);
        }
        Ok(with_zone(self.theirs.inner().invoke_with_args(args)?, Some(zone)))
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.theirs.inner().output_ordering(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.theirs.documentation()
    }
}

/// The same moments, said to be in another zone.
fn with_zone(time: ColumnarValue, zone: Option<Arc<str>>) -> ColumnarValue {
    match time {
        ColumnarValue::Array(array) => match array.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(moments) => ColumnarValue::Array(Arc::new(moments.clone().with_timezone_opt(zone))),
            None => ColumnarValue::Array(array),
        },
        ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(moment, _)) => {
            ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(moment, zone))
        }
        other => other,
    }
}
