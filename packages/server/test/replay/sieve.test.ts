import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { EndpointId, EventId } from '../../src/base/model.ts'
import { toMatchable } from '../../src/catalogue/contents.ts'
import { SharedTurns } from '../../src/publish/turns.ts'
import { Sieve, type Wanting, wantsOf } from '../../src/replay/sieve.ts'
import { wantingOf } from '../../src/replay/wanting.ts'
import type { MatchEndpoint } from '../../src/store/operations/endpoints/matching.ts'
import type { Replayable } from '../../src/store/operations/replays/scan.ts'
import { bytes } from '../store/builders.ts'
import { engines, type Opened } from '../store/engines.ts'

const select = (over: object = {}) => ({
  endpoint: null,
  event: null,
  types: null,
  states: [],
  missing: true,
  fromMs: null,
  toMs: null,
  ...over,
})

const endpointWith = (types: readonly string[] | null, filterText: string | null): MatchEndpoint => ({
  id: newId('ep', Date.now()),
  partition: 7,
  state: 'enabled',
  types,
  filterText,
  ordered: false,
  createdVersion: 1,
  selectionVersion: 1,
})

const found = (event: EventId, endpoint: EndpointId, type = 'A', replayOf: string | null = null): Replayable => ({
  event,
  endpoint,
  type,
  test: false,
  replayOf,
  isOvertaken: false,
  at: event,
})

describe.each(engines())('what an endpoint wants of what it never got, on $name', engine => {
  let opened: Opened
  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** Stores an event. An empty payload is one that is no longer kept. */
  async function store(payload: string, type = 'A'): Promise<EventId> {
    const id = newId('evt', Date.now())
    await opened.run(
      `insert into event (tenant, id, type, payload, test, deliveries, created_ms) values ('acme', $1, $2, $3, 0, 0, 1)`,
      [idBytes(id), type, bytes(payload)],
    )
    return id
  }

  function sieveOf(endpoints: readonly MatchEndpoint[], selection = select()): Sieve {
    const known = new Map(endpoints.map(endpoint => [endpoint.id, wantingOf(toMatchable(endpoint))]))
    const wanting: Wanting = {
      isWanted: (id, type) => known.get(id)!.isWanted(id, type),
      hasFilter: id => known.get(id)!.hasFilter(id),
      filterOf: id => known.get(id)!.filterOf(id),
    }
    const turns = new SharedTurns(systemClock)
    return new Sieve(opened.store, systemClock, 'acme', { ...wanting, wants: wantsOf(selection, wanting), turns })
  }

  async function siftAll(sieve: Sieve, all: readonly Replayable[], most?: number) {
    const kept: Replayable[] = []
    let calls = 0
    for (let left = all; left.length > 0; calls++) {
      const sifted = await sieve.sift(left, most)
      expect(sifted.decided).toBeGreaterThan(0)
      kept.push(...sifted.kept)
      left = left.slice(sifted.decided)
    }
    return { kept, calls }
  }

  it('follows the types and the filter, whatever the sizes of payloads and steps', async () => {
    const endpoints = [
      endpointWith(null, null),
      endpointWith(['A'], null),
      endpointWith(['A', 'B'], '{"n":[1,2]}'),
      endpointWith(null, '{"n":{"gte":2}}'),
      endpointWith(['B'], '{"n":[1,2]}'),
    ]
    const event = fc.record({ n: fc.nat(3), type: fc.constantFrom('A', 'B'), padding: fc.constantFrom(0, 10, 70_000) })
    const run = fc.record({
      events: fc.array(event, { minLength: 1, maxLength: 100 }),
      gone: fc.nat(100),
      most: fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(run, async ({ events, gone, most }) => {
        const stored: { id: EventId; n: number; type: string; isKept: boolean }[] = []
        for (const [index, { n, type, padding }] of events.entries()) {
          const isKept = index !== gone
          const payload = isKept ? JSON.stringify({ n, padding: 'x'.repeat(padding) }) : ''
          stored.push({ id: await store(payload, type), n, type, isKept })
        }
        const all = stored.flatMap(({ id, type }) => endpoints.map(endpoint => found(id, endpoint.id, type)))
        const wanted = stored.flatMap(({ id, n, type, isKept }) => {
          const is = [true, type === 'A', isKept && (n === 1 || n === 2), isKept && n >= 2]
          const isLast = isKept && type === 'B' && (n === 1 || n === 2)
          return [...is, isLast].map((isWanted, at) => [isWanted, `${id} ${endpoints[at]!.id}`] as const)
        })
        const { kept } = await siftAll(sieveOf(endpoints), all, most)
        const expected = wanted.flatMap(([isWanted, pair]) => (isWanted ? [pair] : []))
        expect(kept.map(one => `${one.event} ${one.endpoint}`)).toEqual(expected)
      }),
      { numRuns: 12 },
    )
  }, 120_000)

  it('reads a limited number of bytes at a time, but at least one payload', async () => {
    const endpoint = endpointWith(null, '{"n":[1]}')
    const payload = JSON.stringify({ n: 1, padding: 'x'.repeat(3_000_000) })
    const events = []
    for (let index = 0; index < 4; index++) events.push(await store(payload))
    const { kept, calls } = await siftAll(
      sieveOf([endpoint]),
      events.map(id => found(id, endpoint.id)),
    )
    expect([kept.length, calls]).toEqual([4, 2])
  })

  it('is not asked for what the endpoint got before, nor for what the call names', async () => {
    const endpoint = endpointWith(['B'], '{"n":[1]}')
    const [yes, no] = [await store('{"n":1}'), await store('{"n":2}')]
    const sift = async (over: object, replayOf: string | null = null) => {
      const all = [found(yes, endpoint.id, 'A', replayOf), found(no, endpoint.id, 'A', replayOf)]
      return (await sieveOf([endpoint], select(over)).sift(all)).kept.map(({ event }) => event)
    }
    expect(await sift({}, newId('dlv', 1))).toEqual([yes, no])
    expect(await sift({ endpoint: endpoint.id, types: ['A'] }, newId('dlv', 1))).toEqual([yes, no])
    expect(await sift({})).toEqual([])
    expect(await sift({ endpoint: endpoint.id })).toEqual([])
    // The call decides on the types, but not on the filter.
    expect(await sift({ endpoint: endpoint.id, types: ['A'] })).toEqual([yes])
    expect(await sift({ endpoint: endpoint.id, event: no })).toEqual([yes, no])
  })
})
