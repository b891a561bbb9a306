/** Whether this server has a system table; asking one that is not there would be a failing request in every session. */

import { useQuery } from '@tanstack/react-query';
import { catalogQuery } from './streams';

export function useHasSystemTable(name: string): boolean {
  const catalog = useQuery(catalogQuery);
  return Boolean(catalog.data?.tables.some((table) => table.name === name && table.schema === 'system') ?? false);
}
