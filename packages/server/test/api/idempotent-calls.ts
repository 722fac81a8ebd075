import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { aSettlement } from '../store/builders.ts'
import { type Answer, type ApiBench, type Json, KEY } from './setup.ts'

export const TENANT = '/v1/tenants/acme'
export const EVENTS = `${TENANT}/events`
export const ENDPOINTS = `${TENANT}/endpoints`
export const EVENT = `{"type":"${TYPE}","payload":${PAYLOAD}}`
export const endpoint = (path = 'a') => ({ url: `https://hooks.example.com/${path}`, clientSecret: SECRET })

export const isReplayed = ({ headers }: Answer) => headers['idempotency-replayed'] === 'true'

/** What must be the same when a call is repeated. */
export const shown = ({ status, text, headers }: Answer) => [
  status,
  text,
  headers.location,
  headers['content-type'],
  headers['cache-control'],
]

type Making = { url: string; body?: unknown; other?: unknown; count: () => Promise<number> }

/** Calls with an Idempotency-Key, on a bench that is opened for each test. */
export function idempotentCalls(bench: ApiBench) {
  const post = (url: string, body: unknown, value: string, { key = KEY }: { readonly key?: string } = {}) =>
    bench.post(url, body, { key, headers: { 'idempotency-key': value } })
  const count = async (url: string) => (await bench.get(`${url}?limit=1000`)).body.data.length

  /** Ends the only pending delivery. */
  async function deliver(): Promise<string> {
    const [{ endpoint: id, partition, ...item }] = (await bench.store.readLane({
      partition: (await bench.endpoints.get('acme', (await bench.list('pending'))[0]!.endpoint)).partition,
      endpoint: (await bench.list('pending'))[0]!.endpoint,
      limit: 1,
      maxPayloadBytes: 1_000,
    })) as [Json]
    await bench.store.settle(aSettlement({ ...item, endpoint: id, partition }, { kind: 'delivered' }))
    return item.delivery
  }

  /** Each call that makes something: prepares it, and says how many of its things there are. */
  const making: Readonly<Record<string, () => Promise<Making>>> = {
    publishEvents: async () => ({ url: EVENTS, body: EVENT, other: `[${EVENT}]`, count: () => count(EVENTS) }),
    createEndpoint: async () => ({
      url: ENDPOINTS,
      body: { ...endpoint(), uid: 'hook', state: 'disabled', headers: { 'X-Api-Key': 'k' } },
      other: endpoint('b'),
      count: () => count(ENDPOINTS),
    }),
    testEndpoint: async () => ({
      url: `${ENDPOINTS}/${await bench.endpoint()}/test`,
      body: {},
      other: { type: 'GRADE_CHANGED' },
      count: () => count(EVENTS),
    }),
    rotateSigningSecret: async () => {
      const url = `${ENDPOINTS}/${await bench.endpoint()}`
      const { body } = await bench.get(url)
      return {
        url: `${url}/signing-secrets`,
        other: { signatureVersion: 'v1a' },
        count: async () => (await bench.get(url)).body.signing.length - body.signing.length,
      }
    },
    retryDelivery: async () => {
      await bench.endpoint()
      await bench.publishOne()
      const delivery = await deliver()
      const deliveries = `${TENANT}/deliveries`
      return { url: `${deliveries}/${delivery}/retry`, other: {}, count: () => count(deliveries) }
    },
    createReplay: async () => ({
      url: `${TENANT}/replays`,
      body: {},
      other: { types: [TYPE] },
      count: () => count(`${TENANT}/replays`),
    }),
    createReplayBatch: async () => ({
      url: '/v1/replays',
      body: { types: [TYPE], from: '2026-11-28', to: '2026-11-29' },
      other: { types: [TYPE], from: '2026-11-28', to: '2026-11-30' },
      count: () => count('/v1/replays'),
    }),
    createApiKey: async () => ({
      url: '/v1/api-keys',
      body: { name: 'k', scope: 'read' },
      other: { name: 'k', scope: 'all' },
      count: () => count('/v1/api-keys'),
    }),
    rotateEncryptionKey: async () => ({
      url: '/v1/encryption-keys/rotate',
      other: {},
      count: async () =>
        (await bench.get('/v1/audit?limit=1000')).body.data.filter(({ action }: Json) => action === 'replaced').length,
    }),
  }
  return { post, count, deliver, making }
}
