import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/client';
import { startLive } from './api/live';
import { router } from './router';
import './styles/base.css';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      // Live data comes over the WebSocket; asking again because a window was clicked would only add load.
      refetchOnWindowFocus: false,
      // Only a server that is away is worth asking twice; every other answer stays the same.
      retry: (n, error) => n < 3 && error instanceof ApiError && error.status === 0,
      retryDelay: (n) => Math.min(8000, 500 * 2 ** n),
    },
  },
});

startLive();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
