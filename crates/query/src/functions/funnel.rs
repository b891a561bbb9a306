//! `window_funnel(window, time, step1, step2, ...)`: how many steps were taken in order within the window.
//!
//! As ClickHouse's `windowFunnel` in its default mode, except that rows of the same time count in a fixed order (earlier
//! steps first), so that the answer does not depend on the order rows arrive in. One row takes at most one step further.

use super::constant::{length_micros, length_type, time_type};
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::datatypes::{DataType, Field, FieldRef, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// Steps fit into the bits of a mask.
const N_STEPS_MAX: usize = 32;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WindowFunnel {
    signature: Signature,
}

impl Default for WindowFunnel {
    fn default() -> WindowFunnel {
        WindowFunnel { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for WindowFunnel {
    fn name(&self) -> &str {
        "window_funnel"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [window, time, steps @ ..] if (1..=N_STEPS_MAX).contains(&steps.len()) => {
                let mut types = vec![length_type("window_funnel", window)?, time_type("window_funnel", time)?];
                types.extend(steps.iter().map(|_| DataType::Boolean));
                Ok(types)
            }
            _ => plan_err!("window_funnel takes a window, a time and 1 to {N_STEPS_MAX} conditions"),
        }
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int32(Some(0)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "events"), DataType::Binary, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let window_micros = length_micros("window_funnel", &args.exprs[0])?;
        Ok(Box::new(Funnel { window_micros, n_steps: args.exprs.len() - 2, events: Vec::new() }))
    }
}

/// A row that is some step: its time, and the steps it is as bits.
type Event = (i64, u32);
const EVENT_BYTES: usize = 12;

#[derive(Debug)]
struct Funnel {
    window_micros: i64,
    n_steps: usize,
    events: Vec<Event>,
}

impl Funnel {
    /// Follows every start at once: for each step, the latest start that reached it.
    fn deepest(&mut self) -> usize {
        self.events.sort_unstable();
        let mut starts: Vec<Option<i64>> = vec![None; self.n_steps];
        for (time, steps) in &self.events {
            // From the last step down, so that one row does not take two steps.
            for step in (0..self.n_steps).rev().filter(|step| steps & (1 << step) != 0) {
                if step == 0 {
                    starts[0] = Some(*time);
                } else if let Some(start) = starts[step - 1].filter(|start| time.saturating_sub(*start) <= self.window_micros) {
                    starts[step] = Some(start);
                }
            }
        }
        starts.iter().rposition(Option::is_some).map_or(0, |step| step + 1)
    }
}

impl Accumulator for Funnel {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let times = values[1].as_primitive::<TimestampMicrosecondType>();
        let steps: Vec<_> = values[2..].iter().map(|step| step.as_boolean()).collect();
        for row in (0..times.len()).filter(|row| times.is_valid(*row)) {
            let is_step =
                |(i, step): (usize, &&arrow::array::BooleanArray)| u32::from(step.is_valid(row) && step.value(row)) << i;
            let mask = steps.iter().enumerate().map(is_step).sum();
            if mask != 0 {
                self.events.push((times.value(row), mask));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int32(i32::try_from(self.deepest()).ok()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.events.capacity() * size_of::<Event>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let bytes = self.events.iter().flat_map(|(time, steps)| time.to_le_bytes().into_iter().chain(steps.to_le_bytes()));
        Ok(vec![ScalarValue::Binary(Some(bytes.collect()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states: &BinaryArray = states[0].as_binary();
        for event in states.iter().flatten().flat_map(|bytes| bytes.chunks_exact(EVENT_BYTES)) {
            let (time, steps) = event.split_at(8);
            let time = i64::from_le_bytes(time.try_into().expect("an event begins with 8 bytes of time"));
            self.events.push((time, u32::from_le_bytes(steps.try_into().expect("an event ends with 4 bytes of steps"))));
        }
        Ok(())
    }
}
