import { clsx } from 'clsx';
import { Check } from 'lucide-react';
import { isDone, reachable, stepsOf, type Draft, type Step } from './draft';

const NAMES: Record<Step, string> = { source: 'Source', connect: 'Connect', sample: 'Sample', schema: 'Columns', review: 'Review' };

/** Where one is, what is done, and what is still to come. */
export function StepRail({ draft, step, goTo }: { draft: Draft; step: Step; goTo: (step: Step) => void }) {
  const steps = stepsOf(draft);
  return (
    <nav aria-label="Steps" className="shrink-0 lg:w-44">
      <ol className="flex gap-1 overflow-x-auto lg:flex-col">
        {steps.map((each, index) => {
          const isCurrent = each === step;
          const done = isDone(draft, each) && !isCurrent;
          return (
            <li key={each} className="shrink-0">
              <button
                type="button"
                aria-current={isCurrent ? 'step' : undefined}
                disabled={!reachable(draft, each)}
                onClick={() => goTo(each)}
                className={clsx(
                  'flex h-9 w-full items-center gap-2 rounded-md px-2 text-left text-sm disabled:text-text-3 pointer-coarse:h-11',
                  isCurrent ? 'bg-accent-tint font-semibold text-accent' : 'text-text-2 enabled:hover:bg-sunken',
                )}
              >
                <span aria-hidden className={clsx('num grid size-5 shrink-0 place-items-center rounded-full border text-2xs', isCurrent ? 'border-accent' : 'border-control')}>
                  {done ? <Check size={11} /> : index + 1}
                </span>
                <span className={clsx(!isCurrent && 'max-sm:sr-only')}>
                  {NAMES[each]}
                  {done && <span className="sr-only">, done</span>}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
