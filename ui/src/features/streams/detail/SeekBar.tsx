import { useState, type FormEvent } from 'react';
import type { StreamDetail } from '../../../api/types';
import { Button } from '../../../ui/Button';
import { Input, Select } from '../../../ui/Field';
import type { Seek } from './seek';

type Kind = 'newest' | Seek['kind'];

/** Where reading begins. The newest rows and the oldest need no more to be said; a time and a position do. */
export function SeekBar({ stream, seek, onSeek }: { stream: StreamDetail; seek: Seek | null; onSeek: (seek: Seek | null) => void }) {
  const [kind, setKind] = useState<Kind>(seek?.kind ?? 'newest');
  const partitions = (stream.partitions ?? []).map((one) => one.partition);
  const [at, setAt] = useState(() => (seek?.kind === 'time' ? seek.at : new Date(Date.now() - 600_000).toISOString().slice(0, 19)).replace(/(\.\d+)?Z$/, ''));
  const [partition, setPartition] = useState(seek?.kind === 'position' ? seek.partition : (partitions[0] ?? ''));
  const [from, setFrom] = useState(seek?.kind === 'position' ? seek.from : '0');
  const choose = (next: Kind) => {
    setKind(next);
    if (next === 'newest') onSeek(null);
    if (next === 'oldest') onSeek({ kind: 'oldest' });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (kind === 'time' && !Number.isNaN(Date.parse(`${at}Z`))) onSeek({ kind: 'time', at: `${at}Z` });
    if (kind === 'position' && /^-?\d+$/.test(from.trim())) onSeek({ kind: 'position', partition, from: from.trim() });
  };
  return (
    <form onSubmit={submit} className="flex flex-wrap items-center gap-2">
      <span className="w-36">
        <Select aria-label="Show rows from" value={kind} onChange={(event) => choose(event.target.value as Kind)}>
          <option value="newest">Newest, live</option>
          <option value="oldest">Oldest</option>
          <option value="time">A time…</option>
          <option value="position">A position…</option>
        </Select>
      </span>
      {kind === 'time' && (
        <span className="w-56">
          <Input aria-label="Time, in UTC" type="datetime-local" step={1} value={at} onChange={(event) => setAt(event.target.value)} />
        </span>
      )}
      {kind === 'position' && (
        <>
          <span className="w-28">
            <Select aria-label="Partition" className="font-mono" value={partition} onChange={(event) => setPartition(event.target.value)}>
              {[...new Set([...partitions, partition])].map((each) => (
                <option key={each}>{each}</option>
              ))}
            </Select>
          </span>
          <span className="w-40">
            <Input aria-label="Position" inputMode="numeric" className="font-mono" value={from} onChange={(event) => setFrom(event.target.value)} />
          </span>
        </>
      )}
      {(kind === 'time' || kind === 'position') && (
        <Button type="submit" kind="outline">
          Go
        </Button>
      )}
    </form>
  );
}
