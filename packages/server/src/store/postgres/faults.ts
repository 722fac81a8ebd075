/** What an error of the server means for whoever asked. Told by its SQLSTATE (appendix A of PostgreSQL's manual). */
import pg from 'pg'
import { StoreUnavailable } from '../transaction.ts'

/** Classes that mean the server is away or in trouble. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57', '58', 'XX'])

/** Classes that say that others were in the way. */
const CONTENTION_CLASSES = new Set(['40', '55'])

/** A lock was waited for as long as it may be. */
const LOCK_NOT_AVAILABLE = '55P03'

/** A row that fits no table of its history: a violated check that has no name. */
const CHECK_VIOLATION = '23514'

const classOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code?.slice(0, 2) ?? '08') : '')

export function isUnavailable(error: unknown): boolean {
  return error instanceof StoreUnavailable || UNAVAILABLE_CLASSES.has(classOf(error))
}

/** To be tried again alone, and if that fails too, told. */
export const isContention = (error: unknown): boolean => CONTENTION_CLASSES.has(classOf(error))

export const isLockTimeout = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE

/** The history has no table for the time of a row. */
export const isHistoryMissing = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === CHECK_VIOLATION && error.constraint === undefined
