import { formatExact } from '../../../lib/format';
import type { Sample } from './draft';

/** The sample, beside whatever is being decided about it. */
export function SamplePane({ sample }: { sample: Sample }) {
  return (
    <aside aria-label="Sample" className="w-full shrink-0 self-start rounded-lg border border-line bg-surface lg:sticky lg:top-4 lg:w-56 xl:w-64">
      <h2 className="border-b border-line px-3 py-2 text-sm font-semibold">
        Sample <span className="font-normal text-text-3">{formatExact(sample.records.length)} records</span>
      </h2>
      <div tabIndex={0} role="region" aria-label="Records of the sample" className="max-h-[60vh] divide-y divide-line overflow-auto">
        {sample.records.slice(0, 20).map((record, index) => (
          <pre key={index} dir="auto" className="px-3 py-1.5 font-mono text-2xs whitespace-pre-wrap [overflow-wrap:anywhere]">
            {sample.encoding === 'base64' ? `base64 ${record.payload.slice(0, 200)}` : record.payload.slice(0, 600)}
          </pre>
        ))}
      </div>
    </aside>
  );
}
