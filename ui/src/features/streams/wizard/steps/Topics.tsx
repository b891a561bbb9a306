import { useMutation } from '@tanstack/react-query';
import { formatCount } from '../../../../lib/format';
import { Button } from '../../../../ui/Button';
import { Failure } from '../../../../ui/Empty';
import { Field, Input } from '../../../../ui/Field';
import { Table } from '../../../../ui/Table';
import { readTopics } from '../wizardApi';

/** What a source calls what it has several of, and how it is asked for them. */
export type TopicWords = { one: string; several: string; parts: string; asking: string; none: string };

type Props = { statement: string; isReady: boolean; topic: string; words: TopicWords; hasCounts: boolean; onChoose: (topic: string) => void };

/** A topic, or a stream of Kinesis: typed, or picked from what there is. */
export function Topics({ statement, isReady, topic, words, hasCounts, onChoose }: Props) {
  const topics = useMutation({ mutationFn: () => readTopics(statement) });
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-end gap-2">
        <Field label={words.one} className="flex-1">
          {(slots) => <Input {...slots} className="font-mono" value={topic} onChange={(event) => onChoose(event.target.value)} />}
        </Field>
        <Button kind="outline" disabled={!isReady || topics.isPending} onClick={() => topics.mutate()}>
          {topics.isPending ? words.asking : `Show ${words.several}`}
        </Button>
      </div>
      {topics.isError && <Failure error={topics.error} doing={`listing ${words.several}`} />}
      {topics.data !== undefined && topics.data.length === 0 && <p className="text-sm text-text-2">{words.none}</p>}
      {topics.data !== undefined && topics.data.length > 0 && (
        <div className="max-h-64 overflow-auto rounded-md border border-line">
          <Table
            label={hasCounts ? 'Topics of the cluster' : 'Streams of the account'}
            rows={topics.data}
            rowKey={(each) => each.name}
            columns={[
              {
                id: 'name',
                header: words.one,
                cell: (each) => (
                  <button type="button" aria-pressed={each.name === topic} onClick={() => onChoose(each.name)} className="min-h-6 font-mono text-accent underline aria-pressed:font-semibold">
                    {each.name}
                  </button>
                ),
              },
              { id: 'partitions', header: words.parts, align: 'right' as const, cell: (each) => formatCount(each.n_partitions) },
              ...(hasCounts ? [{ id: 'records', header: 'Records', align: 'right' as const, cell: (each: { n_records: number | string | null }) => formatCount(each.n_records) }] : []),
            ]}
          />
        </div>
      )}
    </div>
  );
}
