import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { runSql } from '../../../../api/sql';
import { Code } from '../../../../ui/Code';
import { Failure } from '../../../../ui/Empty';
import { toast } from '../../../../ui/Toast';
import { ClusterChoice } from '../../../sinks/ClusterChoice';
import { createSink } from '../../../sinks/sinks';
import { Actions } from '../Actions';
import { isRead, nameProblem, type Draft } from '../draft';
import { kindOf, renamedHeader, type FileKind } from '../fileRecords';
import { Listening } from '../Listening';
import { cliLine, delimiterOf, statementOf } from '../statement';
import { uploadFile, type UploadState } from '../upload';
import { UploadProgress } from '../UploadProgress';
import type { StepProps } from '../WizardPage';

/** The statement that will be run: nothing here could not have been typed. */
export function ReviewStep({ wizard, file, takenNames }: StepProps) {
  const { draft } = wizard;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const statement = statementOf(draft);
  const [cluster, setCluster] = useState('');
  const sink = cluster === '' ? null : createSink(draft.name, cluster, draft.name);
  const [isMade, setMade] = useState(false);
  const [upload, setUpload] = useState<UploadState | null>(null);
  const problem = isMade ? null : nameProblem(draft.name, takenNames);
  const needsFile = draft.source === 'file' && file === null;
  const make = useMutation({
    mutationFn: async () => {
      if (!isMade) await runSql(statement);
      setMade(true);
      if (sink !== null) await runSql(sink);
      setCluster('');
      wizard.forget();
      void queries.invalidateQueries();
      if (draft.source === 'file' && file !== null) {
        const kind = kindOf(await file.slice(0, 4096).text());
        if (kind !== null) setUpload(await uploadFile(draft.name, file, kind, headerFor(draft, kind), setUpload, new AbortController().signal));
        void queries.invalidateQueries();
      }
    },
    onSuccess: () => {
      toast(`Created ${draft.name}`);
      if (isRead(draft) || draft.source === 'demo') void navigate({ to: '/streams/$name', params: { name: draft.name }, search: { tab: 'health' } as never });
    },
  });
  return (
    <section aria-labelledby="review-title" className="flex min-w-0 flex-col gap-4">
      <h2 id="review-title" className="text-lg font-semibold">
        {isMade ? `${draft.name} exists` : 'This is the statement that will be run'}
      </h2>
      <Code label="SQL" text={sink === null ? statement : `${statement}\n${sink};`} />
      {!isMade && draft.columns.length > 0 && <ClusterChoice value={cluster} onChange={setCluster} />}
      <Code label="The same in a shell" text={shellLines(statement, sink, draft)} />
      {make.isError && <Failure error={make.error} doing={failed(draft, isMade, sink)} onRetry={() => make.mutate()} />}
      {upload !== null && <UploadProgress name={draft.name} state={upload} isDone={make.isSuccess} />}
      {isMade && draft.source === 'http' && <Listening name={draft.name} example={draft.sample?.records[0]?.payload ?? null} />}
      {!isMade && (
        <Actions
          onBack={wizard.back}
          onNext={() => make.mutate()}
          next={draft.source === 'file' ? 'Create the stream and load the file' : 'Create the stream'}
          disabled={make.isPending || problem !== null || needsFile}
          why={needsFile ? 'Choose the file again in step 2: browsers forget it when a page is loaded anew.' : (problem ?? 'The stream is being created.')}
        />
      )}
    </section>
  );
}

/** The line that names the fields, where it is another than the file's own. */
function headerFor(draft: Draft, kind: FileKind): string | null {
  if (kind !== 'csv') return null;
  const header = renamedHeader(draft.csvHeader, delimiterOf(draft), draft.columns.filter((column) => column.isKept));
  return header === draft.csvHeader ? null : header;
}

/** What was being done when it failed. */
function failed(draft: Draft, isMade: boolean, sink: string | null): string {
  if (!isMade) return `creating ${draft.name}`;
  return sink === null ? `loading ${draft.fileName ?? 'the file'}` : `creating the sink; ${draft.name} exists`;
}

function shellLines(statement: string, sink: string | null, draft: Draft): string {
  const line = sink === null ? cliLine(statement) : `${cliLine(statement)}\n${cliLine(`${sink};`)}`;
  if (draft.source !== 'file' || draft.fileName === null) return line;
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const header = draft.format === 'csv' ? headerFor(draft, 'csv') : null;
  if (header === null) return `${line}\nhelios load ${quoted(draft.fileName)} --into ${draft.name}`;
  return `${line}\n{ echo ${quoted(header)}; tail -n +2 ${quoted(draft.fileName)}; } > ${draft.name}.csv\nhelios load ${draft.name}.csv --into ${draft.name}`;
}
