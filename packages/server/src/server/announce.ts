/** The messages of a startup: on standard error for the person who started it, and in the log. */
import pkg from '../../package.json' with { type: 'json' }
import type { Logger } from '../base/logger.ts'
import type { Config } from '../config/config.ts'
import { type Keyring, nameOfKey } from '../secrets/keyring.ts'
import type { ServerIo } from './server-io.ts'

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

export function announce(io: Pick<ServerIo, 'stderr' | 'sharing'>, logger: Logger, config: Config, url: string): void {
  const say = (line: string) => io.sharing !== 'another' && io.stderr.write(line)
  if (config.dev) {
    say('DEVELOPMENT MODE: endpoints on this machine are allowed, also over http://. Never use it in production.\n')
    logger.warn('development mode: endpoints on this machine are allowed, also over http://')
  }
  if (config.extraCa.length > 0)
    logger.warn({ count: config.extraCa.length }, 'extra certificate authorities are trusted')
  say(`Posthorn is listening on ${url}. Stop it with Ctrl-C or SIGTERM.\n`)
  logger.info({ url, pid: process.pid, data: config.data, version: pkg.version }, 'listening')
}
