export type Entry = { id: string; name: string; kind: string; keys?: string; run: () => void };

/** How well a name answers what was typed: letters in order, better when together and at the start of words; 0 is no match. */
export function score(name: string, typed: string): number {
  const wanted = typed.trim().toLowerCase();
  if (wanted === '') return 1;
  const text = name.toLowerCase();
  const whole = text.indexOf(wanted);
  if (whole === 0) return 4;
  if (whole > 0) return /[\s_.-]/.test(text[whole - 1] ?? '') ? 3 : 2;
  let from = 0;
  for (const letter of wanted.replaceAll(' ', '')) {
    const at = text.indexOf(letter, from);
    if (at < 0) return 0;
    from = at + 1;
  }
  return 1;
}

/** The entries that answer what was typed, best first, otherwise in their own order. */
export function matching(entries: readonly Entry[], typed: string): Entry[] {
  return entries
    .map((entry, index) => ({ entry, index, score: score(entry.name, typed) }))
    .filter((one) => one.score > 0)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, 40)
    .map((one) => one.entry);
}
