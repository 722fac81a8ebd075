import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { KnownTypes } from '../../../src/catalogue/configuration-cache.ts'
import { Checker, CheckTooLong } from '../../../src/publish/checking/checker.ts'
import { useBench } from '../../services/setup.ts'

const bench = useBench()
const EXPLODING = '^(a+)+$'
/** More steps than a machine can do in a minute. */
const LONG = `${'a'.repeat(40)}!`
const LIMITS = { maxBatch: 1_000, maxDepth: 64 }

let checker: Checker
const lines: { readonly type: string | null; readonly party: string }[] = []
/** A deadline long enough for everything that doesn't explode. */
function open(quickMs: number, slowMs = quickMs): Checker {
  lines.length = 0
  checker = new Checker(systemClock, { warn: (line: unknown) => void lines.push(line as never) } as never, {
    quickMs,
    slowMs,
  })
  return checker
}
afterEach(() => checker.stop())

async function types(): Promise<KnownTypes> {
  const schema = { type: 'object', required: ['id'], properties: { id: { pattern: EXPLODING } } }
  await bench.store.write('putEventType', {
    type: { name: 'EXPLODING', group: 'g', description: 'd', schema, example: { id: 'a' }, schedule: null },
    nowMs: 1,
  })
  return bench.publisher.configuration.catalogue.get()
}

const bodyOf = (...ids: string[]) => ({
  kind: 'body' as const,
  body: Buffer.from(JSON.stringify(ids.map(id => ({ type: 'EXPLODING', payload: { id } })))),
  limits: LIMITS,
  needsEvents: true,
})

describe('a job that takes too long', () => {
  it('is ended, and the error says which event of which type', async () => {
    const known = await types()
    const error = await open(50)
      .check('evil', bodyOf('a', 'aa', LONG, 'b'), known)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CheckTooLong)
    expect((error as CheckTooLong).place).toEqual({ type: 'EXPLODING', index: 2 })
    expect(lines).toMatchObject([{ party: 'evil', type: 'EXPLODING' }])
  })

  it('leaves the quick thread to other tenants: theirs are done while it goes on in the slow one', async () => {
    const known = await types()
    open(50, 60_000)
    let isEnded = false
    const evil = checker.check('evil', bodyOf(LONG), known).catch(() => {
      isEnded = true
    })
    const good = await Promise.all(['a', 'aa', 'b'].map(id => checker.check('good', bodyOf(id), known)))
    expect(good.map(result => 'faults' in result && result.faults.length)).toEqual([0, 0, 1])
    expect(isEnded).toBe(false)
    await checker.stop()
    await evil
  })

  it('is done in the slow thread if the quick one had too little time for it', async () => {
    const known = await types()
    // Some million steps.
    const result = await open(1, 60_000).check('slow', bodyOf('a'.repeat(22).concat('!')), known)
    expect(result).toMatchObject({ faults: [{ field: '/0/payload/id' }] })
  })
})

it('parties take turns, however many jobs one of them has waiting', async () => {
  const known = await types()
  open(10_000)
  const done: string[] = []
  const run = (party: string) => checker.check(party, bodyOf('a'), known).then(() => void done.push(party))
  await Promise.all([...Array.from({ length: 20 }, () => run('many')), run('one'), run('two')])
  expect(done.indexOf('one')).toBeLessThan(4)
  expect(done.indexOf('two')).toBeLessThan(5)
})

it('refuses more than 16 MiB of one party, and takes those of others', async () => {
  const known = await types()
  open(10_000)
  const large = { ...bodyOf(), body: Buffer.from(`[${' '.repeat(9 * 1024 * 1024)}]`) }
  const [first, second, other] = await Promise.allSettled([
    checker.check('many', large, known),
    checker.check('many', large, known),
    checker.check('other', large, known),
  ])
  expect([first!.status, other!.status]).toEqual(['fulfilled', 'fulfilled'])
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'overloaded', retryAfterSeconds: 1 } })
})

it('uses the schema of each catalogue that it is given', async () => {
  const before = await types()
  open(10_000)
  expect(await checker.check('a', bodyOf('b'), before)).toMatchObject({ faults: [{ field: '/0/payload/id' }] })
  const schema = { type: 'object', required: ['id'], properties: { id: { pattern: '^(b+)+$' } } }
  await bench.store.write('putEventType', {
    type: { name: 'EXPLODING', group: 'g', description: 'd', schema, example: { id: 'b' }, schedule: null },
    nowMs: 2,
  })
  bench.store.changes.emit({ kind: 'catalogue' })
  const after = await bench.publisher.configuration.catalogue.get()
  expect(await checker.check('a', bodyOf('b'), after)).toMatchObject({ faults: [] })
  expect(await checker.check('a', bodyOf('b'), before)).toMatchObject({ faults: [{ field: '/0/payload/id' }] })
})

it('refuses everything once it is stopped', async () => {
  const known = await types()
  open(60_000)
  const evil = checker.check('evil', bodyOf(LONG), known).catch((reason: unknown) => reason)
  await checker.stop()
  expect(await evil).toMatchObject({ code: 'shutting_down' })
  expect(await checker.check('evil', bodyOf('a'), known).catch((reason: unknown) => reason)).toMatchObject({
    code: 'shutting_down',
  })
})
