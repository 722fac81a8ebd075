import { chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { makeTestFolder } from './scripts/test-folder.ts'

// The configuration is read more than once in a run.
const folder = process.env.POSTHORN_TEST_FOLDER ?? makeTestFolder()
if (folder !== undefined) {
  // PostgreSQL runs as another account where the tests run as root: its folders are in it.
  chmodSync(folder, 0o755)
  process.env.POSTHORN_TEST_FOLDER = folder
}

export default defineConfig({
  test: {
    include: ['{packages,bench,chaos,drill,examples}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Vitest's own second is soon over on two processors that three files share.
    expect: { poll: { timeout: 10_000 } },
    // More than there are processors: much of a run is waiting, for leases and time-outs.
    maxWorkers: 3,
    // Where other work takes the processors away for seconds, a wait can be too short: CI says so, and tries once more.
    retry: process.env.CI === 'true' ? 1 : 0,
    globalSetup: ['scripts/test-folder.ts'],
    env: {
      // Every server and store thread would strip the same types and compile the same code again: a sixth of the run.
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/posthorn-tests', import.meta.url)),
      // What is in memory may not be to be executed: PostgreSQL's programs stay on the disk.
      TESTKIT_PROGRAMS: tmpdir(),
      ...(folder === undefined ? {} : { TMPDIR: folder }),
    },
  },
})
