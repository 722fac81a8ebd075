import { chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { makeTestFolder } from './scripts/test-folder.ts'

// Vitest reads this configuration more than once in a run: reuse the folder.
const folder = process.env.POSTHORN_TEST_FOLDER ?? makeTestFolder()
if (folder !== undefined) {
  // If the tests run as root, PostgreSQL runs as another user, which must be able to reach its folders in here.
  chmodSync(folder, 0o755)
  process.env.POSTHORN_TEST_FOLDER = folder
}

const ALL = ['{packages,packaging,bench,chaos,drill,upgrade,release,examples}/**/*.test.ts']
/** Tests that kill processes, wait for leases to expire, start many, or move whole stores: two thirds of the time. */
const SYSTEM = [
  'packages/server/test/{cluster,e2e,move}/**/*.test.ts',
  'packages/cli/test/real/**/*.test.ts',
  '{chaos,drill,upgrade}/**/*.test.ts',
]
/** Tests that pack, install and run what can be published: some minutes, and other versions of Node. */
const PACKAGES = ['packaging/packages/**/*.test.ts']
/** Tests in a browser, but for one journey, which is a test of the parts. */
const BROWSER = ['packages/dashboard/test/browser/journeys/**/*.test.ts']
/** Receivers in other languages, which `npm run test:examples` builds first. */
const EXAMPLES = ['examples/receivers/languages.test.ts']
/** Images and charts: `scripts/test-deploy.sh` installs what they need, and runs them. */
const DEPLOY = ['deploy/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ALL,
          exclude: ['**/node_modules/**', ...SYSTEM, ...BROWSER, ...PACKAGES, ...EXAMPLES],
        },
      },
      { extends: true, test: { name: 'system', include: SYSTEM } },
      { extends: true, test: { name: 'browser', include: BROWSER } },
      { extends: true, test: { name: 'packages', include: PACKAGES } },
      { extends: true, test: { name: 'examples', include: EXAMPLES } },
      { extends: true, test: { name: 'deploy', include: DEPLOY } },
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Vitest's default of one second is too short for two processors that three files share.
    expect: { poll: { timeout: 10_000 } },
    // More than the number of processors: much of a run is spent waiting for leases and timeouts.
    maxWorkers: 3,
    // If other work takes the processors away for seconds, a wait can be too short: CI reports it and retries once.
    retry: process.env.CI === 'true' ? 1 : 0,
    globalSetup: ['scripts/test-folder.ts'],
    env: {
      // Without it, every server and store thread strips types and compiles the same code again: a sixth of the run.
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/posthorn-tests', import.meta.url)),
      // The folder in memory might be mounted noexec: PostgreSQL's programs stay on the disk.
      TESTKIT_PROGRAMS: tmpdir(),
      ...(folder === undefined ? {} : { TMPDIR: folder }),
    },
  },
})
