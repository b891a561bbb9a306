/** Text that is safe to draw in one line. */

/** Text beyond this is cut in the grid; the cell viewer has all of it. */
export const GRID_CHARS_MAX = 300;

/**
 * Text as it may be drawn in one line: cut, with control characters made visible.
 *
 * A null byte or a line break must be seen and not swallowed; characters that turn the direction of writing must not reach
 * over the cell, which its `dir=auto` and isolation take care of.
 */
export function drawnText(text: string): string {
  const cut = text.length > GRID_CHARS_MAX ? `${wholeCharacters(text, GRID_CHARS_MAX)}…` : text;
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return cut.replace(/[\u0000-\u001f\u007f]/g, (char) => (char === '\u007f' ? '␡' : String.fromCharCode(0x2400 + char.charCodeAt(0))));
}

/** Cuts without leaving half of a surrogate pair. */
function wholeCharacters(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
