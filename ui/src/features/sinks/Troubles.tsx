/** What keeps clusters and sinks, under their table where the screen is too narrow for words in it. */
export function Troubles({ troubles }: { troubles: { name: string; text: string }[] }) {
  if (troubles.length === 0) return null;
  return (
    <dl className="flex flex-col gap-2 border-t border-line px-3 py-2 text-xs md:hidden">
      {troubles.map((trouble) => (
        <div key={trouble.name}>
          <dt className="isolate-text font-semibold">{trouble.name}</dt>
          <dd className="text-crit [overflow-wrap:anywhere]">{trouble.text}</dd>
        </div>
      ))}
    </dl>
  );
}
