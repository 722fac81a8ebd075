import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Driver, OperationCall, OperationResult } from '../../src/store/driver.ts'
import type {
  PublishArguments,
  PublishRequest,
  PublishResult,
} from '../../src/store/operations/events/publish-request.ts'
import { sqliteDialect } from '../../src/store/sqlite/dialect.ts'
import { Store } from '../../src/store/store.ts'
import { StoreContended } from '../../src/store/transaction.ts'
import { anEvent, bytes } from './builders.ts'

/** A store in which someone's open transaction holds keys: any write that uses one of them fails after its wait. */
function aStore(held: Set<string>) {
  /** How many requests each write had, and whether it was blocked. */
  const writes: { requests: number; isBlocked: boolean }[] = []
  const write = async (calls: readonly OperationCall[]): Promise<OperationResult[]> =>
    calls.map((call): OperationResult => {
      const { requests } = call.args as PublishArguments
      const isBlocked = requests.some(({ events }) => events.some(({ key }) => key !== null && held.has(key)))
      writes.push({ requests: requests.length, isBlocked })
      if (isBlocked) return { ok: false, error: new StoreContended('held') }
      return { ok: true, value: requests.map(() => ({ kind: 'stored', duplicates: [] })) }
    })
  const driver = { dialect: sqliteDialect, now: () => 1, write, close: async () => {} } as Partial<Driver> as Driver
  return { store: new Store(driver, systemClock), writes }
}

const request = (...keys: (string | null)[]): PublishRequest => ({
  tenant: 'acme',
  tenantVersion: 1,
  catalogueVersion: 1,
  nowMs: 1,
  keyExpiresAtMs: 2,
  events: keys.map(key => anEvent([], { key, hash: key === null ? null : bytes('h') })),
})

async function outcomes(results: readonly Promise<PublishResult>[]): Promise<string[]> {
  const settled = await Promise.allSettled(results)
  return settled.map(one => {
    if (one.status === 'fulfilled') return one.value.kind
    expect(one.reason).toBeInstanceOf(StoreContended)
    return 'busy'
  })
}

describe('keys held by an open transaction', () => {
  it('are found among many in a few writes, and only requests that use them are refused', async () => {
    const { store, writes } = aStore(new Set(['a', 'b']))
    const keys = Array.from({ length: 200 }, (_, index) => (index === 20 ? 'a' : index === 150 ? 'b' : `free-${index}`))
    const requests = [...keys.map(key => request(key)), request(null), request('free', 'a'), request('a')]
    const found = await outcomes(requests.map(one => store.publish(one)))
    expect(found.flatMap((one, index) => (one === 'busy' ? [index] : []))).toEqual([20, 150, 201, 202])
    expect(new Set(found)).toEqual(new Set(['stored', 'busy']))
    expect(writes.length).toBeLessThan(40)
    await store.close()
  })

  it('are then remembered, and waited for separately from other requests until they are free', async () => {
    const held = new Set(['a'])
    const { store, writes } = aStore(held)
    expect(await outcomes([store.publish(request('a'))])).toEqual(['busy'])
    writes.length = 0
    const mixed = ['a', 'b', 'a', 'c', 'a'].map(key => store.publish(request(key)))
    expect(await outcomes(mixed)).toEqual(['busy', 'stored', 'busy', 'stored', 'busy'])
    // The three requests for the same key shared one wait, and the others one commit.
    expect(writes.toSorted((a, b) => a.requests - b.requests)).toEqual([
      { requests: 1, isBlocked: true },
      { requests: 2, isBlocked: false },
    ])
    held.clear()
    expect(await outcomes([store.publish(request('a'))])).toEqual(['stored'])
    writes.length = 0
    await Promise.all(['a', 'b'].map(key => store.publish(request(key))))
    expect(writes).toEqual([{ requests: 2, isBlocked: false }])
    await store.close()
  })
})
