/** What a start tells people: on standard error for those who started it, and in the log. */
import pkg from '../../package.json' with { type: 'json' }
import type { Logger } from '../base/logger.ts'
import type { Config } from '../config/config.ts'
import { type Keyring, nameOfKey } from '../secrets/keyring.ts'
import type { ServerIo } from './server-io.ts'

export function announceKeyFile(io: Pick<ServerIo, 'stderr'>, file: string): void {
  io.stderr.write(
    `The encryption key was made: ${file}. Keep a copy of it apart from backups of the data: ` +
      'without it the secrets in them are lost, with it they can be read.\n',
  )
}

/** @param keptIn the file or the variable */
export function remindOfKey(logger: Logger, { fingerprint }: Keyring, keptIn: string): void {
  logger.info(
    { encryptionKey: nameOfKey(fingerprint), keptIn },
    'secrets are encrypted with this key: keep a copy of it apart from backups',
  )
}

export function announce(io: Pick<ServerIo, 'stderr' | 'sharing'>, logger: Logger, config: Config, url: string): void {
  const say = (line: string) => io.sharing !== 'another' && io.stderr.write(line)
  if (config.dev) {
    say('DEVELOPMENT MODE: targets on loopback and http:// are allowed. Never run it like this in public.\n')
    logger.warn('development mode: targets on loopback and http:// are allowed')
  }
  if (config.extraCa.length > 0)
    logger.warn({ count: config.extraCa.length }, 'extra certificate authorities are trusted')
  say(`Posthorn listens on ${url}; stop it with Ctrl-C or SIGTERM.\n`)
  logger.info({ url, pid: process.pid, data: config.data, version: pkg.version }, 'listening')
}
