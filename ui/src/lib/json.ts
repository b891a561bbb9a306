/** JSON without losing digits. */

const STRING_OR_LONG_NUMBER = /"(?:[^"\\]|\\.)*"|(?<![\d.])-?\d{16,}(?![\d.eE])/g;

/**
 * Parses JSON; whole numbers that a double may not hold exactly (16 digits and more) become text.
 * 64-bit integers therefore show every digit, which plain `JSON.parse` would round.
 */
export function parseExact(text: string): unknown {
  return JSON.parse(text.replace(STRING_OR_LONG_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`)));
}
