/** Finds the programs that operators run their databases with. The drill installs nothing itself. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isExecutable } from '@posthorn/testkit'

/** The Debian package that contains each program. */
const PACKAGES = {
  etcd: 'etcd-server',
  patroni: 'patroni',
  pgbouncer: 'pgbouncer',
  postgres: 'postgresql',
} as const

/** Programs that Patroni needs in the same folder as `postgres`. Some systems link only a few of them into the path. */
const POSTGRES_COMPANIONS = ['initdb', 'pg_basebackup', 'pg_controldata', 'pg_ctl', 'pg_rewind']

export type ProgramName = keyof typeof PACKAGES
export type Programs = Readonly<Record<ProgramName, string>>

const DEBIAN = '/usr/lib/postgresql'

/** Folders to search: the path, folders that a normal user's path lacks, and Debian's for PostgreSQL, newest first. */
export function foldersToSearch(path: string): string[] {
  return [...path.split(':').filter(folder => folder !== ''), '/usr/sbin', '/sbin', ...versionFolders()]
}

function versionFolders(): string[] {
  try {
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a))
    return versions.map(version => join(DEBIAN, version, 'bin'))
  } catch {
    return []
  }
}

/** Returns the programs, or a message that says which are missing and how to install them. */
export function findPrograms(folders: readonly string[]): Programs | string {
  const names = Object.keys(PACKAGES) as ProgramName[]
  const found = names.map(name => [name, findProgram(name, folders)] as const)
  const missing = found.filter(([, file]) => file === undefined).map(([name]) => name)
  if (missing.length === 0) return Object.fromEntries(found) as Programs
  const packages = [...new Set(missing.map(name => PACKAGES[name]))]
  return (
    `The drill needs programs that are not installed: ${missing.join(', ')}.\n` +
    `On Debian and Ubuntu: apt-get install -y ${packages.join(' ')}`
  )
}

function findProgram(name: string, folders: readonly string[]): string | undefined {
  const needed = name === 'postgres' ? [name, ...POSTGRES_COMPANIONS] : [name]
  const folder = folders.find(each => needed.every(program => isExecutable(join(each, program))))
  return folder === undefined ? undefined : join(folder, name)
}
