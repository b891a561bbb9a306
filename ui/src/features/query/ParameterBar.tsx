import { inputKind } from '../../lib/parameters';
import { Input } from '../../ui/Field';

type Props = {
  names: readonly string[];
  types: Readonly<Record<string, string | null>>;
  values: Readonly<Record<string, string>>;
  onChange: (name: string, value: string) => void;
  onRun: () => void;
};

const EXAMPLES = { number: 'number', timestamp: '2026-11-21T06:00:00Z', boolean: 'true or false', text: 'text' } as const;

/** One input for each parameter of the statement. Enter runs it; what is left empty is NULL. */
export function ParameterBar({ names, types, values, onChange, onRun }: Props) {
  if (names.length === 0) return null;
  return (
    <form
      aria-label="Parameters"
      className="flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-line bg-canvas px-3 py-2"
      onSubmit={(event) => {
        event.preventDefault();
        onRun();
      }}
    >
      {names.map((name) => {
        const kind = inputKind(name, types[name] ?? null);
        return (
          <label key={name} className="flex min-w-0 items-center gap-2 font-mono text-xs">
            <span className="text-[var(--syn-param)]">:{name}</span>
            <Input
              name={`p.${name}`}
              className="w-44 font-mono"
              inputMode={kind === 'number' ? 'decimal' : 'text'}
              placeholder={EXAMPLES[kind]}
              title={types[name] ? `${name} is compared with ${types[name]}` : undefined}
              value={values[name] ?? ''}
              onChange={(event) => onChange(name, event.target.value)}
            />
          </label>
        );
      })}
      {/* With a submit button Enter works in every one of several inputs. */}
      <button type="submit" className="sr-only">
        Run with these parameters
      </button>
    </form>
  );
}
