/** The dialect the editor colours and completes: DataFusion's, plus the statements about streams. Functions come from the server. */

import { SQLDialect } from '@codemirror/lang-sql';

const QUERY_WORDS =
  'select from where group by order having limit offset with recursive as on using join left right full inner outer cross natural lateral ' +
  'union all except intersect distinct case when then else end and or not in exists between like ilike similar is null true false asc desc ' +
  'nulls first last over partition rows range groups preceding following current row unbounded window qualify filter within explain analyze ' +
  'describe show tables columns values interval cast try_cast extract at time zone unnest grouping sets cube rollup exclude of';

const STREAM_WORDS =
  'create alter drop pause resume stream streams if kafka http demo format json csv event allow lateness deduplicate retain set reset add ' +
  'column rename to secret env version system_time';

const TYPES =
  'boolean tinyint smallint int integer bigint unsigned real float double decimal numeric text varchar string bytea date timestamp ' +
  'timestamptz interval array struct map json';

export const HeliosSQL = SQLDialect.define({
  keywords: `${QUERY_WORDS} ${STREAM_WORDS}`,
  types: TYPES,
  operatorChars: '*+-%<>!=&|~^/@#?',
  // Both `:name` and `$name` are parameters.
  specialVar: ':$',
  identifierQuotes: '"',
  caseInsensitiveIdentifiers: true,
  doubleDollarQuotedStrings: true,
});
