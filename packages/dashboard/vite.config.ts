import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { devSession } from './scripts/dev-session.ts'
import { earlyScript } from './scripts/early-script.ts'
import { startEarly } from './scripts/start-early.ts'

/** Where `npm run dev:dashboard` sends calls of the API. */
const server = process.env.POSTHORN_URL ?? 'http://localhost:8470'

/**
 * What the first page needs, in three files instead of thirty small ones, as on a slow network each request costs more
 * than what is in it; then what nearly all other pages share. `npm run first-load` measures it.
 */
const GROUPS = [
  {
    // What `main.tsx` and the dictionaries need before the language is known. Everything in a file runs when the first
    // of it is imported, and pages take their words when they run: none of them can be in here.
    name: 'language',
    test: /packages[\\/](?:client[\\/]|dashboard[\\/]src[\\/](?:app[\\/](?:portal-session|client|theme|embedding)|lib[\\/](?:language|portal|format)|strings[\\/]translated)\.ts)|preload-helper/,
    priority: 4,
  },
  {
    name: 'libraries',
    test: /node_modules[\\/](?:(?:react|react-dom|scheduler|use-sync-external-store)|@tanstack[\\/](?!.*virtual)[^\\/]*)[\\/]/,
    priority: 3,
  },
  // With everything that they import.
  { name: 'first', test: /dashboard[\\/]src[\\/](?:start|pages[\\/]overview[\\/]overview)\.tsx$/, priority: 2 },
  {
    name: 'parts',
    test: /(?:node_modules[\\/]@(?:base-ui|floating-ui)|packages[\\/](?:client|dashboard))[\\/]/,
    minShareCount: 20,
    priority: 1,
  },
]

export default defineConfig(({ command }) => ({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative, so that the same files work under any base path: the server fills in `<base href>`.
  base: './',
  plugins: [react(), earlyScript(), startEarly(), ...(command === 'serve' ? [devSession(server)] : [])],
  build: {
    // The first that have `light-dark()` (tokens.css), `:dir()` and `Map.groupBy`: all from before June 2024.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // Data URLs would need `data:` in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // Its polyfill is an inline script.
    modulePreload: { polyfill: false },
    sourcemap: false,
    // Their licences ask that their texts go wherever their code goes. Also read by packaging/server-package.ts.
    license: { fileName: 'licences.json' },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
    rolldownOptions: { output: { codeSplitting: { groups: GROUPS } } },
  },
  css: { modules: { localsConvention: 'camelCaseOnly' } },
  server: { proxy: { '/v1': server, '/readyz': server, '/openapi.json': server } },
}))
