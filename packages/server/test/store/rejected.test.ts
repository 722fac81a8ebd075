import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { RejectedSlice } from '../../src/store/operations/events/rejected.ts'
import type { Place } from '../../src/store/where.ts'
import { bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

describe.each(engines())('rejected events on $name', engine => {
  let opened: Opened

  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  async function stored(tenant: string, isRejected: boolean): Promise<string> {
    const id = newId('evt', opened.driver.now())
    await opened.run(
      `insert into event (created_ms, test, tenant, id, type, payload, rejected) values (1, 0, $1, $2, 'T', $3, $4)`,
      [tenant, idBytes(id), bytes('{}'), isRejected ? '[]' : null],
    )
    return id
  }

  it('of one tenant are looked for among a limited number at a time, whatever else there is', async () => {
    const own: string[] = []
    for (let count = 0; count < 60; count++) {
      if (count % 20 === 7) own.unshift(await stored('acme', true))
      else await stored(count % 2 === 0 ? 'other' : 'acme', count % 2 === 0)
    }
    const counter = await opened.countRows()
    for (const [start, expected] of [
      [{ before: null }, own],
      [{ after: null }, own.toReversed()],
    ] as const) {
      const found: string[] = []
      let reads = 0
      let place: Place | null = start
      while (place !== null) {
        const args: Place & { tenant: string; key: null; limit: number; maxRows: number } = {
          ...place,
          tenant: 'acme',
          key: null,
          limit: 9,
          maxRows: 5,
        }
        const { items, goesOnAt }: RejectedSlice = await opened.store.read('listRejectedEvents', args)
        // Once to find where the read ends, and once to find what is in it.
        expect(await counter.count({ name: 'listRejectedEvents', args })).toBeLessThanOrEqual(2 * 5)
        found.push(...items.map(({ id }) => id))
        place = goesOnAt === null ? null : start.before === null ? { before: goesOnAt } : { after: goesOnAt }
        reads++
      }
      expect(found).toEqual(expected)
      expect(reads).toBeGreaterThan(5)
    }
    await counter.close()
  })
})
