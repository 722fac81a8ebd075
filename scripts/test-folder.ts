import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs'

/** Linux's file system in memory. */
const MEMORY = '/dev/shm'
/** Less might not be enough for the stores and PostgreSQL servers of parallel tests. A container often has 64 MB. */
const MIN_FREE_BYTES = 4 * 1024 ** 3

/**
 * Creates a folder in memory for the files of the tests, if there is room: they create a thousand stores, and waiting
 * for the disk to commit took a third of the time. Returns undefined to use the usual folder for temporary files.
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

/** Called by vitest when all tests are finished. */
export function teardown(): void {
  const folder = process.env.POSTHORN_TEST_FOLDER
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
