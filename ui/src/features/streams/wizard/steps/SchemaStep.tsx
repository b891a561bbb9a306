import { Empty, Failure } from '../../../../ui/Empty';
import { Button } from '../../../../ui/Button';
import { Skeleton } from '../../../../ui/Skeleton';
import { Actions } from '../Actions';
import { ColumnEditor } from '../ColumnEditor';
import { canRename, isDone, withColumn, type DraftColumn } from '../draft';
import { PreviewRows, RejectSummary } from '../PreviewRows';
import { StreamOptions } from '../StreamOptions';
import { usePreview } from '../usePreview';
import type { StepProps } from '../WizardPage';

/** The columns: seen in how many samples, of which type and why, and what each choice does to the sample. */
export function SchemaStep({ wizard }: StepProps) {
  const { draft, change } = wizard;
  const looked = usePreview(wizard);
  const setColumn = (path: string, part: Partial<DraftColumn>) => change((old) => withColumn(old, path, part));
  const hasSample = draft.sample !== null && draft.sample.records.length > 0;
  return (
    <section aria-labelledby="schema-title" className="flex min-w-0 flex-col gap-4">
      <h2 id="schema-title" className="text-lg font-semibold">
        Which columns shall the table have?
      </h2>
      {!hasSample && (
        <Empty title="There is no sample to look at" actions={<Button kind="outline" onClick={() => wizard.goTo('sample')}>Go to the sample</Button>}>
          {draft.source === 'http' ? 'The first push will say what the columns are. They can be changed later with ALTER STREAM.' : 'The server will read a sample when the stream is made, and infer the columns from it.'}
        </Empty>
      )}
      {hasSample && looked.error !== null && <Failure error={looked.error} doing="looking at the sample" onRetry={looked.retry} />}
      {hasSample && looked.data === undefined && looked.error === null && <Skeleton label="Looking at the sample" rows={8} />}
      {hasSample && looked.data !== undefined && (
        <>
          <RejectSummary preview={looked.data} nRecords={draft.sample?.records.length ?? 0} isFetching={looked.isFetching} />
          <ColumnEditor columns={draft.columns} rejects={looked.data.rejects} canRename={canRename(draft)} onChange={setColumn} />
          <StreamOptions draft={draft} onChange={change} />
          <PreviewRows preview={looked.data} columns={draft.columns} />
        </>
      )}
      <Actions onBack={wizard.back} onNext={wizard.next} disabled={hasSample && !isDone(draft, 'schema')} why={draft.columns.some((column) => column.isKept) ? 'The name of a column is not right yet.' : 'Keep at least one column.'} />
    </section>
  );
}
