/**
 * What the editor offers while SQL is typed.
 *
 * lang-sql completes keywords, tables and `table.column` by itself and is left to do so. This source adds what it cannot know:
 * bare columns of the tables in scope, aliases, common table expressions, subqueries, and the server's functions.
 */

import { snippetCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import type { SQLNamespace } from '@codemirror/lang-sql';
import type { Catalog, CatalogColumn, CatalogTable, SqlFunction } from '../api/types';
import { placeAt, scopeOf, type Relation, type Scope } from './sqlScope';
import { quoteName } from './sqlText';
import { statementAt } from './statement';

export type Vocabulary = {
  catalog: Catalog;
  functions: SqlFunction[];
  /** The columns of a statement, as its planner sees them; null where it cannot be planned. */
  columnsOf: (sql: string) => Promise<CatalogColumn[] | null>;
};

/** The name a table is asked for by. */
export function fullName(table: Pick<CatalogTable, 'schema' | 'name'>): string {
  return table.schema === '' ? table.name : `${table.schema}.${table.name}`;
}

/** The catalogue in the shape lang-sql completes from. */
export function namespaceOf(catalog: Catalog): SQLNamespace {
  const namespace: Record<string, SQLNamespace> = {};
  for (const table of catalog.tables) {
    const detail = table.kind === 'stream' ? 'stream' : 'system table';
    namespace[fullName(table)] = {
      self: { label: table.name, type: 'class', detail },
      children: table.columns.map((column) => ({ label: column.name, type: 'property', detail: column.type, ...applied(column.name) })),
    };
  }
  return namespace;
}

/** The source to add beside lang-sql's own; never instead of them. */
export function scopeSource(vocabulary: Vocabulary) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const word = context.matchBefore(/[\p{L}\p{N}_]*/u);
    if (word === null || (word.from === word.to && !context.explicit && !followsDot(context))) return null;
    const statement = statementAround(context.state.doc.toString(), context.pos);
    const place = placeAt(statement.text, context.pos - statement.from);
    const scope = scopeOf(statement.text);
    const options = await optionsAt(place, scope, vocabulary);
    return options.length === 0 || context.aborted ? null : { from: word.from, options, validFor: /^[\p{L}\p{N}_]*$/u };
  };
}

async function optionsAt(place: ReturnType<typeof placeAt>, scope: Scope, vocabulary: Vocabulary): Promise<Completion[]> {
  switch (place.kind) {
    case 'nothing':
      return [];
    case 'table':
      return [...commonTableOptions(scope), ...tableFunctionOptions(vocabulary.functions)];
    case 'member':
      return memberOptions(place.path, scope, vocabulary);
    case 'expression': {
      const columns = await Promise.all(scope.relations.map((relation) => columnOptions(relation, vocabulary, 20)));
      return [...unique(columns.flat()), ...aliasOptions(scope), ...functionOptions(vocabulary.functions)];
    }
  }
}

/** Columns behind `alias.`; those of plain tables and their aliases come from lang-sql already, except the hidden ones of aliases. */
async function memberOptions(path: string[], scope: Scope, vocabulary: Vocabulary): Promise<Completion[]> {
  const [alias] = path;
  if (path.length !== 1 || alias === undefined) return [];
  const relation = scope.relations.find((each) => each.alias === alias);
  if (relation === undefined || relation.columnsOf === null) return [];
  return columnOptions(relation, vocabulary, 20);
}

async function columnOptions(relation: Relation, vocabulary: Vocabulary, boost: number): Promise<Completion[]> {
  const columns = await columnsOfRelation(relation, vocabulary);
  return columns.map((column) => ({
    label: column.name,
    type: 'property',
    detail: column.type,
    // Hidden columns are there for those who ask; the stream's own come first.
    boost: column.hidden === true ? boost - 15 : boost,
    ...applied(column.name),
  }));
}

async function columnsOfRelation(relation: Relation, vocabulary: Vocabulary): Promise<CatalogColumn[]> {
  if (relation.columnsOf !== null) return (await vocabulary.columnsOf(relation.columnsOf)) ?? [];
  return vocabulary.catalog.tables.find((table) => fullName(table) === relation.table)?.columns ?? [];
}

function commonTableOptions(scope: Scope): Completion[] {
  return scope.commonTables.map((table) => ({ label: table.name, type: 'class', detail: 'named above', boost: 30, ...applied(table.name) }));
}

function aliasOptions(scope: Scope): Completion[] {
  return scope.relations
    .filter(({ alias, table }) => alias !== '' && alias !== table?.split('.').at(-1) && !scope.commonTables.some((each) => each.name === alias))
    .map((relation) => ({ label: relation.alias, type: 'namespace', detail: relation.table ?? 'subquery', boost: 5, ...applied(relation.alias) }));
}

function functionOptions(functions: SqlFunction[]): Completion[] {
  return functions.filter((each) => each.kind !== 'table').map((each) => functionOption(each, 1));
}

function tableFunctionOptions(functions: SqlFunction[]): Completion[] {
  return functions.filter((each) => each.kind === 'table').map((each) => functionOption(each, 0));
}

function functionOption(one: SqlFunction, boost: number): Completion {
  const takesNothing = /\(\s*\)/.test(one.signature);
  return snippetCompletion(takesNothing ? `${one.name}()` : `${one.name}(\${})`, {
    label: one.name,
    type: 'function',
    detail: one.signature.startsWith(one.name) ? one.signature.slice(one.name.length) : one.signature,
    info: one.doc === '' ? undefined : one.doc,
    boost,
  });
}

/** Names that need quotes are shown plain and written quoted. */
function applied(name: string): { apply?: string } {
  const written = quoteName(name);
  return written === name ? {} : { apply: written };
}

function unique(options: Completion[]): Completion[] {
  const seen = new Set<string>();
  return options.filter((option) => !seen.has(option.label) && seen.add(option.label));
}

function followsDot(context: CompletionContext): boolean {
  return context.state.sliceDoc(context.pos - 1, context.pos) === '.';
}

/** The statement at the cursor with the blanks behind it, where the next word is about to be typed. */
function statementAround(document: string, position: number): { from: number; text: string } {
  const statement = statementAt(document, position);
  if (statement === null || statement.from > position) return { from: position, text: '' };
  const to = Math.max(statement.to, position);
  const text = document.slice(statement.from, to);
  // Behind the semicolon a new statement begins.
  return text.slice(statement.text.length).includes(';') ? { from: position, text: '' } : { from: statement.from, text };
}

/** Whether a list of tables should open by itself: a blank was just typed behind FROM or JOIN. */
export function opensTableList(textBefore: string): boolean {
  return /\b(?:from|join)\s$/i.test(textBefore);
}
