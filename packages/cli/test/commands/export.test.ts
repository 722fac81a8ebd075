import { randomBytes } from 'node:crypto'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CLIENT_SECRET, type RunOptions, runPosthorn, startServer, type TestServer } from '../setup.ts'
import { startReceiver, type TestReceiver } from './receiver.ts'

const TYPE = 'order.paid'
/** More than one page of the server's, which has 500 deliveries. */
const EVENTS = 620
/** Not what a parser would write again. */
const PAYLOAD = '{"order":1.0, "big":12345678901234567890,"text":"Zo\\u00eb"}'

let server: TestServer
let receiver: TestReceiver

beforeAll(async () => {
  ;[server, receiver] = await Promise.all([startServer(), startReceiver()])
  const { posthorn } = server
  const schema = { type: 'object', required: ['order'] }
  await posthorn.eventTypes.put(TYPE, { group: 'tests', description: 'T.', schema, example: { order: 1 } })
  for (const tenant of ['acme', 'beta', 'empty']) await posthorn.tenants.put(tenant)
  for (const tenant of ['acme', 'beta']) {
    await posthorn.endpoints.create(tenant, {
      url: receiver.url,
      uid: 'shop',
      clientSecret: CLIENT_SECRET,
      schedule: [],
    })
  }
  await publishExactly('acme', PAYLOAD)
  const events = Array.from({ length: EVENTS - 1 }, (_, order) => ({ type: TYPE, payload: { order } }))
  await posthorn.events.publish('acme', events)
  await posthorn.events.publish('beta', { type: TYPE, key: 'order-7', payload: { order: 7 } })
  await vi.waitFor(
    async () => {
      const { counts } = await posthorn.deliveries.listAll({ state: 'delivered', counts: true })
      expect(counts!.delivered).toBe(EVENTS + 1)
    },
    { timeout: 60_000, interval: 200 },
  )
}, 120_000)
afterAll(() => Promise.all([server.end(), receiver.end()]))

async function publishExactly(tenant: string, payload: string): Promise<void> {
  const headers = { authorization: `Bearer ${server.env.POSTHORN_API_KEY}`, 'content-type': 'application/json' }
  const body = `{"type":"${TYPE}","payload":${payload}}`
  const response = await fetch(`${server.url}/v1/tenants/${tenant}/events`, { method: 'POST', headers, body })
  expect(response.status).toBe(202)
}

const run = (args: readonly string[], options: RunOptions = {}) =>
  runPosthorn(['export', ...args], { env: server.env, ...options })
const fileOf = () => join(server.folder, `${randomBytes(6).toString('hex')}.ndjson`)

type Line = { kind: string; id?: string; tenant?: string; counts?: Record<string, number> }
const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
/** Without the time of the export. */
const comparable = (text: string) => text.replaceAll(/("kind":"export".*"at":)"[^"]*"/g, '$1""')

describe('export', () => {
  it('writes types, endpoints, events, deliveries and attempts of a tenant, byte for byte and without secrets', async () => {
    const { code, stdout, stderr } = await run(['--tenant', 'acme'])
    expect([code, stderr]).toEqual([0, ''])
    const lines = linesOf(stdout)
    const ofKind = (kind: string) => lines.filter(line => line.kind === kind)
    expect(ofKind('event_type').map(each => (each as { name?: string }).name)).toContain(TYPE)
    expect(ofKind('event')).toHaveLength(EVENTS)
    expect(ofKind('delivery')).toHaveLength(EVENTS)
    expect(ofKind('attempt')).toHaveLength(EVENTS)
    expect(lines.at(-2)).toEqual({
      kind: 'end',
      complete: true,
      counts: { tenant: 1, endpoint: 1, notification: 0, event: EVENTS, delivery: EVENTS, attempt: EVENTS },
    })
    expect(lines.at(-1)).toEqual({ kind: 'end_of_export', complete: true, allTenants: false, tenants: 1 })
    expect(stdout).toContain(`"payload":${PAYLOAD}}`)
    expect(stdout).not.toContain(CLIENT_SECRET)
  })

  it('writes all tenants one after the other, with hidden payloads for a key that cannot see them', async () => {
    const { stdout } = await run(['--all-tenants'])
    const lines = linesOf(stdout)
    expect(lines.filter(({ kind }) => kind === 'export').map(({ tenant }) => tenant)).toEqual(['acme', 'beta', 'empty'])
    expect(lines.at(-1)).toEqual({ kind: 'end_of_export', complete: true, allTenants: true, tenants: 3 })
    const { key } = await server.posthorn.apiKeys.create({ name: 'k', scope: 'read', tenant: 'beta', payloads: false })
    const hidden = await run(['--tenant', 'beta'], { env: { ...server.env, POSTHORN_API_KEY: key } })
    expect(hidden.code).toBe(0)
    expect(linesOf(hidden.stdout).find(({ kind }) => kind === 'event')).toMatchObject({
      payload: null,
      payloadHidden: true,
    })
  })

  it('continues a file wherever it was cut off, and it is then as if it never had been', async () => {
    const whole = fileOf()
    expect((await run(['--all-tenants', '--output', whole])).code).toBe(0)
    const text = readFileSync(whole, 'utf8')
    const bytes = Buffer.byteLength(text)
    const file = fileOf()
    const cutAt = fc.integer({ min: 0, max: bytes })
    await fc.assert(
      fc.asyncProperty(cutAt, async at => {
        writeFileSync(file, readFileSync(whole))
        truncateSync(file, at)
        const ran = await run(['--all-tenants', '--output', file, '--resume'])
        expect([ran.code, ran.stdout]).toEqual([0, ''])
        expect(comparable(readFileSync(file, 'utf8'))).toBe(comparable(text))
      }),
      // Ends, beginnings and boundaries between pages, tenants and kinds of lines are few: name some of them.
      {
        numRuns: 12,
        examples: [0, 1, bytes, bytes - 1, text.indexOf('"kind":"end"'), text.lastIndexOf('{"kind":"export"')].map(
          at => [at] as [number],
        ),
      },
    )
  })

  it('leaves out of the rest what came after it had begun', async () => {
    const file = fileOf()
    await run(['--tenant', 'beta', '--output', file])
    const text = readFileSync(file, 'utf8')
    truncateSync(file, Buffer.byteLength(text.slice(0, text.indexOf('{"kind":"delivery"'))))
    const { id } = await server.posthorn.events.publish('beta', { type: TYPE, payload: { order: 8 } })
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list('beta', { event: id, state: 'delivered' })
      expect(data).toHaveLength(1)
    })
    await run(['--tenant', 'beta', '--output', file, '--resume'])
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('stops at Ctrl-C and says how to continue', async () => {
    const file = fileOf()
    const { code, stderr } = await run(['--tenant', 'acme', '--output', file], { onInterruptible: leave => leave() })
    expect(code).toBe(130)
    expect(stderr).toContain(`To continue: posthorn export --tenant acme --output ${file} --resume`)
    const again = await run(['--tenant', 'acme', '--output', file, '--resume'])
    expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/ is complete, with [\d,]+ lines\.\n$/)])
  })

  it('leaves out a tenant that was deleted before its part was complete', async () => {
    const { posthorn } = server
    await posthorn.tenants.put('beta-gone')
    for (let order = 0; order < 3; order++)
      await posthorn.events.publish('beta-gone', { type: TYPE, payload: { order } })
    const [all, one] = [fileOf(), fileOf()]
    await run(['--all-tenants', '--output', all])
    await run(['--tenant', 'beta-gone', '--output', one])
    for (const file of [all, one]) {
      const text = readFileSync(file, 'utf8')
      const part = text.indexOf('{"kind":"event"', text.indexOf('"tenant":"beta-gone"'))
      truncateSync(file, Buffer.byteLength(text.slice(0, text.indexOf('\n', part) + 10)))
    }
    const before = readFileSync(one, 'utf8')
    await posthorn.tenants.delete('beta-gone')
    const resumed = await run(['--all-tenants', '--output', all, '--resume'])
    expect([resumed.code, resumed.stderr]).toEqual([
      0,
      expect.stringContaining('The tenant beta-gone was deleted in the meantime: it is left out.\n'),
    ])
    const whole = fileOf()
    await run(['--all-tenants', '--output', whole])
    expect(comparable(readFileSync(all, 'utf8'))).toBe(comparable(readFileSync(whole, 'utf8')))
    const single = await run(['--tenant', 'beta-gone', '--output', one, '--resume'])
    expect([single.code, single.stderr]).toEqual([5, expect.stringContaining('The file stays as it is.')])
    expect(readFileSync(one, 'utf8')).toBe(before)
  })

  it.each([
    '{"kind":"note","text":"mine"}',
    '{"kind":"event","id":"mine"}',
    '{"kind":"end_of_export","allTenants":true}',
    '{"kind":"export"}',
    '{"kind":"export","tenant":"beta","at":',
  ])('a file that begins with %s is something else', async line => {
    const file = fileOf()
    writeFileSync(file, `${line}\n`)
    const ran = await run(['--tenant', 'beta', '--output', file, '--resume'])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('is not an export')])
    expect(readFileSync(file, 'utf8')).toBe(`${line}\n`)
  })

  it('never writes over a file that is something else', async () => {
    const file = fileOf()
    writeFileSync(file, 'my diary\n')
    const refused = await run(['--tenant', 'beta', '--output', file])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Continue it with --resume')])
    const other = await run(['--tenant', 'beta', '--output', file, '--resume'])
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('is not an export')])
    expect(readFileSync(file, 'utf8')).toBe('my diary\n')
    expect((await run(['--tenant', 'beta', '--output', file, '--overwrite'])).code).toBe(0)
    const wrong = await run(['--tenant', 'acme', '--output', file, '--resume'])
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('is an export of beta, not of acme')])
    const done = await run(['--tenant', 'beta', '--output', file, '--resume'])
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining('is complete already')])
    const all = await run(['--all-tenants', '--output', file, '--resume'])
    expect(all.code).toBe(0)
    expect(linesOf(readFileSync(file, 'utf8')).at(-1)).toMatchObject({
      kind: 'end_of_export',
      allTenants: true,
      tenants: 3,
    })
    expect((await run(['--output', file])).code).toBe(2)
    expect((await run(['--tenant', 'beta', '--resume'])).code).toBe(2)
  })
})
