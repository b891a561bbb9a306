/** The pages of the app, in the order they are offered. */

import { Gauge, Inbox, Radio, ServerCog, SquareTerminal, type LucideIcon } from 'lucide-react';

export type PageLink = { to: '/' | '/streams' | '/query' | '/quarantine' | '/system'; name: string; keys: string; icon: LucideIcon };

export const PAGES: readonly PageLink[] = [
  { to: '/', name: 'Overview', keys: 'g o', icon: Gauge },
  { to: '/streams', name: 'Streams', keys: 'g s', icon: Radio },
  { to: '/query', name: 'Query', keys: 'g q', icon: SquareTerminal },
  { to: '/quarantine', name: 'Quarantine', keys: 'g x', icon: Inbox },
  { to: '/system', name: 'System', keys: 'g y', icon: ServerCog },
];
