//! `window_funnel(window, time, step1, step2, ...)`: how many steps were taken in order within the window.
//!
//! As ClickHouse's `windowFunnel` in its default mode, except that rows of the same time count in a fixed order (earlier
//! steps first), so that the answer does not depend on the order rows arrive in. One row takes at most one step further.

use super::constant::{length_micros, length_type, time_type};
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int32Array};
use arrow::datatypes::{DataType, Field, FieldRef, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
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
        Ok(Box::new(Funnel { asked: Asked::of(&args)?, events: Vec::new() }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Funnels { asked: Asked::of(&args)?, groups: Vec::new(), n_events: 0 }))
    }
}

/// A row that is some step: its time, and the steps it is as bits.
type Event = (i64, u32);
const EVENT_BYTES: usize = 12;

/// What a funnel asks.
#[derive(Debug, Clone, Copy)]
struct Asked {
    window_micros: i64,
    n_steps: usize,
}

impl Asked {
    fn of(args: &AccumulatorArgs<'_>) -> Result<Asked> {
        Ok(Asked { window_micros: length_micros("window_funnel", &args.exprs[0])?, n_steps: args.exprs.len() - 2 })
    }

    /// Follows every start at once: for each step, the latest start that reached it.
    fn deepest(self, events: &mut [Event]) -> i32 {
        events.sort_unstable();
        let mut starts = [None; N_STEPS_MAX];
        for (time, steps) in events {
            // From the last step down, so that one row does not take two steps.
            for step in (0..self.n_steps).rev().filter(|step| *steps & (1 << step) != 0) {
                if step == 0 {
                    starts[0] = Some(*time);
                } else if let Some(start) = starts[step - 1].filter(|start| time.saturating_sub(*start) <= self.window_micros) {
                    starts[step] = Some(start);
                }
            }
        }
        let deepest = starts.iter().rposition(Option::is_some).map_or(0, |step| step + 1);
        i32::try_from(deepest).expect("there are at most 32 steps")
    }
}

/// For each row the steps it is, as bits.
fn masks(steps: &[ArrayRef], n_rows: usize) -> Vec<u32> {
    let mut masks = vec![0; n_rows];
    for (i, step) in steps.iter().enumerate() {
        let step = step.as_boolean();
        let is_step = match step.nulls() {
            Some(nulls) => step.values() & nulls.inner(),
            None => step.values().clone(),
        };
        is_step.set_indices().for_each(|row| masks[row] |= 1 << i);
    }
    masks
}

/// The rows of a batch that are some step.
fn events(values: &[ArrayRef]) -> impl Iterator<Item = (usize, Event)> + '_ {
    let times = values[1].as_primitive::<TimestampMicrosecondType>();
    let masks = masks(&values[2..], times.len()).into_iter().enumerate();
    masks.filter(|(row, mask)| *mask != 0 && times.is_valid(*row)).map(|(row, mask)| (row, (times.value(row), mask)))
}

fn is_wanted(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

fn to_bytes(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|(time, steps)| time.to_le_bytes().into_iter().chain(steps.to_le_bytes())).collect()
}

fn from_bytes(bytes: &[u8]) -> impl Iterator<Item = Event> + '_ {
    bytes.chunks_exact(EVENT_BYTES).map(|event| {
        let (time, steps) = event.split_at(8);
        let time = i64::from_le_bytes(time.try_into().expect("an event begins with 8 bytes of time"));
        (time, u32::from_le_bytes(steps.try_into().expect("an event ends with 4 bytes of steps")))
    })
}

/// One group.
#[derive(Debug)]
struct Funnel {
    asked: Asked,
    events: Vec<Event>,
}

impl Accumulator for Funnel {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.events.extend(events(values).map(|(_, event)| event));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int32(Some(self.asked.deepest(&mut self.events))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.events.capacity() * size_of::<Event>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(to_bytes(&self.events)))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states: &BinaryArray = states[0].as_binary();
        self.events.extend(states.iter().flatten().flat_map(from_bytes));
        Ok(())
    }
}

/// All groups of a GROUP BY: a batch's rows go to theirs in one pass.
#[derive(Debug)]
struct Funnels {
    asked: Asked,
    groups: Vec<Vec<Event>>,
    n_events: usize,
}

impl Funnels {
    fn add(&mut self, group: usize, events: impl Iterator<Item = Event>) {
        let before = self.groups[group].len();
        self.groups[group].extend(events);
        self.n_events += self.groups[group].len() - before;
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<Event>> {
        let taken = emit_to.take_needed(&mut self.groups);
        self.n_events -= taken.iter().map(Vec::len).sum::<usize>();
        taken
    }
}

impl GroupsAccumulator for Funnels {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        n_groups: usize,
    ) -> Result<()> {
        self.groups.resize_with(n_groups, Vec::new);
        for (row, event) in events(values).filter(|(row, _)| is_wanted(filter, *row)) {
            self.add(groups[row], std::iter::once(event));
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], n_groups: usize) -> Result<()> {
        self.groups.resize_with(n_groups, Vec::new);
        let states: &BinaryArray = states[0].as_binary();
        for (state, group) in states.iter().zip(groups) {
            self.add(*group, from_bytes(state.unwrap_or_default()));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let deepest = self.take(emit_to).into_iter().map(|mut events| self.asked.deepest(&mut events));
        Ok(Arc::new(Int32Array::from_iter_values(deepest)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let states = self.take(emit_to).into_iter().map(|events| to_bytes(&events));
        Ok(vec![Arc::new(BinaryArray::from_iter_values(states))])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut states = vec![Vec::new(); values[1].len()];
        for (row, event) in events(values).filter(|(row, _)| is_wanted(filter, *row)) {
            states[row] = to_bytes(&[event]);
        }
        Ok(vec![Arc::new(BinaryArray::from_iter_values(states))])
    }

    fn size(&self) -> usize {
        // Lists grow by doubling: half of their room may be empty.
        size_of_val(self) + self.groups.capacity() * size_of::<Vec<Event>>() + 2 * self.n_events * size_of::<Event>()
    }
}
