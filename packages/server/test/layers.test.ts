import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SOURCE = fileURLToPath(new URL('../src', import.meta.url))
const ARCHITECTURE = new URL('../../../docs/architecture.md', import.meta.url)

/** The layers (folders of src) from the bottom up: each can import only those before it. */
const ROOMS = [
  'base',
  'guard',
  'config',
  'secrets',
  'store',
  'catalogue',
  'publish',
  'replay',
  'engine',
  'background',
  'services',
  'api',
  'observe',
  'server',
  'commands',
  'index',
  'cli',
]

/** Pairs that the order would allow, but that must not import each other: they communicate through the store. */
const STRANGERS: readonly (readonly [room: string, of: string])[] = [
  ['engine', 'publish'],
  ['engine', 'replay'],
  ['background', 'engine'],
  ['services', 'engine'],
  ['services', 'background'],
  ['api', 'engine'],
  ['api', 'background'],
  ['observe', 'catalogue'],
  ['observe', 'publish'],
  ['observe', 'replay'],
  ['observe', 'background'],
  ['observe', 'services'],
]

/** Patterns that can only be used in one place. */
const OWNED: readonly (readonly [RegExp, (file: string) => boolean, string])[] = [
  [/process\.env/, file => file === 'config/config.ts', 'the environment is read only in config/config.ts'],
  [
    /\bDate\.now\(|performance\.now\(|\bsetTimeout\(|\bsetInterval\(/,
    file => file === 'base/clock.ts',
    'time is read only in base/clock.ts',
  ],
  [
    /(?<!import \{ isIP \} )from 'node:(?:net|tls)'/,
    file => file.startsWith('engine/http/') || /^(?:api|config|server|store|commands)\//.test(file),
    'the engine opens sockets only in engine/http/',
  ],
  [/from '(?:node:sqlite|pg)'/, file => roomOf(file) === 'store', 'databases are opened only in store/'],
  [
    /\b(?:select|insert into|delete from) \w+[\s\S]{0,80}\b(?:from|values|where)\b/,
    file => roomOf(file) === 'store',
    'SQL is only in store/',
  ],
]

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const read = (file: string) => readFileSync(join(SOURCE, file), 'utf8')
const roomOf = (file: string) => (file.includes('/') ? file.split('/')[0]! : file.replace('.ts', ''))
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

/** The files of ours that a file imports, including types, loads dynamically, or runs as a thread. */
function importsOf(file: string): string[] {
  const named = /(?:\bfrom |\bimport\(|\bimport |new URL\()'(\.\.?\/[^']+\.ts)'/g
  return [...withoutComments(read(file)).matchAll(named)].map(match => join(file, '..', match[1]!))
}

const graph = new Map(files.map(file => [file, importsOf(file)]))

/** The first import cycle that is found, as the list of its files. Undefined if there is none. */
function circleIn(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const walk = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const next of edges.get(file) ?? []) {
      const found = walk(next, [...way, file])
      if (found !== undefined) return found
    }
    done.add(file)
    return undefined
  }
  for (const file of edges.keys()) {
    const found = walk(file, [])
    if (found !== undefined) return found
  }
  return undefined
}

describe('layers', () => {
  it('contain every file, except the command and the library themselves', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual([...ROOMS].sort())
    expect(files.filter(file => !file.includes('/'))).toEqual(['cli.ts', 'index.ts'])
  })

  it('are listed in docs/architecture.md in the same order', () => {
    const page = readFileSync(ARCHITECTURE, 'utf8')
    const rows = [...page.matchAll(/^\| `([a-z]+)(?:\/|\.ts)` \|/gm)].map(match => match[1])
    expect(rows).toEqual(ROOMS)
  })

  it.each(files)('%s imports only lower layers', file => {
    const room = roomOf(file)
    const rooms = graph.get(file)!.map(roomOf)
    const above = ROOMS.slice(ROOMS.indexOf(room) + 1)
    const strangers = STRANGERS.filter(([one]) => one === room).map(([, other]) => other)
    for (const forbidden of [...above, ...strangers]) expect(rooms, file).not.toContain(forbidden)
  })

  it('import only files that exist', () => {
    const missing = [...graph].flatMap(([file, imports]) =>
      imports.filter(each => !each.startsWith('..') && !graph.has(each)).map(each => `${file} → ${each}`),
    )
    expect(missing).toEqual([])
  })

  it('have no import cycles, including type imports', () => {
    expect(circleIn(graph)).toBeUndefined()
  })

  it('are searched for import cycles by a search that finds one in an example', () => {
    const ring = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', []],
      ['d', ['b']],
    ])
    expect(circleIn(ring)).toEqual(['b', 'd', 'b'])
  })

  it.each(OWNED)('%s', (word, isOwner, why) => {
    const users = files.filter(file => word.test(withoutComments(read(file))))
    expect(users.length, 'the pattern is still used').toBeGreaterThan(0)
    expect(
      users.filter(file => !isOwner(file)),
      why,
    ).toEqual([])
  })
})
