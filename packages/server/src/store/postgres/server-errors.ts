/** What an error of the database means for whoever asked. */
import pg from 'pg'
import { NotDurable, StoreUnavailable } from '../transaction.ts'

/** SQLSTATE classes that mean the server is away or in trouble (appendix A of PostgreSQL's manual). */
const AWAY_CLASSES = new Set(['08', '53', '57', '58', 'XX'])

/** The same of single codes: the server takes no writes (it was demoted), or ended a transaction that stood still. */
const AWAY_CODES = new Set(['25006', '25P03', '25P04'])

/** Classes that say that others were in the way: tried again alone, and told if that fails too. */
const CONTENTION_CLASSES = new Set(['40', '55'])

/** What a pooler says of itself has no code, or this one. */
const POOLER_CODE = '08P01'

const codeOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code ?? POOLER_CODE) : '')

export function isAway(error: unknown): boolean {
  const code = codeOf(error)
  return error instanceof StoreUnavailable || AWAY_CODES.has(code) || AWAY_CLASSES.has(code.slice(0, 2))
}

/** A lock was waited for as long as it may be. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03'
}

/** The server itself ended a statement that took too long: the connection to it is as good as before. */
export function isTooSlow(error: unknown): boolean {
  return codeOf(error) === '57014'
}

export function isContention(error: unknown): boolean {
  return CONTENTION_CLASSES.has(codeOf(error).slice(0, 2))
}

/** The history has no table for the time of a row: a violated check that has no name. */
export const isHistoryMissing = (error: unknown): boolean =>
  codeOf(error) === '23514' && (error as pg.DatabaseError).constraint === undefined

/** Errors of a connection that another try doesn't mend: who we are, what we ask for, whom we trust. */
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

/** Whether a server that couldn't be used may soon be: it restarts, or another takes its place. */
export function mayPass(error: unknown): boolean {
  if (error instanceof NotDurable) return false
  const cause = causeOf(error)
  if (cause instanceof pg.DatabaseError) return !LASTING_CLASSES.has(codeOf(cause).slice(0, 2))
  const { code } = cause as NodeJS.ErrnoException
  return code === undefined ? error instanceof StoreUnavailable : NETWORK_CODES.has(code)
}

/** Whether its certificate was refused. Node names these by what OpenSSL found. */
export function isUntrusted(error: unknown): boolean {
  const { code } = causeOf(error) as NodeJS.ErrnoException
  return code !== undefined && /CERT|SIGNATURE|ALTNAME/.test(code)
}

/** The first that says more than that something failed: with a code, or with nothing behind it. */
function causeOf(error: unknown): Error {
  let at = error as Error
  while ((at as NodeJS.ErrnoException).code === undefined && at.cause instanceof Error) at = at.cause
  return at
}
