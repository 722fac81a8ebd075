import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { devSession } from './scripts/dev-session.ts'
import { themeFirst } from './scripts/theme-first.ts'

/** Where `npm run dev:dashboard` sends calls of the API. */
const server = process.env.POSTHORN_URL ?? 'http://localhost:8470'

/** How many pages have to share a module for it to be loaded with the first. */
const minShareCount = 20

/**
 * Two files for what nearly all pages share, instead of thirty small ones: on a slow network each request costs more than
 * what is in it. `npm run first-load` measures it.
 */
const SHARED = [
  {
    name: 'libraries',
    test: /node_modules[\\/](?:react|react-dom|scheduler|use-sync-external-store|@tanstack)[\\/]/,
    minShareCount,
  },
  {
    name: 'parts',
    test: /(?:node_modules[\\/]@(?:base-ui|floating-ui)|packages[\\/](?:client|dashboard))[\\/]/,
    minShareCount,
  },
]

export default defineConfig(({ command }) => ({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative, so that the same files work under any base path: the server fills in `<base href>`.
  base: './',
  plugins: [react(), themeFirst(), ...(command === 'serve' ? [devSession(server)] : [])],
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
    rolldownOptions: { output: { codeSplitting: { groups: SHARED } } },
  },
  css: { modules: { localsConvention: 'camelCaseOnly' } },
  server: { proxy: { '/v1': server, '/readyz': server, '/openapi.json': server } },
}))
