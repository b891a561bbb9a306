/** Links to what is in a tab. */

import { requestWith } from '../../../api/client';
import { searchWithParameters } from '../../../lib/parameters';
import { encodeFragment } from '../../../lib/share';
import type { QueryTab } from '../tabs/tab';

/** The address that opens a tab's statement, parameters and view anywhere. */
export async function addressOf(tab: QueryTab): Promise<string> {
  const search = searchWithParameters(tab.view === 'table' ? '' : `?view=${tab.view}`, tab.params);
  if (tab.savedId !== null) return `/query/${encodeURIComponent(tab.savedId)}${search}`;
  return `/query${search}#${await encodeFragment(tab.sql)}`;
}

/** A short link to it, kept by the server. */
export async function shortLink(tab: QueryTab): Promise<string> {
  const { url } = await requestWith<{ id: string; url: string }>('POST', '/api/v1/links', { path: await addressOf(tab) });
  return new URL(url, location.origin).href;
}
