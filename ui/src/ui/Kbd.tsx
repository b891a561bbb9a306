import { printKeys } from '../lib/keys';

/** A shortcut, as it is printed on this machine's keys. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-1">
      {printKeys(keys).map((key, index) => (
        <kbd key={index} className="rounded-sm border border-line-strong bg-sunken px-1 font-mono text-2xs text-text-2">
          {key}
        </kbd>
      ))}
    </span>
  );
}
