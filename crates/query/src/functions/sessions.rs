//! Sessions: runs of events with no pause longer than a gap between them.
//!
//! `session_count(gap, time)` counts those of a group. `session_number(gap, time) OVER (PARTITION BY user_id ORDER BY time)`
//! numbers each row's session from 1, so that sessions can be grouped by.

use super::constant::{length_micros, length_type, time_type};
use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, PartitionEvaluatorArgs, StateFieldsArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, PartitionEvaluator, Signature, Volatility, WindowUDFImpl};
use std::sync::Arc;

fn argument_types(function: &str, given: &[DataType]) -> Result<Vec<DataType>> {
    match given {
        [gap, time] => Ok(vec![length_type(function, gap)?, time_type(function, time)?]),
        _ => plan_err!("{function} takes a gap and a time"),
    }
}

/// `session_count`
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionCount {
    signature: Signature,
}

impl Default for SessionCount {
    fn default() -> SessionCount {
        SessionCount { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for SessionCount {
    fn name(&self) -> &str {
        "session_count"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        argument_types("session_count", given)
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let times = DataType::new_list(DataType::Int64, true);
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "times"), times, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Times { gap_micros: length_micros("session_count", &args.exprs[0])?, times: Vec::new() }))
    }
}

#[derive(Debug)]
struct Times {
    gap_micros: i64,
    times: Vec<i64>,
}

impl Accumulator for Times {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.times.extend(values[1].as_primitive::<TimestampMicrosecondType>().iter().flatten());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.times.sort_unstable();
        let pauses = self.times.windows(2).filter(|pair| pair[1].saturating_sub(pair[0]) > self.gap_micros).count();
        let n_sessions = if self.times.is_empty() { 0 } else { pauses + 1 };
        Ok(ScalarValue::Int64(i64::try_from(n_sessions).ok()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.times.capacity() * size_of::<i64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let times: Vec<ScalarValue> = self.times.iter().map(|time| ScalarValue::Int64(Some(*time))).collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list(&times, &DataType::Int64, true))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for times in states[0].as_list::<i32>().iter().flatten() {
            self.times.extend(times.as_primitive::<Int64Type>().iter().flatten());
        }
        Ok(())
    }
}

/// `session_number`
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionNumber {
    signature: Signature,
}

impl Default for SessionNumber {
    fn default() -> SessionNumber {
        SessionNumber { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl WindowUDFImpl for SessionNumber {
    fn name(&self) -> &str {
        "session_number"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        argument_types("session_number", given)
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, true)))
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Numbers { gap_micros: length_micros("session_number", &args.input_exprs()[0])? }))
    }
}

#[derive(Debug)]
struct Numbers {
    gap_micros: i64,
}

impl PartitionEvaluator for Numbers {
    /// A row without a time has no session and does not end one.
    fn evaluate_all(&mut self, values: &[ArrayRef], _n_rows: usize) -> Result<ArrayRef> {
        let (mut number, mut last) = (1_i64, None);
        let times = values[1].as_primitive::<TimestampMicrosecondType>();
        let numbers = times.iter().map(|time| {
            let time = time?;
            number += i64::from(last.is_some_and(|last| time.saturating_sub(last) > self.gap_micros));
            last = Some(time);
            Some(number)
        });
        Ok(Arc::new(numbers.collect::<Int64Array>()))
    }
}
