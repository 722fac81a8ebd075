import { firstRelease } from './0001-first-release.ts'
import type { Migration } from './migration.ts'

/** The steps of the schema, in order. Add a new one at the end, with the next number. */
export const MIGRATIONS: readonly Migration[] = [firstRelease]
