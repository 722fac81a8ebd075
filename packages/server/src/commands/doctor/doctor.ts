/**
 * `posthorn doctor`: checks an installation and says what to do about problems. It can run alongside a server without
 * disturbing it: it only reads, except that it writes a file into the data folder and removes it, or a value to
 * PostgreSQL.
 */
import type { Clock } from '../../base/clock.ts'
import { type Finding, fail, ok } from '../../base/findings.ts'
import { StartRefused } from '../../base/start-refused.ts'
import { type ConfigResult, readEnvironment } from '../../config/config.ts'
import type { Resolver } from '../../guard/lookup.ts'
import { Names } from '../../guard/names/names.ts'
import type { Installation } from '../../server/checks/installation.ts'
import { checkEgress } from '../../server/checks/reach-checks.ts'
import { runChecks } from '../../server/checks/run.ts'
import { checkFolder } from '../../server/checks/store-checks.ts'
import { isServed } from '../../store/sqlite/inspection.ts'
import { writeCommands, writeFinding } from './findings.ts'
import { type LookedAt, lookAt } from './looked-at.ts'

/** Larger files take minutes to read, so they are read only with --full. */
const MAX_PAGES_BYTES = 1024 * 1024 * 1024

export type DoctorOptions = {
  /** The URL of a receiver to try to reach. Null for none. */
  readonly target: string | null
  /** Whether to run the slow checks too, which read the whole store. */
  readonly isFull: boolean
  /** Default: as for deliveries. */
  readonly resolver?: Resolver
}

type DoctorIo = { readonly stdout: { write(text: string): unknown }; readonly clock: Clock }

/** Writes a line for each check, at the end the commands that mend what was found, and returns whether none has failed. */
export async function examine(result: ConfigResult, options: DoctorOptions, io: DoctorIo): Promise<boolean> {
  const all: Finding[] = []
  const tell = (findings: readonly Finding[]) => {
    all.push(...findings)
    for (const finding of findings) io.stdout.write(writeFinding(finding))
  }
  if (!result.ok) {
    tell(result.problems.map(problem => fail('configuration', problem, 'see docs/configuration.md')))
  } else {
    tell([ok('configuration', 'valid')])
    const names = new Names(io.clock, { environment: readEnvironment() })
    const resolver = options.resolver ?? names.resolve
    const { config } = result
    const { clock } = io
    await examineStore({ config, clock, resolver, isFull: options.isFull, maxPagesBytes: MAX_PAGES_BYTES }, tell)
    tell(await checkEgress(options.target, result.config, io.clock, resolver))
    names.close()
  }
  const isWell = all.every(({ level }) => level !== 'fail')
  const warnings = all.filter(({ level }) => level === 'warn').length
  const end = warnings > 0 ? ` (warnings: ${warnings})` : ''
  io.stdout.write(isWell ? `All checks passed${end}.\n` : `Some checks failed${end}.\n`)
  io.stdout.write(writeCommands(all))
  return isWell
}

type Tell = (findings: readonly Finding[]) => void

async function examineStore(surroundings: Omit<Installation, 'store'>, tell: Tell): Promise<void> {
  const { config, clock } = surroundings
  if (config.databaseUrl === null) {
    const folder = await checkFolder(config)
    tell(folder)
    if (folder.some(({ part, level }) => part === 'store' && level === 'fail')) return
    if (!folder.some(({ part, level }) => part === 'folder' && level === 'fail')) {
      tell([ok('server', isServed(config.data) ? 'a server is using this folder' : 'no server is using this folder')])
    }
  }
  let looked: LookedAt
  try {
    looked = await lookAt(config, clock)
  } catch (error) {
    if (error instanceof StartRefused) return tell([fail('store', error.message, 'see docs/postgresql.md')])
    const remedy = 'check the disk and the permissions, or restore the latest backup (docs/backup.md)'
    return tell([fail('store', `cannot be opened (${(error as Error).message})`, remedy)])
  }
  try {
    tell([ok('store', looked.engine === 'sqlite' ? 'SQLite, opened' : 'PostgreSQL, connected')])
    await runChecks(({ run }) => run({ ...surroundings, store: looked }), tell)
  } catch (error) {
    const remedy = 'make sure that it is available, then run doctor again'
    tell([fail('store', `could not be read (${(error as Error).message})`, remedy)])
  } finally {
    await looked.close()
  }
}
