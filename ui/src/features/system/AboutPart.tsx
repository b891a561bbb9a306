import { useLiveStatus } from '../../api/useLive';
import { Panel } from '../../ui/Panel';

const PARTS = [
  ['Server and app', 'Apache-2.0'],
  ['React, TanStack Router, Query and Virtual, CodeMirror, uPlot, sql-formatter, clsx', 'MIT'],
  ['Lucide icons', 'ISC'],
  ['flechette', 'BSD-3-Clause'],
  ['IBM Plex', 'OFL-1.1'],
] as const;

/** What this is and what it is made of. */
export function AboutPart() {
  const { version } = useLiveStatus();
  return (
    <Panel title={`Helios ${version ?? ''}`}>
      <div className="flex flex-col gap-4 p-4">
        <p className="max-w-prose text-text-2">Turns event streams into SQL tables you can question seconds later. Everything this page needs came with the server; it asks nobody else for anything.</p>
        <p>
          <a className="font-medium text-accent underline" href="/api/v1/openapi.json">
            The HTTP interface as OpenAPI
          </a>
        </p>
        <dl className="max-w-xl">
          {PARTS.map(([name, licence]) => (
            <div key={name} className="flex justify-between gap-4 border-t border-line py-1.5">
              <dt>{name}</dt>
              <dd className="shrink-0 text-text-2">{licence}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Panel>
  );
}
