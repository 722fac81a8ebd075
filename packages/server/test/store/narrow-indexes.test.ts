import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { anEndpoint, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

describe.each(engines())('rows read on $name', engine => {
  let opened: Opened

  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  it('to find endpoints with the same secret do not grow with the endpoints of the tenant', async () => {
    const { store } = opened
    const endpoints = Array.from({ length: 400 }, (_, nth) => anEndpoint('acme', { secretDigest: bytes(`s${nth}`) }))
    await aTenant(store, 'acme', endpoints)
    await opened.run('analyze')
    const counter = await opened.countRows('endpoints')
    const same = { ...anEndpoint('acme'), secretDigest: bytes('s7') }
    expect(await store.read('findSharedSecrets', { endpoints: [same] })).toEqual(new Set([same.id]))
    expect(await counter.count({ name: 'findSharedSecrets', args: { endpoints: [same] } })).toBeLessThan(5)
    await counter.close()
  })

  it('to find endpoints with the same secret do not grow with those that have it', async () => {
    const { store } = opened
    const endpoints = Array.from({ length: 400 }, () => anEndpoint('acme', { secretDigest: bytes('same') }))
    await aTenant(store, 'acme', endpoints)
    await opened.run('analyze')
    const counter = await opened.countRows('endpoints')
    const same = { ...anEndpoint('acme'), secretDigest: bytes('same') }
    expect(await store.read('findSharedSecrets', { endpoints: [same] })).toEqual(new Set([same.id]))
    expect(await counter.count({ name: 'findSharedSecrets', args: { endpoints: [same] } })).toBeLessThan(5)
    await counter.close()
  })
})
