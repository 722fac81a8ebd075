import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IdempotentCallsCleaner } from '../../src/background/idempotent-calls.ts'
import { DAY_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { IdempotentCalls } from '../../src/services/idempotent-calls.ts'
import type { Store } from '../../src/store/store.ts'
import { bytes } from '../store/builders.ts'
import { engines, type Opened } from '../store/engines.ts'
import { atOnce, countRows, later } from './setup.ts'

describe.each(engines())('old calls with an Idempotency-Key on $name', engine => {
  const keyring = createKeyring(randomBytes(32))
  let opened: Opened
  let store: Store
  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  const callOf = (key: string) => ({ scope: 'root/acme', key, hash: bytes(key) })
  async function keep(key: string, hasSecret: boolean) {
    const calls = new IdempotentCalls(store, keyring)
    const response = { status: 201, headers: {}, body: '{"secret":1}', madeId: 'thing', hasSecret }
    await store.write('recordCall', { call: calls.toKept(callOf(key), response) })
  }
  const find = (key: string, ms: number) =>
    new IdempotentCalls(later(store, ms / DAY_MS), keyring)
      .find(callOf(key))
      .catch(({ code, made }: { code: string; made: string }) => [code, made])
  const cleanAfter = async (ms: number) => {
    const cleaner = new IdempotentCallsCleaner(later(store, ms / DAY_MS))
    const isWanted = await cleaner.isWanted()
    await cleaner.run(atOnce)
    return isWanted
  }
  const storedResponse = async (key: string) => (await store.read('findCall', { ...callOf(key), nowMs: 0 }))?.response

  it('lose what contained a secret after ten minutes, and are gone after a day', async () => {
    const response = { status: 201, headers: {}, body: '{"secret":1}' }
    for (let n = 0; n < 3; n++) {
      await keep(`secret-${n}`, true)
      await keep(`clear-${n}`, false)
    }
    expect(await cleanAfter(9 * MINUTE_MS)).toBe(false)
    expect([await find('secret-0', 9 * MINUTE_MS), await find('clear-0', 9 * MINUTE_MS)]).toEqual([response, response])
    // Not shown, whether or not it was removed.
    expect(await find('secret-0', 10 * MINUTE_MS)).toEqual(['already_made', 'thing'])
    expect(await storedResponse('secret-0')).toBeInstanceOf(Uint8Array)
    expect(await cleanAfter(10 * MINUTE_MS)).toBe(true)
    expect([await storedResponse('secret-0'), await storedResponse('secret-2')]).toEqual([null, null])
    expect(await find('secret-0', 10 * MINUTE_MS)).toEqual(['already_made', 'thing'])
    expect(await find('clear-0', DAY_MS - MINUTE_MS)).toEqual(response)
    expect(await cleanAfter(DAY_MS - MINUTE_MS)).toBe(false)
    expect(await countRows(opened, 'idempotent_call')).toBe(6)
    expect([await find('clear-0', DAY_MS), await find('secret-0', DAY_MS)]).toEqual([null, null])
    expect(await cleanAfter(DAY_MS)).toBe(true)
    expect([await countRows(opened, 'idempotent_call'), await cleanAfter(DAY_MS)]).toEqual([0, false])
  })

  it('are removed some at a time', { timeout: 60_000 }, async () => {
    await Promise.all(Array.from({ length: 1_200 }, (_, n) => keep(`k${n}`, n % 2 === 0)))
    let steps = 0
    const counting = {
      ...atOnce,
      step: async <T>(work: () => Promise<T>) => {
        steps++
        return work()
      },
    }
    await new IdempotentCallsCleaner(later(store, 1)).run(counting)
    expect(await countRows(opened, 'idempotent_call')).toBe(0)
    expect(steps).toBe(7)
  })

  it('cannot be opened after the encryption key was replaced and dropped', async () => {
    await keep('k', true)
    keyring.putFirst(randomBytes(32))
    expect(await find('k', 0)).toMatchObject({ status: 201 })
    keyring.dropOlder()
    expect(await find('k', 0)).toEqual(['already_made', 'thing'])
  })
})
