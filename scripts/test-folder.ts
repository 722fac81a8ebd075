import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs'

/** A file system in memory, on Linux. */
const MEMORY = '/dev/shm'
/** Less may not be enough for the stores and PostgreSQLs of some tests at once. A container often has 64 MB. */
const MIN_FREE_BYTES = 4 * 1024 ** 3

/**
 * A folder for all that tests put into files, in memory where there is room: they make a thousand stores, whose commits
 * wait for the disk, which took a third of the time. Undefined: the usual folder for temporary files is as good.
 */
export function makeTestFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    if (bavail * bsize < MIN_FREE_BYTES) return undefined
    accessSync(MEMORY, constants.W_OK)
  } catch {
    return undefined
  }
  return mkdtempSync(`${MEMORY}/posthorn-tests-`)
}

/** For vitest: when all tests are over. */
export function teardown(): void {
  const folder = process.env.POSTHORN_TEST_FOLDER
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
