import { firstRelease } from './0001-first-release.ts'
import type { Migration } from './migration.ts'

/** The steps of the schema in their order. A new one goes to the end, with the next number. */
export const MIGRATIONS: readonly Migration[] = [firstRelease]
