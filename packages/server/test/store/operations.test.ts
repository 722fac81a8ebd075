import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import type { NotSent } from '../../src/base/model.ts'
import type { Operation } from '../../src/store/operation.ts'
import type { KeptCall } from '../../src/store/operations/idempotent-calls.ts'
import { operations } from '../../src/store/operations/index.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import { anAttempt, anEndpoint, anEvent, aSettlement, bytes } from './builders.ts'

/** Mistakes a newcomer can make with an operation, and what its declaration must say (decision 28). */
const FOLDER = fileURLToPath(new URL('../../src/store/operations', import.meta.url))
const HOW = 'see docs/decisions/0028-store-operations.md'

/** Operations that lock the configuration for another reason than changing one of its versions. */
const ALONE_WITHOUT_CHANGE: Readonly<Record<string, string>> = {
  holdDeliveries: 'it depends on the state of the endpoint, which must not change in the meantime',
  releaseDeliveries: 'it depends on the state of the endpoint, which must not change in the meantime',
  beginMove: 'nothing can be configured in a store that another one is being moved into',
}

/** Operations that contain no writing SQL but must run where the writer is. */
const WRITES_BY_OTHER_WORDS: Readonly<Record<string, string>> = {
  giveBackPages: 'an SQLite pragma moves pages',
}

const declared: Readonly<Record<string, Operation<never, unknown>>> = operations
const names = Object.keys(declared)
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const nounFiles = files.filter(file => file !== 'index.ts')

type OperationObjects = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The objects of operations that a file exports, by name. */
async function objectsIn(file: string): Promise<OperationObjects> {
  const exported = (await import(join(FOLDER, file))) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(exported).filter(([name]) => name.endsWith('Operations')),
  ) as OperationObjects
}

// The code of an operation: its own text, and that of every function of ours that it calls

type Code = { readonly file: string; readonly text: string }

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
const texts = new Map(files.map(file => [file, withoutComments(readFileSync(join(FOLDER, file), 'utf8'))]))

/** Each top-level declaration of a file, by name. */
const partsOf = new Map(
  [...texts].map(([file, text]) => {
    const parts = text.split(/^(?=(?:export )?(?:function\*? |const ))/m)
    const named = parts.map(part => [/^(?:export )?(?:function\*? |const )(\w+)/.exec(part)?.[1] ?? '', part] as const)
    return [file, new Map(named)]
  }),
)

/** What a file imports from others in the folder: each name, and the file it comes from. */
const importsOf = new Map(
  [...texts].map(([file, text]) => {
    const found = [...text.matchAll(/^import \{([^}]*)\} from '(\.[^']*)'/gm)].flatMap(([, list, from]) =>
      list!.split(',').map(name => [name.trim(), relative(FOLDER, join(FOLDER, dirname(file), from!))] as const),
    )
    return [file, new Map(found)]
  }),
)

function codeOf(file: string, name: string, seen: Code[] = []): Code[] {
  const home = importsOf.get(file)?.get(name) ?? file
  const text = partsOf.get(home)?.get(name)
  if (text === undefined || seen.some(code => code.text === text)) return seen
  seen.push({ file: home, text })
  const words = new Set(text.match(/\b[A-Za-z_]\w*\b/g))
  for (const word of words) codeOf(home, word, seen)
  return seen
}

const homes = new Map(
  [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/^ {2}(\w+): (?:reads|writes)\b/gm)].map(match => [match[1]!, file] as const),
  ),
)
const codes = new Map(names.map(name => [name, codeOf(homes.get(name)!, runOf(name))]))

/** The name of the function that an operation runs. */
function runOf(name: string): string {
  const text = texts.get(homes.get(name)!)!
  return new RegExp(`^ {2}${name}: (?:reads|writes)[^]*?run: (\\w+)`, 'm').exec(text)![1]!
}

const calls = (name: string, ...functions: string[]): boolean =>
  codes.get(name)!.some(({ text }) => functions.some(each => new RegExp(`yield\\* ${each}\\(`).test(text)))

const WRITING = /`?\b(?:insert into|update \$?\{?\w+\}? set|delete from|create table)\b/
const isWriting = (name: string): boolean => codes.get(name)!.some(({ text }) => WRITING.test(text))

const wrong = (what: string, isWrong: (name: string, operation: Operation<never, unknown>) => boolean): string[] =>
  names.filter(name => isWrong(name, declared[name]!)).map(name => `${name}: ${what}`)

/** Fails with a description of what is wrong. */
const expectNone = (wrong: readonly string[]): void => expect([...wrong, HOW].join('\n')).toBe(HOW)

describe("the store's operations", () => {
  it.each(nounFiles)('%s: its operations are in operations/index.ts', async file => {
    for (const [object, its] of Object.entries(await objectsIn(file))) {
      const missing = Object.keys(its).filter(name => declared[name] !== its[name])
      expect(missing, `operations/index.ts lacks ...${object}, or another noun has operations of that name`).toEqual([])
    }
  })

  it("are declared in operations.ts in each noun's folder, and in no other file there", async () => {
    const folders = new Set(nounFiles.filter(file => file.includes('/')).map(file => dirname(file)))
    for (const folder of folders) expect(files, HOW).toContain(`${folder}/operations.ts`)
    for (const file of nounFiles) {
      const isPlace = !file.includes('/') || file.endsWith('/operations.ts')
      const count = Object.keys(await objectsIn(file)).length
      expect(count, `${file}: declares ${count} objects of operations, but should declare ${isPlace ? 1 : 0}`).toBe(
        isPlace ? 1 : 0,
      )
    }
  })

  it('are all found in the source code by this test', () => {
    expect([...homes.keys()].sort()).toEqual([...names].sort())
    for (const name of names) expect(codes.get(name)!.length, name).toBeGreaterThan(0)
    expect(calls('createEndpoint', 'nextChange')).toBe(true)
    expect(isWriting('listTenants')).toBe(false)
  })

  it('only read if they are declared with `reads`', () => {
    expectNone(
      wrong('is declared with reads, but writes: declare it with writes', (name, { kind }) => {
        return kind === 'read' && isWriting(name)
      }),
    )
  })

  it('write if they are declared with `writes`', () => {
    expectNone(
      wrong(
        'is declared with writes, but only reads: declare it with reads, so that no commit waits for it',
        (name, { kind }) => kind === 'write' && !isWriting(name) && WRITES_BY_OTHER_WORDS[name] === undefined,
      ),
    )
  })

  it('declare that they change the configuration if they do', () => {
    const changes = (name: string) => calls(name, 'bumpCatalogue', 'bumpTenant', 'nextChange')
    expectNone(
      wrong("changes the configuration: declare it with configuration: 'changes'", (name, operation) => {
        if (operation.kind === 'read' || operation.configuration === 'changes') return false
        return changes(name) && operation.configuration !== 'may change'
      }),
    )
    expectNone(
      wrong(
        "is declared with configuration: 'changes', but calls none of bumpCatalogue, bumpTenant, nextChange",
        (name, operation) => {
          if (operation.kind === 'read' || operation.configuration !== 'changes') return false
          return !changes(name) && ALONE_WITHOUT_CHANGE[name] === undefined
        },
      ),
    )
  })

  it('lock the configuration themselves only if they are declared to', () => {
    expectNone(
      wrong(
        'lockConfiguration must be called by operations declared with `may change`, and by no others',
        (name, operation) => {
          const mayChange = operation.kind === 'write' && operation.configuration === 'may change'
          return mayChange !== calls(name, 'lockConfiguration')
        },
      ),
    )
  })

  it('declare that they rely on the configuration if they compare its versions before they write', () => {
    expectNone(
      wrong("compares versions and writes: declare it with configuration: 'relies on'", (name, operation) => {
        if (operation.kind === 'read' || operation.configuration !== 'ignores') return false
        return calls(name, 'catalogueVersion', 'tenantVersions')
      }),
    )
  })

  it('that list are declared for people: names of reads for the engine begin with find, read or get', () => {
    expectNone(
      wrong("lists, and would keep the engine's reader busy: use waitedForBy: 'people'", (name, operation) => {
        return /^list[A-Z]/.test(name) && !(operation.kind === 'read' && operation.waitedForBy === 'people')
      }),
    )
  })

  it('report the deliveries that they end', () => {
    expectNone(
      wrong('ends deliveries without reporting them: declare what is observed', (name, operation) => {
        const ends =
          calls(name, 'storeHistory') || codes.get(name)!.some(({ text }) => /insert into delivery\b/.test(text))
        return ends && (operation.kind === 'read' || operation.observed === undefined)
      }),
    )
  })

  it('pack and unpack arguments and results without losing anything that the operation needs', () => {
    for (const name of names) {
      const { packedArgs, packedResult } = declared[name]!
      for (const codec of [packedArgs, packedResult]) {
        if (codec === undefined) continue
        const sample = SAMPLES[name]
        expect(sample, `${name} is packed: add a sample of it here`).toBeDefined()
        expect(plain(sample), name).toMatchObject(plain(codec.unpack(codec.pack(sample as never))) as object)
      }
    }
  })
})

/** Turns bytes into lists of numbers, whichever kind of array they are in. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

const endpoint = anEndpoint('acme', { ordered: true })
const item: LaneItem = {
  tenant: 'acme',
  delivery: newId('dlv', 1),
  endpoint: endpoint.id,
  partition: 7,
  event: newId('evt', 1),
  type: 'T',
  test: false,
  replay: true,
  traceparent: '00-1-2-01',
  dueAtMs: 12_345,
  attempts: 2,
  payload: bytes('{"a":1}'),
}
const unread: LaneItem = { ...item, test: true, replay: false, traceparent: null, payload: null }
const call: KeptCall = {
  scope: 'root/acme',
  key: 'k',
  hash: bytes('hash'),
  madeId: null,
  madeMs: 1_000,
  expiresMs: 2_000,
  status: 202,
  response: bytes(''),
  sealedUntilMs: null,
}
const mark = { endpoint: endpoint.id, epoch: 3, mark: { kind: 'well' } }

/** A sample for each operation whose arguments or result are packed. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  publish: {
    keyWaitMs: 20,
    requests: [
      {
        tenant: 'acme',
        tenantVersion: 3,
        catalogueVersion: 4,
        nowMs: 1_000,
        keyExpiresAtMs: 5_000,
        traceparent: '00-1-2-01',
        once: { call, response: 'batch' },
        events: [
          anEvent([endpoint, anEndpoint('acme', { state: 'disabled' })], { key: 'k', hash: bytes('hash') }),
          anEvent([], { deliveries: null, test: true, notSent: { filter: 2 } as NotSent }),
        ],
      },
      {
        tenant: 'other',
        tenantVersion: 1,
        catalogueVersion: 4,
        nowMs: 1_000,
        keyExpiresAtMs: 5_000,
        events: [anEvent([])],
      },
    ],
  },
  settle: {
    settlements: [
      aSettlement(item, { kind: 'retry', dueAtMs: 99_000 }, { epoch: 3 }),
      aSettlement(item, { kind: 'delivered' }, { requestVersion: 3, sender: 2 }),
      aSettlement(item, { kind: 'exhausted' }, { gone: true, attempt: anAttempt(3, { status: null, address: null }) }),
    ],
    marks: [mark],
  },
  readLane: [item, unread],
  readOrderedLane: { items: [item, unread], isNumbered: true, isHeldUp: false },
}
