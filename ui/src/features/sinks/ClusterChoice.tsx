import { Field, Select } from '../../ui/Field';
import { useClusters } from './sinks';

/** The last thing to choose for a new stream: whether its rows also go to a cluster. Nothing where there is none. */
export function ClusterChoice({ value, onChange }: { value: string; onChange: (cluster: string) => void }) {
  const clusters = useClusters();
  if (!clusters.data?.length) return null;
  return (
    <Field label="Also deliver its rows to" hint="Every commit, in order, exactly once; the table is made there.">
      {(slots) => (
        <Select {...slots} value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">no cluster</option>
          {clusters.data.map((cluster) => (
            <option key={cluster.name} value={cluster.name}>
              {cluster.name} ({cluster.database})
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
