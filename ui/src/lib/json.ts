/** JSON without losing digits. */

/** Whether there may be such a number at all; most answers have none, and looking at every string would cost more than parsing. */
const MAYBE_LONG_NUMBER = /(?:^|[[:,])\s*-?\d{16,}/;
const STRING_OR_LONG_NUMBER = /"(?:[^"\\]|\\.)*"|(?<![\d.])-?\d{16,}(?![\d.eE])/g;

/**
 * Parses JSON; whole numbers that a double may not hold exactly (16 digits and more) become text.
 * 64-bit integers therefore show every digit, which plain `JSON.parse` would round.
 */
export function parseExact(text: string): unknown {
  if (!MAYBE_LONG_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text.replace(STRING_OR_LONG_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`)));
}
