/** Every address of the app. One route is one chunk, loaded when it is first visited or pointed at. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { NotFound } from './ui/NotFound';
import { RouteFailure } from './features/shell/RouteFailure';
import { Shell } from './features/shell/Shell';
import { parseSearch, stringifySearch } from './lib/search';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: RouteFailure });

const at = <const Path extends string>(path: Path, load: () => Promise<{ default: () => React.ReactNode }>) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load) });

const query = () => import('./features/query/QueryPage');

const routes = [
  at('/', () => import('./features/overview/OverviewPage')),
  at('/streams', () => import('./features/streams/list/StreamsPage')),
  at('/streams/new', () => import('./features/streams/wizard/WizardPage')),
  at('/streams/$name', () => import('./features/streams/detail/StreamPage')),
  at('/query', query),
  at('/query/$id', query),
  at('/s/$id', () => import('./features/shell/ShortLinkPage')),
  at('/quarantine', () => import('./features/quarantine/QuarantinePage')),
  createRoute({
    getParentRoute: () => root,
    path: '/system',
    beforeLoad: () => {
      throw redirect({ to: '/system/$part', params: { part: 'health' }, replace: true });
    },
  }),
  at('/system/$part', () => import('./features/system/SystemPage')),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
  scrollToTopSelectors: ['#main'],
  defaultErrorComponent: RouteFailure,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
