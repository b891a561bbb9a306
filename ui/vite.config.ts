import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running Helios. */
const server = process.env.HELIOS_URL ?? 'http://127.0.0.1:4321';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: server, ws: true },
      '/v1': server,
      '/healthz': server,
    },
  },
  build: {
    target: 'es2022',
    // A data: address is refused by the content security policy, so every asset is a file.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The editor is one large part, loaded with the Query page alone; the e2e tests hold the budgets.
    chunkSizeWarningLimit: 600,
    rollupOptions: {
      output: {
        // What every page needs changes rarely; keeping it apart lets browsers keep it across releases.
        manualChunks: (id) => (/node_modules\/(react|react-dom|scheduler|@tanstack\/(react-router|router-core|react-query|query-core|history|store|react-store))\//.test(id) ? 'frame' : undefined),
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    restoreMocks: true,
  },
});
