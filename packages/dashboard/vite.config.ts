import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { devSession } from './scripts/dev-session.ts'
import { startEarly } from './scripts/start-early.ts'
import { themeFirst } from './scripts/theme-first.ts'

/** Where `npm run dev:dashboard` sends calls of the API. */
const server = process.env.POSTHORN_URL ?? 'http://localhost:8470'

export default defineConfig(({ command }) => ({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative, so that the same files work under any base path: the server fills in `<base href>`.
  base: './',
  plugins: [react(), themeFirst(), startEarly(), ...(command === 'serve' ? [devSession(server)] : [])],
  build: {
    // The first that have `light-dark()` (tokens.css), `:dir()` and `Map.groupBy`: all from before June 2024.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // Data URLs would need `data:` in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // Its polyfill is an inline script.
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
  },
  css: { modules: { localsConvention: 'camelCaseOnly' } },
  server: { proxy: { '/v1': server, '/readyz': server, '/openapi.json': server } },
}))
