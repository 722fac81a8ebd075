/**
 * `posthorn doctor`: checks an installation and says what to do about problems. It can run alongside a server without
 * disturbing it: it only reads, except that it writes a file into the data folder and removes it, or a value to
 * PostgreSQL.
 */
import type { Clock } from '../../base/clock.ts'
import { StartRefused } from '../../base/start-refused.ts'
import { type Config, type ConfigResult, readEnvironment } from '../../config/config.ts'
import type { Resolver } from '../../guard/lookup.ts'
import { Names } from '../../guard/names/names.ts'
import { checkBooks } from './book-checks.ts'
import { type Finding, fail, ok, writeFinding } from './findings.ts'
import { checkKeys } from './key-checks.ts'
import { type LookedAt, lookAt } from './looked-at.ts'
import { checkClock, checkEgress, checkNames } from './reach-checks.ts'
import { checkFolder, checkStore } from './store-checks.ts'

export type DoctorOptions = {
  /** The URL of a receiver to try to reach. Null for none. */
  readonly target: string | null
  /** Whether to run the slow checks too, which read the whole store. */
  readonly isFull: boolean
  /** Default: as for deliveries. */
  readonly resolver?: Resolver
}

type DoctorIo = { readonly stdout: { write(text: string): unknown }; readonly clock: Clock }

/** Writes a line for each check, and returns whether none has failed. */
export async function examine(result: ConfigResult, options: DoctorOptions, io: DoctorIo): Promise<boolean> {
  let isWell = true
  let warnings = 0
  const tell = (findings: readonly Finding[]) => {
    for (const finding of findings) {
      if (finding.level === 'fail') isWell = false
      if (finding.level === 'warn') warnings++
      io.stdout.write(writeFinding(finding))
    }
  }
  if (!result.ok) {
    tell(result.problems.map(problem => fail('configuration', problem, 'see docs/configuration.md')))
  } else {
    tell([ok('configuration', 'valid')])
    const names = new Names(io.clock, { environment: readEnvironment() })
    const resolver = options.resolver ?? names.resolve
    await examineStore(result.config, { ...options, resolver }, io, tell)
    tell(await checkEgress(options.target, result.config, io.clock, resolver))
    names.close()
  }
  const end = warnings > 0 ? ` (warnings: ${warnings})` : ''
  io.stdout.write(isWell ? `All checks passed${end}.\n` : `Some checks failed${end}.\n`)
  return isWell
}

type Tell = (findings: readonly Finding[]) => void

async function examineStore(config: Config, options: DoctorOptions, io: DoctorIo, tell: Tell): Promise<void> {
  if (config.databaseUrl === null) {
    const folder = checkFolder(config)
    tell(folder)
    if (folder.some(({ part, level }) => part === 'store' && level === 'fail')) return
  }
  let looked: LookedAt
  try {
    looked = await lookAt(config, io.clock)
  } catch (error) {
    if (error instanceof StartRefused) return tell([fail('store', error.message, 'see docs/postgresql.md')])
    const remedy = 'check the disk and the permissions, or restore the latest backup (docs/backup.md)'
    return tell([fail('store', `cannot be opened (${(error as Error).message})`, remedy)])
  }
  try {
    tell([ok('store', looked.engine === 'sqlite' ? 'SQLite, opened' : 'PostgreSQL, connected')])
    const checked = await checkStore(looked, config, options.isFull)
    tell(checked)
    // The checks below read tables, which must exist.
    if (
      checked.some(
        ({ part, level }) => (part === 'schema' && level !== 'ok') || (part === 'integrity' && level === 'fail'),
      )
    )
      return
    tell([await checkClock(looked, io.clock)])
    tell(await checkKeys(looked, config))
    tell(await checkNames(looked, config, options.resolver))
    tell(await checkBooks(looked, config, options.isFull))
  } catch (error) {
    tell([
      fail(
        'store',
        `could not be read (${(error as Error).message})`,
        'make sure that it is available, then run doctor again',
      ),
    ])
  } finally {
    await looked.close()
  }
}
