import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseOptions } from './options.ts'
import { findPrograms, foldersToSearch } from './programs.ts'

const POSTGRES = ['postgres', 'initdb', 'pg_basebackup', 'pg_controldata', 'pg_ctl', 'pg_rewind']

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-programs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function makePrograms(place: string, names: readonly string[]): string {
  const made = join(folder, place)
  mkdirSync(made, { recursive: true })
  for (const name of names) {
    writeFileSync(join(made, name), '')
    chmodSync(join(made, name), 0o755)
  }
  return made
}

describe('the drill', () => {
  it('fails over ten times behind a pooler in session mode by default, and refuses invalid options', () => {
    expect(parseOptions([])).toEqual({ failovers: 10, poolMode: 'session', help: false })
    expect(parseOptions(['--failovers', '3', '--pool-mode', 'transaction'])).toEqual({
      failovers: 3,
      poolMode: 'transaction',
      help: false,
    })
    for (const wrong of [
      ['--failovers', '0'],
      ['--failovers', 'x'],
      ['--failovers'],
      ['--pool-mode', 'statement'],
      ['now'],
    ]) {
      expect(parseOptions(wrong), wrong.join(' ')).toBeTypeOf('string')
    }
  })

  it('lists missing programs and how to install them', () => {
    const some = makePrograms('some', ['etcd', 'pgbouncer'])
    const text = findPrograms([some])
    expect(text).toContain('patroni, postgres')
    expect(text).toContain('apt-get install -y patroni postgresql')
    expect(text).not.toContain('etcd')
  })

  it('uses the first PostgreSQL folder that has all programs Patroni needs', () => {
    const linked = makePrograms('linked', ['postgres', 'initdb'])
    const whole = makePrograms('whole', POSTGRES)
    const rest = makePrograms('rest', ['etcd', 'pgbouncer', 'patroni'])
    expect(findPrograms([linked, whole, rest])).toMatchObject({ postgres: join(whole, 'postgres') })
    expect(foldersToSearch('/a:/b')).toEqual(expect.arrayContaining(['/a', '/b', '/usr/sbin']))
  })

  it('shows its help without any of the programs installed', () => {
    const text = execFileSync(process.execPath, [fileURLToPath(new URL('drill.ts', import.meta.url)), '--help'], {
      encoding: 'utf8',
      env: { PATH: folder },
    })
    expect(text).toContain('npm run drill')
  })
})
