import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import type { Endpoint } from '../../src/base/model.ts'
import { readCredentials } from '../../src/secrets/credentials.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { readNotificationSecrets } from '../../src/secrets/notification-secrets.ts'
import { KeyRotation } from '../../src/services/key-rotation.ts'
import { endpointsOf } from '../store/endpoints-of.ts'
import { code, SECRET, useBench } from './setup.ts'

const bench = useBench()
const silent = pino({ level: 'silent' })
const configured = { addNew: () => null, dropOlder: () => false }

const finished = (rotation: KeyRotation) =>
  expect.poll(async () => (await rotation.read()).state, { timeout: 20_000, interval: 5 }).not.toBe('running')

async function all(): Promise<readonly Endpoint[]> {
  return endpointsOf(bench.store, 'acme')
}

it('C14: a key rotation re-encrypts every secret, even those changed in the meantime', async () => {
  for (let at = 0; at < 450; at++) await bench.endpoint({ clientSecret: `${at}-${SECRET}` })
  const [older, newer] = [bench.keyring, randomBytes(32)]
  const before = await all()
  let dropped = 0
  const place = { addNew: () => newer, dropOlder: () => ++dropped > 0 }
  const rotation = new KeyRotation(bench.store, older, place, silent)
  expect(await rotation.start()).toMatchObject({ state: 'running', keys: [expect.any(String), expect.any(String)] })
  expect(await code(rotation.start())).toBe('conflict')
  // Changes made while it runs.
  for (const { id } of before.slice(0, 20))
    await bench.endpoints.update('acme', id, { clientSecret: 'another-secret-now' })
  await finished(rotation)
  expect(await rotation.read()).toMatchObject({ state: 'done', unreadable: 0 })
  expect(dropped).toBe(1)
  const alone = createKeyring(newer)
  const secretOf = ({ id, sealedCredentials }: Endpoint) => JSON.parse(alone.open(id, sealedCredentials)).clientSecret
  const secrets = (await all()).map(secretOf)
  expect(secrets).toHaveLength(450)
  expect(secrets.slice(0, 20)).toEqual(Array(20).fill('another-secret-now'))
  expect(new Set(secrets.slice(20)).size).toBe(430)
  expect(await bench.store.read('readMeta', { key: 'encryption_key_fingerprint' })).toBe(alone.fingerprint)
  // Equal secrets are still recognised as equal (C8).
  const { warnings } = await bench.endpoints.describe((await all())[0]!)
  expect(warnings.map(warning => warning.code)).toContain('secret_shared_between_endpoints')
})

it('a key rotation skips and counts secrets that no key can decrypt, and then keeps all keys', async () => {
  await bench.endpoint()
  const lost = createKeyring(randomBytes(32))
  const [endpoint] = await all()
  const sealedCredentials = lost.seal(endpoint!.id, '{}')
  await bench.store.write('updateEndpoint', {
    endpoint: { ...endpoint!, sealedCredentials, updatedAtMs: endpoint!.updatedAtMs + 1 },
    readAtMs: endpoint!.updatedAtMs,
  })
  await bench.endpoint()
  let dropped = 0
  const place = { addNew: () => randomBytes(32), dropOlder: () => ++dropped > 0 }
  const rotation = new KeyRotation(bench.store, bench.keyring, place, silent)
  await rotation.start()
  await finished(rotation)
  expect(await rotation.read()).toMatchObject({ state: 'done', resealed: 1, unreadable: 1 })
  expect(dropped).toBe(0)
})

it('C14: a key rotation re-encrypts the addresses and links of notifications', async () => {
  const address = 'https://hooks.example.com/services/secret'
  const { id } = await bench.notifications.create('acme', { kind: 'slack', address })
  const newer = randomBytes(32)
  const rotation = new KeyRotation(bench.store, bench.keyring, { addNew: () => newer, dropOlder: () => true }, silent)
  await rotation.start()
  await finished(rotation)
  expect(await rotation.read()).toMatchObject({ state: 'done', unreadable: 0 })
  const [row] = await bench.store.read('readSealedNotifications', { after: null, limit: 9 })
  expect(readNotificationSecrets(createKeyring(newer).open(id, row!.sealed)).address).toBe(address)
})

it('C14: a key rotation keeps secret headers, and seals those that an earlier version stored in clear', async () => {
  const [sealed, clear] = [await bench.endpoint({ headers: { 'X-Api-Key': 'sealed' } }), await bench.endpoint()]
  const { endpoint: id } = (await bench.store.read('readSealed', { after: sealed, limit: 1 }))[0]!
  expect(id).toBe(clear)
  await bench.run(`update endpoint set headers = '{"x-token":"in clear","x-a":"b"}' where headers = '{}'`)
  // Another spelling of the same, as only another version would write it, is no reason to go round in circles.
  await bench.run(`update endpoint set headers = '{"x-api-key": null, "x-b": ["c"]}' where headers like '%x-api-key%'`)
  const newer = randomBytes(32)
  const rotation = new KeyRotation(bench.store, bench.keyring, { addNew: () => newer, dropOlder: () => true }, silent)
  await rotation.start()
  await finished(rotation)
  expect(await rotation.read()).toMatchObject({ state: 'done', resealed: 2, unreadable: 0 })
  const alone = createKeyring(newer)
  const [first, second] = (await bench.store.read('readSealed', { after: null, limit: 9 })).map(row => ({
    headers: row.headers,
    sealed: readCredentials(alone.open(row.endpoint, row.credentials)).headers,
  }))
  expect(first).toEqual({ headers: '{"x-api-key":null,"x-b":"c"}', sealed: { 'x-api-key': 'sealed' } })
  expect(second).toEqual({ headers: '{"x-token":null,"x-a":"b"}', sealed: { 'x-token': 'in clear' } })
})

it('a key rotation uses the first of the configured keys, and is refused if there is only one', async () => {
  await bench.endpoint()
  const alone = new KeyRotation(bench.store, bench.keyring, configured, silent)
  expect(await code(alone.start())).toBe('conflict')
  bench.keyring.putFirst(randomBytes(32))
  const rotation = new KeyRotation(bench.store, bench.keyring, configured, silent)
  await rotation.start()
  await finished(rotation)
  expect(await rotation.read()).toMatchObject({ state: 'done', resealed: 1 })
})

it('a key rotation is reported by every node, and can be started again if its node has crashed', async () => {
  const [here, there] = [0, 1].map(() => new KeyRotation(bench.store, bench.keyring, configured, silent))
  bench.keyring.putFirst(randomBytes(32))
  const tell = (agoMs: number) => {
    const value = { state: 'running', resealed: 7, unreadable: 0, toldAtMs: bench.store.now() - agoMs }
    return bench.store.write('writeMeta', { key: 'key_rotation', value: JSON.stringify(value) })
  }
  await tell(0)
  expect(await there!.read()).toMatchObject({ state: 'running', resealed: 7 })
  expect(await code(here!.start())).toBe('conflict')
  await tell(60_000)
  expect(await here!.read()).toMatchObject({ state: 'interrupted' })
  await here!.start()
  await finished(there!)
  expect(await there!.read()).toMatchObject({ state: 'done', resealed: 0 })
})

it('a key rotation keeps both keys if it is interrupted, and the next one completes it', async () => {
  for (let at = 0; at < 450; at++) await bench.endpoint({ clientSecret: `${at}-${SECRET}` })
  let dropped = 0
  const place = { addNew: () => randomBytes(32), dropOlder: () => ++dropped > 0 }
  const rotation = new KeyRotation(bench.store, bench.keyring, place, silent)
  await rotation.start()
  await rotation.stop()
  expect(await rotation.read()).toMatchObject({ state: 'interrupted' })
  expect(dropped).toBe(0)
  const next = new KeyRotation(bench.store, bench.keyring, place, silent)
  await next.start()
  await finished(next)
  // The second rotation continues with the key that the first one generated, instead of generating a third.
  expect((await next.read()).keys).toHaveLength(1)
  expect(dropped).toBe(1)
})

it('a key rotation can be repeated, each time with a new key and an entry in the audit log', async () => {
  await bench.endpoint()
  const made: Uint8Array[] = []
  const place = { addNew: () => made[made.push(randomBytes(32)) - 1]!, dropOlder: () => true }
  const rotation = new KeyRotation(bench.store, bench.keyring, place, silent)
  const actor = { kind: 'root', key: null, name: null, address: '192.0.2.1' } as const
  for (let nth = 1; nth <= 3; nth++) {
    await rotation.start(actor)
    await finished(rotation)
    expect(made).toHaveLength(nth)
    expect(await rotation.read()).toMatchObject({ state: 'done', resealed: 1, keys: [expect.any(String)] })
  }
  const alone = createKeyring(made.at(-1)!)
  const [endpoint] = await all()
  expect(() => alone.open(endpoint!.id, endpoint!.sealedCredentials)).not.toThrow()
  const entries = await bench.store.read('listAudit', {
    tenant: null,
    before: null,
    fromMs: null,
    toMs: null,
    limit: 3,
  })
  expect(entries).toMatchObject(Array(3).fill({ action: 'replaced', target: 'encryption_key', actor }))
})
