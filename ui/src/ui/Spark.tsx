/** A line small enough to stand in a table; its numbers stand beside it. */
export function Spark({ values, width = 72, height = 18 }: { values: readonly (number | null)[]; width?: number; height?: number }) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <span aria-hidden className="inline-block" style={{ width, height }} />;
  const top = Math.max(...known, 1);
  const step = width / (values.length - 1);
  const points = values
    .map((value, index) => (value === null ? null : `${(index * step).toFixed(1)},${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`))
    .filter((point) => point !== null);
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden className="inline-block align-middle">
      <polyline points={points.join(' ')} fill="none" stroke="var(--c1)" strokeWidth="1.25" strokeLinejoin="round" />
    </svg>
  );
}
