/**
 * All checks of an installation, in the order in which they are reported. `posthorn doctor` and `GET /v1/checks` run the
 * same ones (decision 51).
 */
import type { Finding } from '../../base/findings.ts'
import { checkBooks } from './book-checks.ts'
import { checkDevelopmentMode, checkSetAside } from './delivery-checks.ts'
import type { Installation } from './installation.ts'
import { checkKeys } from './key-checks.ts'
import { checkNodes } from './node-checks.ts'
import { checkClock, checkNames } from './reach-checks.ts'
import { checkDurability, checkIntegrity, checkSchema, checkWriting } from './store-checks.ts'

export type Check = {
  /** What is checked, in a word or two. Its findings can name parts of it. */
  readonly part: string
  readonly run: (installation: Installation) => Promise<Finding[]>
}

/** Of the store as a whole. The others read tables, and run only if these find that they can. */
const STORE_CHECKS: readonly Check[] = [
  { part: 'schema', run: async installation => [await checkSchema(installation)] },
  { part: 'durability', run: checkDurability },
  { part: 'integrity', run: checkIntegrity },
]

const CHECKS: readonly Check[] = [
  { part: 'writing', run: checkWriting },
  { part: 'nodes', run: checkNodes },
  { part: 'clock', run: async installation => [await checkClock(installation)] },
  { part: 'encryption key', run: checkKeys },
  { part: 'development', run: checkDevelopmentMode },
  { part: 'DNS', run: checkNames },
  { part: 'set aside', run: checkSetAside },
  { part: 'consistency', run: checkBooks },
]

/** Runs one check. Rejects if it can't be made. */
export type RunCheck = (check: Check) => Promise<readonly Finding[]>

/**
 * Runs the checks one after the other, and reports the findings of each. Stops after those of the store if tables are
 * missing or damaged.
 */
export async function runChecks(runOne: RunCheck, tell: (findings: readonly Finding[]) => void): Promise<void> {
  const found: Finding[] = []
  for (const check of STORE_CHECKS) {
    const findings = await runOne(check)
    tell(findings)
    found.push(...findings)
  }
  if (!hasTables(found)) return
  for (const check of CHECKS) tell(await runOne(check))
}

const hasTables = (found: readonly Finding[]): boolean =>
  !found.some(({ part, level }) => (part === 'schema' && level !== 'ok') || (part === 'integrity' && level === 'fail'))
