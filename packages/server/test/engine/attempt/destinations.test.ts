import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Destinations } from '../../../src/engine/attempt/destinations.ts'
import { createKeyring } from '../../../src/secrets/keyring.ts'
import { anEndpoint, aTenant } from '../../store/builders.ts'
import { engines, type Opened } from '../../store/engines.ts'

const [sqlite] = engines()
const OPTIONS = { userAgent: 'Posthorn', apiVersion: '3.0', responseTimeoutMs: 1_000 }

describe('destinations', () => {
  let opened: Opened

  beforeEach(async () => {
    opened = await sqlite!.open()
  })
  afterEach(() => opened.close())
  afterAll(() => sqlite!.stop())

  it('of a tenant with large endpoints take a bounded memory, and make none of another tenant be read again', async () => {
    const { store } = opened
    const large = Array.from({ length: 40 }, () =>
      anEndpoint('acme', {
        metadata: { label: 'm'.repeat(10_000) },
        headers: { 'x-large': { value: 'h'.repeat(10_000), secret: false } },
      }),
    )
    const small = Array.from({ length: 5 }, () => anEndpoint('beta'))
    await aTenant(store, 'acme', large)
    await aTenant(store, 'beta', small)
    const known = new Destinations(store, createKeyring(randomBytes(32)), OPTIONS, () => {}, 120_000)
    for (const { id: endpoint, tenant } of [...small, ...large]) await known.load({ endpoint, tenant })
    const isKept = ({ id }: { id: string }) => known.get(id) !== undefined
    expect(small.filter(isKept)).toHaveLength(5)
    expect(large.filter(isKept).length).toBeGreaterThan(4)
    expect(large.filter(isKept).length).toBeLessThan(12)
    const read = vi.spyOn(store, 'read')
    const { id: endpoint, tenant } = large[0]!
    expect((await known.load({ endpoint, tenant }))?.endpoint.id).toBe(endpoint)
    expect(read).toHaveBeenCalledOnce()
  })

  it('keep nothing of an endpoint that no attempt needs', async () => {
    const { store } = opened
    const one = anEndpoint('acme', { metadata: { label: 'value' }, description: 'long', filter: { a: ['b'] } })
    await aTenant(store, 'acme', [one])
    const known = new Destinations(store, createKeyring(randomBytes(32)), OPTIONS, () => {})
    const destination = await known.load({ endpoint: one.id, tenant: 'acme' })
    expect(Object.keys(destination!.endpoint).sort()).toEqual(
      ['id', 'ordered', 'partition', 'rateLimit', 'schedule', 'signatureHeaders', 'tenant', 'url'].sort(),
    )
  })
})
