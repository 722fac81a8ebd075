/** What an error of the database means for the caller. */
import pg from 'pg'
import { NotDurable, StoreUnavailable } from '../transaction.ts'

/** SQLSTATE classes that mean the server is unavailable or in trouble (appendix A of PostgreSQL's manual). */
const AWAY_CLASSES = new Set(['08', '53', '57', '58', 'XX'])

/** Single codes that mean the same: the server takes no writes (it was demoted), or ended a stalled transaction. */
const AWAY_CODES = new Set(['25006', '25P03', '25P04'])

/** Classes that mean a conflict with other transactions: retried alone, and reported if that fails too. */
const CONTENTION_CLASSES = new Set(['40', '55'])

/** A pooler's own errors have no code, or this one. */
const POOLER_CODE = '08P01'

const codeOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code ?? POOLER_CODE) : '')

export function isAway(error: unknown): boolean {
  const code = codeOf(error)
  return error instanceof StoreUnavailable || AWAY_CODES.has(code) || AWAY_CLASSES.has(code.slice(0, 2))
}

/** Insufficient resources, errors of the operating system, internal errors. */
const REPORTED_CLASSES = new Set(['53', '58', 'XX'])
/** Read-only; a statement took too long. */
const REPORTED_CODES = new Set(['25006', '57014'])
/** Too many connections: other nodes have theirs. */
const NO_CONNECTION_LEFT = '53300'

/** See StoreUnavailable. */
export function isReported(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return error.isReported
  const code = codeOf(error)
  return code !== NO_CONNECTION_LEFT && (REPORTED_CODES.has(code) || REPORTED_CLASSES.has(code.slice(0, 2)))
}

/** At the begin of a transaction: a standby refuses one that is to write ("feature not supported"). */
export const isStandbyFault = (error: unknown): boolean => codeOf(error) === '0A000'

/** Waiting for a lock timed out. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03'
}

/** The server itself cancelled a statement that took too long: the connection to it is still sound. */
export function isTooSlow(error: unknown): boolean {
  return codeOf(error) === '57014'
}

export function isContention(error: unknown): boolean {
  return CONTENTION_CLASSES.has(codeOf(error).slice(0, 2))
}

/** History has no table for the time of a row, which PostgreSQL reports as a violated check without a name. */
export const isHistoryMissing = (error: unknown): boolean =>
  codeOf(error) === '23514' && (error as pg.DatabaseError).constraint === undefined

/** Connection errors that a retry doesn't fix: wrong credentials, an unknown database, missing rights. */
const LASTING_CLASSES = new Set(['28', '3D', '42'])

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** Whether a server that couldn't be used might soon be usable: it is restarting, or another is taking its place. */
export function mayPass(error: unknown): boolean {
  if (error instanceof NotDurable) return false
  const cause = causeOf(error)
  if (cause instanceof pg.DatabaseError) return !LASTING_CLASSES.has(codeOf(cause).slice(0, 2))
  const { code } = cause as NodeJS.ErrnoException
  return code === undefined ? error instanceof StoreUnavailable : NETWORK_CODES.has(code)
}

/** Whether the server's certificate was refused. Node names these errors after what OpenSSL found. */
export function isUntrusted(error: unknown): boolean {
  const { code } = causeOf(error) as NodeJS.ErrnoException
  return code !== undefined && /CERT|SIGNATURE|ALTNAME/.test(code)
}

/** The first error in the chain that says more than that something failed: it has a code, or no cause of its own. */
function causeOf(error: unknown): Error {
  let at = error as Error
  while ((at as NodeJS.ErrnoException).code === undefined && at.cause instanceof Error) at = at.cause
  return at
}
