/** How much of an answer is taken into the page. */

/** More rows than this are not taken: nobody scrolls through them, and export has them all. */
export const ROWS_MAX = 100_000;
export const BYTES_MAX = 256 * 1024 * 1024;
/** Answers larger than this are not kept for the next visit. */
export const KEPT_BYTES_MAX = 4 * 1024 * 1024;
