import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { SharedTurns } from '../../src/publish/turns.ts'
import { WantingEndpoints } from '../../src/replay/wanting.ts'
import { anEndpoint, aTenant } from '../store/builders.ts'
import { type Opened, sqliteEngine } from '../store/engines.ts'

describe('what the endpoints of a tenant want of missing events', () => {
  let opened: Opened
  beforeEach(async () => {
    opened = await sqliteEngine().open()
  })
  afterEach(() => opened.close())

  const wantingOf = () => new WantingEndpoints(opened.store, systemClock, new SharedTurns(systemClock), 'acme', null)

  it('is found in pages, with more filters than are kept at a time', async () => {
    // 200 filters of 8 KB take some 25 MiB when they are compiled.
    const endpoints = Array.from({ length: 201 }, (_, n) =>
      anEndpoint('acme', {
        types: [n % 2 === 0 ? 'A' : 'B*'],
        filter: n === 200 ? null : { n: [n], x: ['x'.repeat(8_000)] },
      }),
    )
    await aTenant(opened.store, 'acme', endpoints)
    const wanting = wantingOf()
    const listed = (await wanting.list())!
    expect(listed.map(({ id }) => id).sort()).toEqual(endpoints.map(({ id }) => id).sort())
    expect(await wanting.learn(['A', 'BC'], () => false)).toBe(true)
    const reads = vi.spyOn(opened.store, 'read')
    for (let round = 0; round < 2; round++) {
      for (const { id, types, filter } of endpoints) {
        const isOfA = types![0] === 'A'
        expect([wanting.isWanted(id, 'A'), wanting.isWanted(id, 'BC')]).toEqual([isOfA, !isOfA])
        expect(wanting.hasFilter(id)).toBe(filter !== null)
        if (filter !== null) expect(JSON.parse((await wanting.filterOf(id))!.key)).toEqual(filter)
      }
    }
    // Many filters in one read, although not all of them fit.
    expect(reads.mock.calls.length).toBeLessThan(50)
  })

  it('is unknown if the time is up, and that of a deleted endpoint is no filter', async () => {
    const endpoint = anEndpoint('acme', { types: ['A'], filter: { n: [1] } })
    await aTenant(opened.store, 'acme', [endpoint])
    const wanting = wantingOf()
    await wanting.list()
    expect(await wanting.learn(['A'], () => true)).toBe(false)
    expect(wanting.isWanted(endpoint.id, 'A')).toBe(false)
    await opened.store.write('deleteEndpoint', { tenant: 'acme', id: endpoint.id, nowMs: 2 })
    expect(await wanting.filterOf(endpoint.id)).toBeNull()
  })
})
