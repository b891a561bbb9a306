import { formatCount, formatExact } from '../../../lib/format';

type Props = { label: string; labelName: string; valueName: string; bars: { label: string; value: number }[] };

/** Lying bars, as a table: the numbers stand beside them, so that nothing has to be read off a picture. */
export function BarChart({ label, labelName, valueName, bars }: Props) {
  const low = Math.min(0, ...bars.map((bar) => bar.value));
  const high = Math.max(0, ...bars.map((bar) => bar.value));
  const span = high - low || 1;
  return (
    <table className="w-full table-fixed border-collapse text-xs">
      <caption className="sr-only">{label}</caption>
      <colgroup>
        <col className="w-[30%] max-w-56 md:w-48" />
        <col />
      </colgroup>
      <thead>
        <tr>
          <th scope="col" className="pr-2 pb-1 text-right font-semibold text-text-2">
            {labelName}
          </th>
          <th scope="col" className="pb-1 text-left font-semibold text-text-2">
            {valueName}
          </th>
        </tr>
      </thead>
      <tbody>
        {bars.map((bar) => (
          <tr key={bar.label}>
            <th scope="row" dir="auto" className="isolate-text truncate py-0.5 pr-2 text-right font-normal text-text-2" title={bar.label}>
              {bar.label}
            </th>
            <td className="py-0.5">
              <div className="relative flex h-6 items-center">
                <div
                  aria-hidden
                  data-mark
                  className="absolute h-4 rounded-sm bg-c1"
                  style={{ left: `${((Math.min(0, bar.value) - low) / span) * 82}%`, width: `${Math.max(0.4, (Math.abs(bar.value) / span) * 82)}%` }}
                />
                <span className="num absolute pl-1.5" title={formatExact(bar.value)} style={{ left: `${((Math.max(0, bar.value) - low) / span) * 82}%` }}>
                  {formatCount(bar.value)}
                </span>
              </div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
