import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Receiver } from '@posthorn/testkit'
import { expect } from 'vitest'
import { type Place, running, SECRET, type ServerProcess, serve } from '../e2e/process.ts'

type Made = { readonly data: readonly { readonly id: string }[] }

export const eventOf = (index: number, key?: string) => ({
  type: 'COVER_REFERENCE',
  ...(key === undefined ? {} : { key }),
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})

/** A text that one of the engines could misinterpret. */
const AWKWARD = `'";\\ \\\\x00 $1 {text} \u0001\u007f\u2028 ‮ Ünïcödé 😀 \\u0000 NULL`

/**
 * How a receiver responds at `/ok`, `/no`, `/hang`, and at `/odd` with bytes that are not text.
 */
export function script({ path }: { readonly path: string }) {
  if (path.startsWith('/no')) return { status: 500, body: AWKWARD }
  if (path.startsWith('/hang')) return 'hang' as const
  if (path.startsWith('/odd'))
    return { status: 200, headers: { 'x-odd': `a"b\\c` }, body: Buffer.from([0, 255, 128, 0, 13, 10]) }
  return { status: 204 }
}

/** Creates an installation with rows of every kind through the API, then stops it. */
export async function fill(place: Place, receiver: Receiver, env: Record<string, string> = {}): Promise<void> {
  const flags = [
    '--retry-schedule',
    '600',
    '--drain-timeout-ms',
    '0',
    '--max-in-flight',
    '4',
    '--replay-per-second',
    '1',
  ]
  const server = running(await serve(place, { flags, env }))
  const { call } = server
  const putTexts = (title: string) =>
    call('PUT', '/event-types/TEXTS', {
      group: 'odd',
      description: AWKWARD,
      schema: { type: 'object', required: ['text'], properties: { text: { type: 'string' } }, title },
      example: { text: `${AWKWARD}\u0000` },
    })
  await putTexts(AWKWARD)
  for (const [tenant, name] of [
    ['acme', AWKWARD],
    ['beta', null],
    ['gone', 'Gone'],
  ] as const) {
    await call('PUT', `/tenants/${tenant}`, { name, metadata: { [AWKWARD]: `${AWKWARD}\u0000` } })
  }
  const key = { name: AWKWARD, scope: 'read', rateLimit: { requests: 9, perSeconds: 1 } }
  expect((await call('POST', '/api-keys', key, { 'idempotency-key': `!"'\\~` })).status).toBe(201)
  await call('PUT', '/portal', { name: 'Acme 😀', hiddenPages: ['events'], publicTypes: true })
  const endpoint = async (tenant: string, path: string, more = {}) => {
    const body = { url: `${receiver.url}${path}`, clientSecret: SECRET, ...more }
    return (await call<{ id: string }>('POST', `/tenants/${tenant}/endpoints`, body)).body.id
  }
  const publish = async (tenant: string, ...events: readonly object[]) =>
    expect((await call<Made>('POST', `/tenants/${tenant}/events`, events)).status).toBe(202)
  await endpoint('posthorn', '/ok/operator', { types: ['posthorn.delivery.exhausted'] })
  await endpoint('acme', '/ok', { description: AWKWARD, headers: { 'x-mine': 'a' }, types: ['COVER_REFERENCE'] })
  await endpoint('acme', '/odd')
  const listener = { kind: 'listener', clientSecret: SECRET, types: ['posthorn.endpoint.disabled'] }
  expect((await call('POST', '/tenants/acme/endpoints', listener)).status).toBe(201)
  await endpoint('acme', '/no/twice', { schedule: [0.5], timeoutMs: 5000 })
  const later = await endpoint('acme', '/no/later')
  const held = await endpoint('acme', '/ok/held')
  await call('POST', `/tenants/acme/endpoints/${held}/disable`)
  await publish('acme', eventOf(1, 'first'), eventOf(2), { type: 'TEXTS', payload: { text: `${AWKWARD}\u0000` } })
  await publish('acme', { type: 'TEXTS', key: '~!"$%', payload: { text: 'x'.repeat(1_000_000) } })
  await call('PATCH', `/tenants/acme/endpoints/${held}`, { filter: { [AWKWARD]: [`${AWKWARD}\u0000`] } })
  await call('PATCH', `/tenants/acme/endpoints/${held}`, { types: ['COVER_*'] })
  // A changed schema is checked against published events, and the events are recorded for that.
  expect((await putTexts('Texts')).status).toBe(200)
  const test = await endpoint('beta', '/ok/test')
  await call('POST', `/tenants/beta/endpoints/${test}/test`)
  const deleted = await endpoint('beta', '/no/deleted')
  await publish('beta', eventOf(3, 'first'))
  await ended(server, 'acme', 'exhausted', 4)
  await ended(server, 'acme', 'delivered', 6)
  await ended(server, 'beta', 'delivered', 2)
  await call('DELETE', `/tenants/beta/endpoints/${deleted}`)
  await call('DELETE', '/tenants/gone')
  // The replay makes one delivery a second, so it is paused before it is done.
  expect((await call('POST', '/tenants/acme/replays', { id: AWKWARD })).status).toBe(202)
  await call('POST', `/tenants/acme/replays/${encodeURIComponent(AWKWARD)}/pause`)
  await retried(server, later)
  // From here on, the few attempts that one tenant can have in flight hang, so that published events stay due.
  await endpoint('beta', '/hang')
  await publish('beta', ...[4, 5, 6, 7].map(index => eventOf(index)))
  await receiver.waitFor(({ requests }) => requests.some(({ path }) => path === '/hang'))
  await publish('beta', ...Array.from({ length: 20 }, (_, index) => eventOf(10 + index, `due-${index}`)))
  // Reading statistics stores them first.
  await call('GET', '/tenants/acme/stats')
  await call('PUT', '/tenants/erased', {})
  expect((await call('POST', '/tenants/erased/erase')).status).toBe(202)
  server.kill('SIGKILL')
  await server.ended
  keepMarks(place)
}

/** Adds the marks that retention leaves when it removes payloads and responses first, which takes at least a day. */
function keepMarks({ data }: Place): void {
  const database = new DatabaseSync(join(data, 'posthorn.db'))
  database.exec(
    `insert into retention_mark values ('beta', 'event', x'00ff'); insert into retention_kept values ('beta', 'delivery', x'0100')`,
  )
  database.exec(`update portal_looks set logo = x'00ff8900', logo_type = 'image/png', logo_hash = 'ab'`)
  database.exec(`insert into replay_batch values (x'0102', 'all', x'03', '{}', 1, 'done', null, 1, 2)`)
  // No one confirms an address here.
  database.exec(
    `insert into notification values (x'0103', 'acme', 'slack', 'https://hooks.example.com', x'04', x'05', '[]', 'en', x'06',
       1, 2, x'07', null, 0, null, 0, 0, 0, null, null, null, 1);
     insert into notification_item values (x'0103', 'a', 'acme', 'posthorn.endpoint.disabled', '{}', 1, 1, 1, 1);
     insert into notification_limit values (x'0104', 1, 9000000000000)`,
  )
  database.close()
}

async function ended(server: ServerProcess, tenant: string, state: string, atLeast: number): Promise<void> {
  const count = async () =>
    (await server.call<Made>('GET', `/tenants/${tenant}/deliveries?state=${state}&limit=100`)).body.data.length
  await expect.poll(count, { timeout: 20_000, interval: 50 }).toBeGreaterThanOrEqual(atLeast)
}

/** Waits until each of the endpoint's deliveries has failed once and waits for its retry. */
async function retried(server: ServerProcess, endpoint: string): Promise<void> {
  const tries = async () => {
    const path = `/tenants/acme/deliveries?endpoint=${endpoint}&state=pending&limit=100`
    const { body } = await server.call<{ data: { attemptCount: number }[] }>('GET', path)
    return body.data.map(({ attemptCount }) => attemptCount)
  }
  await expect.poll(tries, { timeout: 20_000, interval: 50 }).toEqual([1, 1, 1, 1])
}
