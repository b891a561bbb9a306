import { Checkbox, Field, Input, Select } from '../../../ui/Field';
import { isComparable, isTimestamp, type Draft } from './draft';

const LATENESS = ['', '10 seconds', '1 minute', '5 minutes', '1 hour', '1 day'];
const RETENTION = ['', '1 day', '7 days', '30 days', '90 days', '365 days'];

type Props = { draft: Draft; onChange: (change: Partial<Draft>) => void };

/** Event time, key, order and retention: what is said about the rows beside their columns. */
export function StreamOptions({ draft, onChange }: Props) {
  const kept = draft.columns.filter((column) => column.isKept);
  const times = kept.filter(isTimestamp);
  const keys = kept.filter(isComparable);
  return (
    <div className="grid gap-x-4 gap-y-3 rounded-md border border-line bg-surface p-3 sm:grid-cols-2 xl:grid-cols-3">
      <Field label="Event time" hint={times.length === 0 ? 'No column is a timestamp.' : 'When it happened, as the record says.'}>
        {(slots) => (
          <Select {...slots} value={draft.eventTime} disabled={times.length === 0} onChange={(event) => onChange({ eventTime: event.target.value })}>
            <option value="">none: when it arrived</option>
            {times.map((column) => (
              <option key={column.path}>{column.name}</option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Late after" hint="Late rows are stored and counted, never dropped.">
        {(slots) => <Choices {...slots} values={LATENESS} empty="never counted as late" value={draft.lateness} disabled={draft.eventTime === ''} onChange={(lateness) => onChange({ lateness })} />}
      </Field>
      <Field label="Keep rows for" hint="Older ones are removed.">
        {(slots) => <Choices {...slots} values={RETENTION} empty="ever" value={draft.retain} onChange={(retain) => onChange({ retain })} />}
      </Field>
      <Columns label="Key" hint="Of rows with the same key one is kept." names={keys.map((column) => column.name)} chosen={draft.key} onChange={(key) => onChange({ key })} />
      <Field label="The same key within" hint="By arrival; exact, also across restarts.">
        {(slots) => <Input {...slots} value={draft.keyWithin} disabled={draft.key.length === 0} onChange={(event) => onChange({ keyWithin: event.target.value })} />}
      </Field>
      <Field label="Files by" hint="Questions about a time then read less.">
        {(slots) => (
          <Select {...slots} value={draft.partitionUnit} disabled={draft.eventTime === ''} onChange={(event) => onChange({ partitionUnit: event.target.value as Draft['partitionUnit'] })}>
            <option value="">no parts</option>
            <option value="hour">hour</option>
            <option value="day">day</option>
            <option value="month">month</option>
          </Select>
        )}
      </Field>
      <Columns label="Sorted by" hint="Questions about these then read less." names={keys.map((column) => column.name)} chosen={draft.orderBy} onChange={(orderBy) => onChange({ orderBy })} />
    </div>
  );
}

type ChoicesProps = { id: string; values: readonly string[]; empty: string; value: string; disabled?: boolean; onChange: (value: string) => void };

function Choices({ values, empty, value, onChange, ...slots }: ChoicesProps) {
  return (
    <Select {...slots} value={value} onChange={(event) => onChange(event.target.value)}>
      {[...new Set([...values, value])].map((each) => (
        <option key={each} value={each}>
          {each === '' ? empty : each}
        </option>
      ))}
    </Select>
  );
}

/** Columns in the order they are ticked. */
function Columns({ label, hint, names, chosen, onChange }: { label: string; hint: string; names: readonly string[]; chosen: readonly string[]; onChange: (chosen: string[]) => void }) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1 text-xs font-medium text-text-2">{label}</legend>
      <div className="flex max-h-28 flex-wrap gap-x-4 overflow-auto rounded-md border border-line px-2 py-1">
        {names.length === 0 && <span className="text-xs text-text-3">No column has a single value.</span>}
        {names.map((name, index) => (
          <Checkbox
            // While a person types, two columns may have one name for a moment.
            key={index}
            checked={chosen.includes(name)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, name] : chosen.filter((each) => each !== name))}
            label={
              <span className="font-mono text-xs">
                {name}
                {chosen.length > 1 && chosen.includes(name) && <span className="num text-text-3"> {chosen.indexOf(name) + 1}</span>}
              </span>
            }
          />
        ))}
      </div>
      <p className="mt-1 text-xs text-text-3">{hint}</p>
    </fieldset>
  );
}
