import { Field, Input } from '../../../../ui/Field';
import type { DemoDraft } from '../draft';
import type { StepProps } from '../WizardPage';

/** The made-up shop's few settings. */
export function DemoForm({ wizard }: StepProps) {
  const { demo } = wizard.draft;
  const set = (part: Partial<DemoDraft>) => wizard.change({ demo: { ...demo, ...part } });
  return (
    <div className="grid max-w-2xl gap-3 sm:grid-cols-3">
      <Field label="Events a second" hint="On average over a day.">
        {(slots) => <Input {...slots} inputMode="numeric" value={demo.rate} onChange={(event) => set({ rate: event.target.value.replace(/\D/g, '') })} />}
      </Field>
      <Field label="Minutes already there" hint="How far back it begins.">
        {(slots) => <Input {...slots} inputMode="numeric" value={demo.backfillMinutes} onChange={(event) => set({ backfillMinutes: event.target.value.replace(/\D/g, '') })} />}
      </Field>
      <Field label="Share that does not fit" hint="So that quarantine has something to show.">
        {(slots) => <Input {...slots} inputMode="decimal" value={demo.malformed} onChange={(event) => set({ malformed: event.target.value.replace(/[^\d.]/g, '') })} />}
      </Field>
    </div>
  );
}
