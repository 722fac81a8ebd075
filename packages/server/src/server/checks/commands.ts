/** Commands that mend what the checks find. They say which store is meant, so that they work in any folder. */
import { ownCommand, shellCommand, shellWord } from '@posthorn/cli/shell'
import { type Config, readEnvironment } from '../../config/config.ts'

type Place = Pick<Config, 'data' | 'databaseUrl'>

/** A `posthorn` command on the store. The database's URL, which has a password in it, is left to the environment. */
export function onStore(words: readonly string[], { data, databaseUrl }: Place): string {
  return ownCommand([...words, ...(databaseUrl === null ? ['--data', data] : [])], readEnvironment())
}

export const closeFile = (path: string): string => shellCommand(['chmod', '600', path])

export const closeFolder = (path: string): string => shellCommand(['chmod', '700', path])

/** A copy of the store as it is now. */
export function copyOf(place: Place): string {
  if (place.databaseUrl !== null) return 'pg_dump --format custom --file posthorn.dump "$POSTHORN_DATABASE_URL"'
  return onStore(['backup', 'posthorn-backup.db'], place)
}

/** @param settings those of PostgreSQL that have to be on */
export function turnOn(settings: readonly string[]): string {
  const statements = [...settings.map(name => `alter system set ${name} = on`), 'select pg_reload_conf()']
  return `psql "$POSTHORN_DATABASE_URL" ${statements.map(text => `-c ${shellWord(text)}`).join(' ')}`
}

export const KEEP_TIME = 'sudo timedatectl set-ntp true'
