import { describe, expect, it } from 'vitest';
import { askedOf, countingSql, culprits, readCounts, valuesSql, valuesText } from './emptyResult';

const column = (name: string, type: string) => ({ name, type });
const shop = { name: 'shop', schema: '', kind: 'stream' as const, n_rows: 10, columns: [column('country', 'TEXT'), column('price', 'DOUBLE'), column('ts', 'TIMESTAMP')] };
const asked = (sql: string) => askedOf(sql, [shop]);

describe('a statement of one table', () => {
  it('is taken apart at its ANDs', () => {
    const found = asked("SELECT count(*) FROM shop AS s WHERE country = 'UK' AND price BETWEEN 1 AND 2 AND (price > 3 OR price < 1) GROUP BY 1 HAVING count(*) > 1 ORDER BY 1");
    expect(found?.conditions.map((each) => [each.text, each.column?.name])).toEqual([
      ["country = 'UK'", 'country'],
      ['price BETWEEN 1 AND 2', 'price'],
      ['(price > 3 OR price < 1)', 'price'],
    ]);
    expect([found?.table, found?.from, found?.hasHaving]).toEqual(['shop', 'shop AS s', true]);
  });
  it('keeps an OR together, and text that only looks like one', () => {
    expect(asked('SELECT * FROM shop WHERE price > 1 AND country = 2 OR price < 0')?.conditions).toHaveLength(1);
    expect(asked("SELECT * FROM shop WHERE country = 'a AND b' AND price > 1 -- AND more")?.conditions.map((each) => each.text)).toEqual(["country = 'a AND b'", 'price > 1']);
  });
  it('may have no condition', () => {
    expect(asked('SELECT * FROM shop LIMIT 5')).toEqual({ table: 'shop', from: 'shop', conditions: [], hasHaving: false });
  });
  it('is not guessed at where there are more tables', () => {
    for (const sql of ['SELECT * FROM shop a JOIN shop b ON a.x = b.x', 'SELECT 1 WHERE false', 'WITH a AS (SELECT 1) SELECT * FROM a', 'SELECT * FROM (SELECT 1) t', 'SELECT 1 FROM shop UNION SELECT 2 FROM shop'])
      expect(asked(sql), sql).toBeNull();
  });
});

describe('the reason', () => {
  const uk = asked("SELECT * FROM shop WHERE country = 'UK' AND ts > now()")!;
  it('is counted in one statement', () => {
    expect(countingSql(uk)).toBe(
      "SELECT count(*) AS n, count(*) FILTER (WHERE (country = 'UK')) AS a0, count(*) FILTER (WHERE (ts > now())) AS w0, " +
        "count(*) FILTER (WHERE (ts > now())) AS a1, count(*) FILTER (WHERE (country = 'UK')) AS w1, min(_time) AS first, max(_time) AS last FROM shop",
    );
  });
  it('is the condition without which there would be rows, else those that no row meets', () => {
    expect(culprits(readCounts({ n: 9, a0: 0, w0: 5, a1: 5, w1: 0 }, 2))).toEqual([0]);
    expect(culprits(readCounts({ n: 9, a0: 0, w0: 0, a1: 0, w1: 0 }, 2))).toEqual([0, 1]);
    expect(culprits(readCounts({ n: 9, a0: 3, w0: 0, a1: 2, w1: 0, a2: 1, w2: 0 }, 3))).toEqual([]);
  });
  it('says what there is instead', () => {
    expect(valuesSql(uk, 0, true)).toBe('SELECT CAST(country AS VARCHAR) AS value FROM shop WHERE (ts > now()) GROUP BY country ORDER BY count(*) DESC, value LIMIT 6');
    expect(valuesSql(uk, 1, false)).toBe('SELECT CAST(min(ts) AS VARCHAR) AS low, CAST(max(ts) AS VARCHAR) AS high FROM shop');
    expect(valuesText([{ value: 'GB' }, { value: null }], 'country')).toBe("The values of country there: 'GB', null.");
    expect(valuesText([{ low: '1', high: '2' }], 'price')).toBe('price goes from 1 to 2 there.');
    expect(valuesText([], 'price')).toBeNull();
  });
});
