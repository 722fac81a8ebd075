import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SOURCE = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const read = (file: string) => readFileSync(join(SOURCE, file), 'utf8')
const folderOf = (file: string) => (file.includes('/') ? file.split('/')[0]! : file.replace('.ts', ''))

/** What a part may not import. */
const FORBIDDEN: Record<string, readonly string[]> = {
  store: ['ingest', 'engine', 'manage', 'upkeep', 'api', 'watch', 'server'],
  upkeep: ['ingest', 'engine', 'manage', 'api', 'watch', 'server'],
  guard: ['store', 'ingest', 'engine', 'manage', 'api', 'watch', 'server'],
  ingest: ['engine', 'manage', 'api', 'watch', 'server'],
  engine: ['ingest', 'manage', 'api', 'watch', 'server'],
  manage: ['engine', 'api', 'watch', 'server'],
  api: ['engine', 'watch', 'server'],
  watch: ['ingest', 'manage', 'server'],
}

/** Words that belong to one place. */
const OWNED: readonly (readonly [RegExp, (file: string) => boolean, string])[] = [
  [/process\.env/, file => file === 'config.ts', 'the environment is read in config.ts only'],
  [
    /\bDate\.now\(|performance\.now\(|\bsetTimeout\(|\bsetInterval\(/,
    file => file === 'clock.ts',
    'time is read in clock.ts only',
  ],
  [/from 'undici'/, file => folderOf(file) === 'engine', 'requests go out from the engine only'],
  [/from '(?:node:sqlite|pg)'/, file => folderOf(file) === 'store', 'databases are opened in store/ only'],
  [
    /\b(?:select|insert into|delete from) \w+[\s\S]{0,80}\b(?:from|values|where)\b/,
    file => folderOf(file) === 'store',
    'SQL is in store/ only',
  ],
]

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

describe('layers', () => {
  it.each(files)('%s imports only what is below it', file => {
    const imports = [...read(file).matchAll(/from '(\.[^']+)'/g)].map(match => folderOf(join(file, '..', match[1]!)))
    for (const forbidden of FORBIDDEN[folderOf(file)] ?? []) expect(imports, file).not.toContain(forbidden)
  })

  it.each(OWNED)('%s', (word, isOwner, why) => {
    const users = files.filter(file => word.test(withoutComments(read(file))))
    expect(users.length, 'the word is still used').toBeGreaterThan(0)
    expect(
      users.filter(file => !isOwner(file)),
      why,
    ).toEqual([])
  })
})
