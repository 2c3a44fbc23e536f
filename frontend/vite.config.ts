import { writeFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

/** The Go program embeds dist/, so the folder must exist in a fresh checkout: keep its marker. */
function keepMarker(): Plugin {
  return {
    name: 'keep-dist-marker',
    apply: 'build',
    closeBundle: () => writeFileSync(new URL('./dist/.gitkeep', import.meta.url), ''),
  };
}

/** The backend that `npm run dev` talks to; INFEROMETER_URL names another one. */
const backend = process.env['INFEROMETER_URL'] ?? 'http://127.0.0.1:8000';

export default defineConfig({
  // Relative addresses: the same files are served by the window, by the API's address and by tests.
  base: './',
  plugins: [svelte(), keepMarker()],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
  server: {
    port: 5173,
    proxy: {
      '/api': {
        target: backend,
        changeOrigin: true,
        // The program refuses calls from other origins; while developing this server stands for it.
        configure: (proxy) =>
          proxy.on('proxyReq', (req) => {
            req.removeHeader('origin')
            req.removeHeader('sec-fetch-site')
          }),
      },
    },
  },
});
