import { FileUp } from 'lucide-react';
import { useState, type DragEvent } from 'react';
import { formatBytes } from '../../../../lib/format';
import { Code } from '../../../../ui/Code';
import { suggestName, withoutSample } from '../draft';
import { ARRAY_BYTES_MAX, headerOf, kindOf, sampleOf } from '../fileRecords';
import type { StepProps } from '../WizardPage';

const HEAD_BYTES = 1024 * 1024;

/** Chooses a file and looks at its beginning. Its content stays in the browser until the stream is made. */
export function FileForm({ wizard, file, onFile }: StepProps) {
  const { draft, change } = wizard;
  const [problem, setProblem] = useState<string | null>(null);
  const choose = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    const isWhole = chosen.size <= HEAD_BYTES;
    const head = await chosen.slice(0, HEAD_BYTES).text();
    const kind = kindOf(head);
    const isLarge = kind === 'json' && chosen.size > ARRAY_BYTES_MAX;
    if (kind === null || isLarge) {
      onFile(null);
      change((old) => ({ ...withoutSample(old), fileName: null }));
      setProblem(isLarge ? 'This JSON array is too large to be read in one piece here.' : 'This is not NDJSON, a JSON array or CSV in plain text.');
      return;
    }
    setProblem(null);
    onFile(chosen);
    const whole = kind === 'json' && !isWhole ? await chosen.text() : head;
    const payloads = sampleOf(whole, kind, isWhole || kind === 'json');
    const records = payloads.map((payload, index) => ({ partition: chosen.name, position: String(index), time: null, key: null, payload }));
    change((old) => ({
      ...withoutSample(old),
      fileName: chosen.name,
      name: old.isNamed ? old.name : suggestName(chosen.name),
      format: kind === 'csv' ? 'csv' : 'json',
      ...(kind === 'csv' ? headerOf(head) : {}),
      sample: { format: kind === 'csv' ? 'csv' : 'json', why: WHY[kind], records, encoding: 'utf8' },
    }));
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void choose(event.dataTransfer.files[0]);
  };
  return (
    <div className="flex max-w-3xl flex-col gap-3">
      <label
        onDragOver={(event) => event.preventDefault()}
        onDrop={drop}
        className="flex cursor-pointer flex-col items-center gap-1 rounded-lg border border-dashed border-control bg-surface p-6 text-center focus-within:border-accent hover:border-accent"
      >
        <FileUp size={20} aria-hidden className="text-accent" />
        <span className="font-medium">{file === null ? 'Choose a file, or drop it here' : file.name}</span>
        <span className="text-xs text-text-3">{file === null ? 'NDJSON, a JSON array, or CSV with a header line' : formatBytes(file.size)}</span>
        <input type="file" aria-label="File to load" className="sr-only" onChange={(event) => void choose(event.target.files?.[0])} />
      </label>
      {file === null && draft.fileName !== null && (
        <p className="text-sm text-warn">{`${draft.fileName} was chosen before the page was loaded anew. Choose it again, so that it can be uploaded.`}</p>
      )}
      {problem !== null && (
        <div role="alert" className="flex flex-col gap-2">
          <p className="text-sm text-crit">{problem} The command line loads it, also Parquet, gzip and zstd:</p>
          <Code label="In a shell" text={`helios load FILE --into ${draft.name === '' ? 'STREAM' : draft.name}`} />
        </div>
      )}
    </div>
  );
}

const WHY = { ndjson: 'each line is a JSON object', json: 'the file is a JSON array', csv: 'the first line names the columns' } as const;
