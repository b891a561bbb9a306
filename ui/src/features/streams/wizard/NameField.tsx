import { Field, Input } from '../../../ui/Field';
import type { Draft } from './draft';

/** What the stream, and its table, will be called. */
export function NameField({ draft, problem, onChange }: { draft: Draft; problem: string | null; onChange: (name: string) => void }) {
  return (
    <Field label="Name of the stream" error={draft.name === '' ? undefined : (problem ?? undefined)} hint="Its table has the same name: lower-case letters, digits and underscores." className="max-w-sm">
      {(slots) => <Input {...slots} className="font-mono" value={draft.name} maxLength={63} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  );
}
