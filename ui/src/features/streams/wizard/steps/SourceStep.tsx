import { clsx } from 'clsx';
import { FileUp, Globe, Network, Waves, ShoppingBag, type LucideIcon } from 'lucide-react';
import { emptyDraft, suggestName, type SourceKind } from '../draft';
import type { StepProps } from '../WizardPage';

const SOURCES: readonly { kind: SourceKind; name: string; what: string; needs: string; icon: LucideIcon }[] = [
  { kind: 'kafka', name: 'Kafka', what: 'Reads a topic from where you say, and stays with it.', needs: 'You need the brokers’ addresses, the topic, and a login if the cluster wants one.', icon: Network },
  { kind: 'kinesis', name: 'Kinesis', what: 'Reads all shards of a stream, through splits and merges.', needs: 'You need the stream, its region, and credentials that the server finds.', icon: Waves },
  { kind: 'http', name: 'HTTP', what: 'Your programs push JSON or CSV; an answer means it is on disk.', needs: 'You need nothing but a name. The address and a curl line come next.', icon: Globe },
  { kind: 'file', name: 'File', what: 'Loads NDJSON, a JSON array or CSV from this computer.', needs: 'You need the file. Very large and Parquet files go in with the command line.', icon: FileUp },
  { kind: 'demo', name: 'Demo', what: 'Makes up the events of a shop, to look around with.', needs: 'You need nothing. It can be removed with one click.', icon: ShoppingBag },
];

/** Where the events come from. */
export function SourceStep({ wizard, takenNames }: StepProps) {
  const { draft, change, goTo } = wizard;
  const choose = (kind: SourceKind) => {
    if (kind !== draft.source) {
      const name = kind === 'demo' ? freeName('shop', takenNames) : '';
      change({ ...emptyDraft(), source: kind, name: suggestName(name) });
    }
    goTo('connect');
  };
  return (
    <section aria-labelledby="source-title">
      <h2 id="source-title" className="mb-3 text-lg font-semibold">
        Where do the events come from?
      </h2>
      <ul className="grid gap-3 sm:grid-cols-2">
        {SOURCES.map(({ kind, name, what, needs, icon: Icon }) => (
          <li key={kind}>
            <button
              type="button"
              aria-pressed={draft.source === kind}
              onClick={() => choose(kind)}
              className={clsx('flex h-full w-full flex-col items-start gap-1.5 rounded-lg border bg-surface p-4 text-left hover:border-accent', draft.source === kind ? 'border-accent bg-accent-tint' : 'border-control')}
            >
              <span className="flex items-center gap-2 text-base font-semibold">
                <Icon size={18} aria-hidden className="text-accent" />
                {name}
              </span>
              <span className="text-sm">{what}</span>
              <span className="text-xs text-text-2">{needs}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A name nobody has yet. */
function freeName(name: string, taken: readonly string[]): string {
  let free = name;
  for (let n = 2; taken.includes(free); n += 1) free = `${name}_${n}`;
  return free;
}
