/** The messages of a startup: on standard error for the person who started it, and in the log. */
import type { Logger } from '../base/logger.ts'
import { VERSION } from '../base/own-files.ts'
import type { Config } from '../config/config.ts'
import { type Keyring, nameOfKey } from '../secrets/keyring.ts'
import { closeExposed, type Exposed } from './exposure.ts'
import type { ServerIo } from './server-io.ts'
import { type StartFacts, startReport } from './start-report.ts'

export function announceKeyFile(io: Pick<ServerIo, 'stderr'>, file: string): void {
  io.stderr.write(
    `A new encryption key was created: ${file}. Keep a copy of the key, separate from your backups: ` +
      'without the key, the secrets in a backup are lost; anyone who has both can read them.\n',
  )
}

/** @param keptIn the file or the environment variable that has the key */
export function remindOfKey(logger: Logger, { fingerprint }: Keyring, keptIn: string): void {
  logger.info(
    { keyName: nameOfKey(fingerprint), keptIn },
    'secrets are encrypted with this key; keep a copy of the key, separate from your backups',
  )
}

/**
 * Closes what other users of the machine could open in the data folder, and logs it. Returns what to tell the person who
 * started the server: a sentence for each, also about how to close the rest.
 */
export function closeAllExposed(logger: Logger, exposed: readonly Exposed[]): string[] {
  return exposed.map(each => {
    const { path, mode, isFolder } = each
    const isClosed = closeExposed(each)
    if (isClosed) {
      logger.warn({ path, mode }, 'other users could open a file of the data folder; it is closed now')
      return `Other users could open ${path} (mode ${mode}). Its mode is 0600 now.`
    }
    if (isFolder) {
      logger.warn({ path, mode }, 'other users have access to the data folder; close it with chmod 700')
      const what = `Other users have access to the data folder ${path} (mode ${mode})`
      return `${what}, but not to Posthorn's files in it. To close the folder too, run: chmod 700 ${path}`
    }
    logger.warn({ path, mode }, 'other users can open a file of the data folder; close it with chmod 600')
    return `Other users can open ${path} (mode ${mode}). As the owner of the file, run: chmod 600 ${path}`
  })
}

type Started = Omit<StartFacts, 'url'> & {
  readonly config: Config
  /** The URL that the API listens on. Null if it doesn't listen. */
  readonly url: string | null
}

type Audience = Pick<ServerIo, 'stderr' | 'sharing' | 'isGuest'> & {
  /** Whether a person reads the output, so that the start is told as `startReport` does. */
  readonly isForPeople: boolean
}

export function announce(io: Audience, logger: Logger, { url, ...facts }: Started): void {
  const { config } = facts
  const isTold = io.sharing !== 'another'
  const say = (line: string) => isTold && !io.isForPeople && io.stderr.write(line)
  if (config.dev) {
    say('DEVELOPMENT MODE: endpoints on this machine are allowed, also over http://. Never use it in production.\n')
    logger.warn('development mode: endpoints on this machine are allowed, also over http://')
  }
  if (config.extraCa.length > 0)
    logger.warn({ count: config.extraCa.length }, 'extra certificate authorities are trusted')
  const { data } = config
  if (url === null) {
    logger.info({ pid: process.pid, data, version: VERSION }, 'started')
    return
  }
  say(`Posthorn is listening on ${url}.${io.isGuest ? '' : ' Stop it with Ctrl-C or SIGTERM.'}\n`)
  if (isTold && io.isForPeople) io.stderr.write(startReport({ ...facts, url }, io.stderr.columns))
  logger.info({ url, pid: process.pid, data, version: VERSION }, 'listening')
}
