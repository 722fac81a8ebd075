import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SOURCE = fileURLToPath(new URL('../src', import.meta.url))
const ARCHITECTURE = new URL('../../../docs/architecture.md', import.meta.url)

/** The rooms from the bottom up: each may import those before it, and nothing behind it. */
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
  'cli',
]

/** Pairs that the order would allow, and that must not know each other: they meet in the store. */
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

/** Words that belong to one place. */
const OWNED: readonly (readonly [RegExp, (file: string) => boolean, string])[] = [
  [/process\.env/, file => file === 'config/config.ts', 'the environment is read in config/config.ts only'],
  [
    /\bDate\.now\(|performance\.now\(|\bsetTimeout\(|\bsetInterval\(/,
    file => file === 'base/clock.ts',
    'time is read in base/clock.ts only',
  ],
  [/from 'undici'/, file => roomOf(file) === 'engine', 'requests go out from the engine only'],
  [/from '(?:node:sqlite|pg)'/, file => roomOf(file) === 'store', 'databases are opened in store/ only'],
  [
    /\b(?:select|insert into|delete from) \w+[\s\S]{0,80}\b(?:from|values|where)\b/,
    file => roomOf(file) === 'store',
    'SQL is in store/ only',
  ],
]

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const read = (file: string) => readFileSync(join(SOURCE, file), 'utf8')
const roomOf = (file: string) => (file.includes('/') ? file.split('/')[0]! : file.replace('.ts', ''))
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

/** What a file imports of ours, types too, and what it loads later or runs as a thread. */
function importsOf(file: string): string[] {
  const named = /(?:\bfrom |\bimport\(|\bimport |new URL\()'(\.\.?\/[^']+\.ts)'/g
  return [...withoutComments(read(file)).matchAll(named)].map(match => join(file, '..', match[1]!))
}

const graph = new Map(files.map(file => [file, importsOf(file)]))

/** The first circle that a walk along the imports finds: its files in turn. */
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
  it('has every file in a room, and and no loose file but the command', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual([...ROOMS].sort())
    expect(files.filter(file => !file.includes('/'))).toEqual(['cli.ts'])
  })

  it('has the rooms that docs/architecture.md has, in the same order', () => {
    const page = readFileSync(ARCHITECTURE, 'utf8')
    const rows = [...page.matchAll(/^\| `([a-z]+)(?:\/|\.ts)` \|/gm)].map(match => match[1])
    expect(rows).toEqual(ROOMS)
  })

  it.each(files)('%s imports only what is below it', file => {
    const room = roomOf(file)
    const rooms = graph.get(file)!.map(roomOf)
    const above = ROOMS.slice(ROOMS.indexOf(room) + 1)
    const strangers = STRANGERS.filter(([one]) => one === room).map(([, other]) => other)
    for (const forbidden of [...above, ...strangers]) expect(rooms, file).not.toContain(forbidden)
  })

  it('imports files that are there', () => {
    const missing = [...graph].flatMap(([file, imports]) =>
      imports.filter(each => !each.startsWith('..') && !graph.has(each)).map(each => `${file} → ${each}`),
    )
    expect(missing).toEqual([])
  })

  it('has no circle of imports, of types either', () => {
    expect(circleIn(graph)).toBeUndefined()
  })

  it('would find a circle', () => {
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
    expect(users.length, 'the word is still used').toBeGreaterThan(0)
    expect(
      users.filter(file => !isOwner(file)),
      why,
    ).toEqual([])
  })
})
