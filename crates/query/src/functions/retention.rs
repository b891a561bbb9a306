//! `retention(condition1, condition2, ...)`: which conditions came true, of those for whom the first one did.
//!
//! As ClickHouse's `retention`: element i of the answer is true when some row met the first condition and some row met
//! condition i.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, UInt32Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// Conditions fit into the bits of a mask.
const N_CONDITIONS_MAX: usize = 32;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Retention {
    signature: Signature,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Retention {
    fn name(&self) -> &str {
        "retention"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if !(1..=N_CONDITIONS_MAX).contains(&given.len()) {
            return plan_err!("retention takes 1 to {N_CONDITIONS_MAX} conditions");
        }
        Ok(vec![DataType::Boolean; given.len()])
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::Boolean, true))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "met"), DataType::UInt32, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Met { n_conditions: args.exprs.len(), mask: 0 }))
    }
}

/// Which conditions some row met, as bits.
#[derive(Debug)]
struct Met {
    n_conditions: usize,
    mask: u32,
}

impl Accumulator for Met {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (i, condition) in values.iter().enumerate() {
            self.mask |= u32::from(condition.as_boolean().has_true()) << i;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let first = self.mask & 1 != 0;
        let met: Vec<ScalarValue> =
            (0..self.n_conditions).map(|i| ScalarValue::Boolean(Some(first && self.mask & (1 << i) != 0))).collect();
        Ok(ScalarValue::List(ScalarValue::new_list(&met, &DataType::Boolean, true)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::UInt32(Some(self.mask))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let masks = states[0].as_primitive::<UInt32Type>();
        self.mask = masks.iter().flatten().fold(self.mask, |met, mask| met | mask);
        Ok(())
    }
}
