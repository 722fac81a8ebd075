/** The programs that operators run their databases with. The drill looks for them and installs nothing. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isExecutable } from '@posthorn/testkit'

/** By the Debian package that each is in. */
const PACKAGES = {
  etcd: 'etcd-server',
  patroni: 'patroni',
  pgbouncer: 'pgbouncer',
  postgres: 'postgresql',
} as const

/** What Patroni needs beside `postgres`, in the same folder: some systems link only a few of them into the path. */
const BESIDE_POSTGRES = ['initdb', 'pg_basebackup', 'pg_controldata', 'pg_ctl', 'pg_rewind']

export type ProgramName = keyof typeof PACKAGES
export type Programs = Readonly<Record<ProgramName, string>>

const DEBIAN = '/usr/lib/postgresql'

/** Folders to look in: the path, what a plain user's path lacks, and Debian's for PostgreSQL, the newest first. */
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

/** The programs, or a text that says which are missing and how to get them. */
export function findPrograms(folders: readonly string[]): Programs | string {
  const names = Object.keys(PACKAGES) as ProgramName[]
  const found = names.map(name => [name, findProgram(name, folders)] as const)
  const missing = found.filter(([, file]) => file === undefined).map(([name]) => name)
  if (missing.length === 0) return Object.fromEntries(found) as Programs
  const packages = [...new Set(missing.map(name => PACKAGES[name]))]
  return (
    `The drill needs programs that are not here: ${missing.join(', ')}.\n` +
    `On Debian and Ubuntu: apt-get install -y ${packages.join(' ')}`
  )
}

function findProgram(name: string, folders: readonly string[]): string | undefined {
  const needed = name === 'postgres' ? [name, ...BESIDE_POSTGRES] : [name]
  const folder = folders.find(each => needed.every(program => isExecutable(join(each, program))))
  return folder === undefined ? undefined : join(folder, name)
}
