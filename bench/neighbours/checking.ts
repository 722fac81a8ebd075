/**
 * N4: eight connections of a tenant that publish what takes long to check: batches of 1,000, arrays nested 60 deep,
 * 90,000 members, one of them twice, and payloads on which the type's pattern explodes. Before, they publish bodies of
 * the same sizes at the same rate, each of them one long string.
 */
import type { Store } from '../../packages/server/src/store/store.ts'
import type { Bench } from '../definition.ts'
import { EVENT_TYPE, makePayload } from '../events.ts'
import type { Posthorn } from '../posthorn.ts'
import { neighbourBench } from './neighbour.ts'

const ATTACKER = 'attacker'
const CONNECTIONS = 8
/** Calls of all connections together in a second. */
const PER_SECOND = 20
const EXPLODING = 'EXPLODING'

const withMembers = (members: string): string =>
  `{"type":"${EVENT_TYPE}","payload":${makePayload(1).trimEnd().slice(0, -1)},${members}}}`

const batch = (): string =>
  `[${Array.from({ length: 1_000 }, (_, at) => `{"type":"${EVENT_TYPE}","payload":${makePayload(at)}}`).join(',')}]`
const nested = (): string => withMembers(`"x":[${`${'['.repeat(58)}1${']'.repeat(58)},`.repeat(8_000)}1]`)
const members = (count: number): string => Array.from({ length: count }, (_, at) => `"${at}":1`).join(',')
const duplicate = (): string => withMembers(`"x":{${members(90_000)},"0":2}`)
const exploding = (): string => `{"type":"${EXPLODING}","payload":{"id":"${'a'.repeat(40)}!"}}`

/** A body of the same size that is one event with a long string. */
const harmlessOf = (body: string): string => {
  const bare = withMembers('"x":""')
  return withMembers(`"x":"${'x'.repeat(Math.max(0, body.length - bare.length))}"`)
}

async function fill(store: Store): Promise<void> {
  await store.write('putTenant', { id: ATTACKER, name: null, metadata: {}, nowMs: 1 })
  const schema = { type: 'object', required: ['id'], properties: { id: { pattern: '^(a+)+$' } } }
  const type = { name: EXPLODING, group: 'attacks', description: 'Explodes.', schema, example: { id: 'a' } }
  await store.write('putEventType', { type: { ...type, schedule: null }, nowMs: 1 })
}

/** Publishes at a steady rate on a few connections, whatever the responses are. */
async function publishOnAll({ url, apiKey }: Posthorn, body: string, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const one = async (): Promise<void> => {
    while (!signal.aborted) {
      const pause = new Promise(resolve => setTimeout(resolve, (1_000 * CONNECTIONS) / PER_SECOND))
      const response = await fetch(`${url}/v1/tenants/${ATTACKER}/events`, { method: 'POST', headers, body })
      await response.text()
      await pause
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, one))
}

const ATTACKS = [
  { name: 'batches', what: 'batches of 1,000', make: batch },
  { name: 'nested', what: 'arrays nested 60 deep', make: nested },
  { name: 'members', what: '90,000 members', make: () => withMembers(`"x":{${members(90_000)}}`) },
  { name: 'duplicates', what: '90,000 members, one of them twice', make: duplicate },
  { name: 'exploding', what: 'payloads on which a pattern explodes', make: exploding },
] as const

export const checking: readonly Bench[] = ATTACKS.map(({ name, what, make }, index) =>
  neighbourBench({
    id: `N4${'abcde'[index]}`,
    name: `neighbour-of-${name}`,
    summary: `a neighbour's p99 while a tenant publishes ${what}`,
    title: `Latency of a tenant while another publishes ${what}`,
    factor: 3,
    fill,
    harmless: ({ posthorn }, signal) => publishOnAll(posthorn, harmlessOf(make()), signal),
    attack: ({ posthorn }, signal) => publishOnAll(posthorn, make(), signal),
    setup: { connections: CONNECTIONS, attackPerSecond: PER_SECOND, bodyBytes: make().length },
  }),
)
