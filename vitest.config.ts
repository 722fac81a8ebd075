import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{packages,bench,chaos,drill,examples}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // More than there are processors: much of a run is waiting, for leases, time-outs and disks.
    maxWorkers: 3,
    // Where other work takes the processors away for seconds, a wait can be too short: CI says so, and tries once more.
    retry: process.env.CI === 'true' ? 1 : 0,
    // Every server and store thread would strip the same types and compile the same code again: a sixth of the run.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/posthorn-tests', import.meta.url)) },
  },
})
