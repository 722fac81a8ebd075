/** The errands of a bad morning: a receiver was down, and is back. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  CLIENT_SECRET,
  keepingTerminal,
  type RunOptions,
  runPosthorn,
  runPosthornOn,
  startServer,
  type TestServer,
} from '../setup.ts'
import { startReceiver, type TestReceiver } from './receiver.ts'

// cspell:ignore exausted

const TYPE = 'order.paid'
const OTHER = 'order.shipped'

let server: TestServer
let receiver: TestReceiver
let tenant: string

beforeAll(async () => {
  ;[server, receiver] = await Promise.all([startServer(), startReceiver()])
  const schema = { type: 'object', required: ['order'], properties: { order: { type: 'integer' }, paid: {} } }
  for (const name of [TYPE, OTHER]) {
    await server.posthorn.eventTypes.put(name, { group: 'tests', description: 'T.', schema, example: { order: 1 } })
  }
})
afterAll(() => Promise.all([server.end(), receiver.end()]))

beforeEach(async () => {
  tenant = `tenant-${randomBytes(4).toString('hex')}`
  await server.posthorn.tenants.put(tenant)
})

const run = (args: readonly string[], options: RunOptions = {}) => runPosthorn(args, { env: server.env, ...options })
const ofTenant = (...args: string[]) => run([...args, '--tenant', tenant])

/** Registers an endpoint with a path of its own, which responds with a status. */
async function endpoint(uid: string, status: number, over: object = {}): Promise<string> {
  receiver.statuses.set(`${tenant}-${uid}`, status)
  const url = `${receiver.url}${tenant}-${uid}`
  await server.posthorn.endpoints.create(tenant, { url, uid, clientSecret: CLIENT_SECRET, schedule: [], ...over })
  return url
}

const heal = (uid: string) => receiver.statuses.set(`${tenant}-${uid}`, 200)

async function publish(count: number, type = TYPE): Promise<string[]> {
  const events = Array.from({ length: count }, (_, at) => ({ type, key: `order-${at}`, payload: { order: at } }))
  const { data } = await server.posthorn.events.publish(tenant, events)
  return data.map(({ id }) => id)
}

/** Waits until this many deliveries are in a state. */
const settled = (state: 'exhausted' | 'delivered' | 'held', count: number) =>
  vi.waitFor(
    async () => {
      const { counts } = await server.posthorn.deliveries.list(tenant, { state, counts: true })
      expect(counts![state]).toBe(count)
    },
    { timeout: 20_000, interval: 50 },
  )

describe('endpoints failing', () => {
  it('lists those that fail, since when and with which status, of one tenant or of all', async () => {
    const url = await endpoint('down', 503)
    await endpoint('up', 200)
    await publish(2)
    await settled('exhausted', 2)
    const { code, stdout } = await ofTenant('endpoints', 'failing')
    expect(code).toBe(0)
    expect(stdout).toMatch(/FAILING SINCE/)
    expect(stdout).toMatch(new RegExp(`ep_\\w+ +(?:now|\\d+ s ago) +503 .*down +${url} `))
    expect(stdout).not.toContain(`${tenant}-up`)
    const all = await run(['endpoints', 'failing', '--all', '--json'])
    expect(all.documents()).toContainEqual(expect.objectContaining({ tenant, uid: 'down' }))
    expect((await ofTenant('endpoints', 'failing', '--json')).documents()).toHaveLength(1)
  })

  it('says so if there is none', async () => {
    const ran = await ofTenant('endpoints', 'failing')
    expect([ran.code, ran.stdout]).toEqual([0, `No endpoint of ${tenant} is failing.\n`])
  })
})

describe('events why', () => {
  it('explains the outcome at each endpoint, by key, without the tenant', async () => {
    await endpoint('down', 503)
    await endpoint('retrying', 500, { schedule: [3_600] })
    await endpoint('other', 200, { types: [OTHER] })
    await endpoint('filtered', 200, { filter: { order: [7] } })
    await endpoint('off', 200, { state: 'disabled' })
    await endpoint('up', 200)
    const key = `order-${tenant}`
    const { id } = await server.posthorn.events.publish(tenant, { type: TYPE, key, payload: { order: 1 } })
    await settled('exhausted', 1)
    await settled('delivered', 1)
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list(tenant, { status: '500' })
      expect(data).toHaveLength(1)
    })
    await endpoint('later', 200)
    const { code, stdout, stderr } = await run(['events', 'why', key])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`${TYPE} ${key} (${id})`)
    expect(stdout).toMatch(/exhausted {2}down .*\n {2}Given up (now|\d+ s ago) after 1 attempt: the last got 503\./)
    expect(stdout).toMatch(
      /pending {2}retrying .*\n {2}Not yet: attempt 1 failed .* \(500\)\. The next attempt is due in (1 h|59 min|60 min)\./,
    )
    expect(stdout).toMatch(
      /not made {2}other .*\n {2}Not sent: the endpoint did not want order\.paid .*Now it wants order\.shipped\./,
    )
    expect(stdout).toMatch(
      /not made {2}filtered .*\n.*filter did not let it through when it was published\. Its filter: \/order is not the listed value\./,
    )
    expect(stdout).toMatch(
      /held {2}off .*\n {2}Held, because the endpoint is disabled by a call.*\n {2}.*posthorn endpoints enable ep_/,
    )
    expect(stdout).toMatch(/delivered {2}up .*\n {2}It arrived .*: 200 at attempt 1\./)
    expect(stdout).toMatch(
      /not made {2}later .*\n {2}Not sent: the endpoint was registered after the event was published\./,
    )
    // What it says to type does what it says.
    const next = new RegExp(`posthorn (replay --tenant ${tenant} --event ${id} --endpoint ep_\\w+)\\n`).exec(
      stdout,
    )![1]!
    heal('down')
    const again = await run([...next.split(' '), '--yes', '--wait', '--json'])
    expect([again.code, again.documents()]).toEqual([
      0,
      [expect.objectContaining({ state: 'done', made: 1, ended: 1 })],
    ])
  })

  it('shows what matters although many listeners have come and gone, and advises nothing about those', async () => {
    await endpoint('down', 503)
    const listener = (uid: string) =>
      server.posthorn.endpoints.create(tenant, { kind: 'listener', uid, clientSecret: CLIENT_SECRET })
    for (let count = 0; count < 25; count++) await server.posthorn.endpoints.delete(tenant, (await listener('gone')).id)
    await endpoint('failed', 503)
    await listener('listen:ann@laptop')
    await publish(1)
    await settled('exhausted', 2)
    for (const uid of ['failed', (await listener('listen:later')).id])
      await server.posthorn.endpoints.delete(tenant, uid)
    const { stdout, stderr } = await ofTenant('events', 'why', 'order-0')
    expect(stdout).toContain('\n4 endpoints: 1 pending, 2 exhausted, 1 not made.\n')
    expect(stdout).toMatch(/exhausted {2}down .*\n {2}Given up .*\n {2}posthorn replay /)
    expect(stdout).toMatch(/exhausted {2}failed .*\n {2}Given up .* The endpoint was deleted since\.\n\n/)
    expect(stdout).toMatch(/not made {2}listen:later\n {2}Not sent: .* The endpoint was deleted since\.\n/)
    expect(stdout).toContain(`  posthorn listen --tenant ${tenant} --name ann@laptop\n`)
    expect(stderr).toBe('Not shown: 25 endpoints that were deleted before. --all shows all of them, --endpoint one.\n')
    expect((await ofTenant('events', 'why', 'order-0', '--all', '--json')).documents()).toHaveLength(29)
  })

  it('is the same as JSON, a line for each endpoint, by id', async () => {
    await endpoint('down', 503)
    await endpoint('up', 200)
    const [id] = await publish(1)
    await settled('exhausted', 1)
    const ran = await ofTenant('events', 'why', id!, '--json')
    expect(ran.documents()).toEqual([
      expect.objectContaining({ tenant, event: id, key: 'order-0', endpointUid: 'up', state: 'delivered', next: null }),
      expect.objectContaining({
        endpointUid: 'down',
        state: 'exhausted',
        next: expect.stringMatching(/^posthorn replay /),
      }),
    ])
    const one = await ofTenant('events', 'why', id!, '--endpoint', 'down', '--json')
    expect(one.documents()).toHaveLength(1)
    expect((await ofTenant('events', 'why', id!, '--endpoint', 'nope')).code).toBe(5)
  })

  it('says what can be wrong if there is no such event, and in which tenants there are several', async () => {
    const missing = await ofTenant('events', 'why', 'no-such-order')
    expect([missing.code, missing.stdout]).toEqual([5, ''])
    expect(missing.stderr).toMatch(/^posthorn: There is no event with the key "no-such-order" in the tenant /)
    const key = `twice-${tenant}`
    const other = `${tenant}-other`
    await server.posthorn.tenants.put(other)
    for (const each of [tenant, other]) {
      await server.posthorn.events.publish(each, { type: TYPE, key, payload: { order: 1 } })
    }
    const twice = await run(['events', 'why', key])
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining(`${tenant} and ${other}`)])
    const none = await run(['events', 'why', key, '--tenant', other])
    expect([none.code, none.stdout]).toEqual([
      0,
      expect.stringContaining(`It went nowhere: ${other} has no endpoints.`),
    ])
  })

  it('works with a key that cannot see payloads', async () => {
    await endpoint('filtered', 200, { filter: { order: [7] } })
    await publish(1)
    const body = { name: 'support', scope: 'read', tenant, payloads: false } as const
    const { key } = await server.posthorn.apiKeys.create(body)
    const ran = await run(['events', 'why', 'order-0', '--tenant', tenant], {
      env: { ...server.env, POSTHORN_API_KEY: key },
    })
    expect([ran.code, ran.stdout]).toEqual([
      0,
      expect.stringContaining('filter did not let it through when it was published.'),
    ])
    expect(ran.stdout).not.toContain('listed value')
    const all = await run(['endpoints', 'failing'], { env: { ...server.env, POSTHORN_API_KEY: key } })
    expect([all.code, all.stderr]).toEqual([4, expect.stringContaining('--tenant')])
  })
})

describe('replay', () => {
  it('counts, says since when with the zone, and sends nothing with --dry-run, in all tenants without one', async () => {
    await endpoint('down', 503)
    await endpoint('refusing', 404)
    await publish(3)
    await settled('exhausted', 6)
    const ran = await ofTenant('replay', '--since', '1h', '--status', '5xx', '--dry-run', '--utc')
    expect(ran.code).toBe(0)
    expect(ran.stderr).toMatch(
      /^Events published since \d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC, whose delivery is exhausted and got 5xx at its last attempt, of tenant-\w+\.\n$/,
    )
    expect(ran.stdout).toMatch(
      /^3 deliveries would be made\. Nothing was sent\.\nTo send them: posthorn replay --tenant tenant-/,
    )
    expect((await ofTenant('replay', '--since', '1h', '--status', '5xx', '--dry-run', '--json')).documents()).toEqual([
      { deliveries: 3 },
    ])
    const all = await run(['replay', '--since', '1h', '--status', '404', '--dry-run', '--json'])
    expect(all.documents()).toEqual([{ tenants: expect.any(Number), deliveries: expect.any(Number) }])
    expect((all.documents()[0] as { deliveries: number }).deliveries).toBeGreaterThanOrEqual(3)
    expect(receiver.counts.get(`${tenant}-down`)).toBe(3)
  })

  it('asks before it sends, and needs --yes where no one can be asked', async () => {
    await endpoint('down', 503)
    await publish(2)
    await settled('exhausted', 2)
    const refused = await ofTenant('replay', '--since', '1h', '--status', '5xx')
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toMatch(/posthorn: Send 2 deliveries of .* again\? Add --yes/)
    heal('down')
    const sent = await ofTenant('replay', '--since', '1h', '--status', '5xx', '--yes', '--wait')
    expect(sent.code).toBe(0)
    expect(sent.stdout).toMatch(
      /The replay rpl_\w+ is running\.\nThe replay rpl_\w+ is done: 2 deliveries have ended\.\n$/,
    )
    expect(receiver.counts.get(`${tenant}-down`)).toBe(4)
    const none = await ofTenant('replay', '--since', '1h', '--status', '5xx', '--yes')
    expect([none.code, none.stdout]).toEqual([0, 'There is nothing to send again.\n'])
  })

  it('starts nothing for all tenants unless that is said, and nothing twice with a key', async () => {
    await endpoint('down', 503)
    await publish(1)
    await settled('exhausted', 1)
    const unsaid = await run(['replay', '--since', '1h', '--status', '5xx', '--yes'])
    expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringContaining('--all-tenants')])
    heal('down')
    const args = ['replay', '--status', '5xx', '--key', `morning-${tenant}`, '--yes', '--json']
    const first = await ofTenant(...args)
    await settled('delivered', 1)
    expect(first.documents()).toEqual([{ id: expect.stringMatching(/^rpl_/), key: `morning-${tenant}`, deliveries: 1 }])
  })

  it('says what is pending, which no replay sends, and what to type for that', async () => {
    await endpoint('retrying', 503, { schedule: [3_600] })
    await publish(2)
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list(tenant, { status: '503' })
      expect(data).toHaveLength(2)
    })
    const ran = await ofTenant('replay', '--since', '1h', '--status', '5xx', '--dry-run')
    expect(ran.stdout).toMatch(/^0 deliveries would be made\./)
    const next = /2 others that failed like this are still pending, .* To retry them now: posthorn (.*)\n/.exec(
      ran.stderr,
    )![1]!
    heal('retrying')
    const dry = await run([...next.split(' '), '--dry-run', '--json'])
    expect(dry.documents()).toEqual([{ madeDue: 2, created: 0, superseded: 0, refused: [] }])
    const done = await run([...next.split(' '), '--yes', '--json'])
    expect([done.code, done.documents()]).toEqual([0, [{ madeDue: 2, created: 0, superseded: 0, refused: [] }]])
    await settled('delivered', 2)
  })

  it.each([
    ['25:00', 'is not a time of day'],
    ['banana', 'is not a time'],
    ['2999-01-01', 'is in the future'],
    ['now', 'nothing is in between'],
  ])('refuses --since %s before it calls the server', async (since, why) => {
    const env = { ...server.env, POSTHORN_URL: 'http://127.0.0.1:9' }
    const ran = await run(['replay', '--tenant', tenant, '--since', since, '--dry-run'], { env })
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toMatch(/^posthorn: [^\n]+\n$/)
    expect(ran.stderr).toContain(why)
  })

  it('leaves at Ctrl-C, says how far it was and how to come back, and goes on', async () => {
    await endpoint('down', 503)
    await publish(2)
    await settled('exhausted', 2)
    await server.posthorn.endpoints.update(tenant, 'down', { state: 'disabled' })
    const onOutput = (stdout: string, interrupt: () => void) => {
      if (stdout.includes('is running.')) setTimeout(interrupt, 700)
    }
    const args = ['replay', '--tenant', tenant, '--status', '5xx', '--yes', '--wait']
    const left = await run(args, { onOutput })
    expect(left.code).toBe(130)
    const back = /posthorn (replay get rpl_\w+ --tenant \S+ --wait)\n/.exec(left.stderr)![1]!
    heal('down')
    await server.posthorn.endpoints.enable(tenant, 'down')
    const seen = await run([...back.split(' '), '--json'])
    expect([seen.code, seen.documents()]).toEqual([0, [expect.objectContaining({ state: 'done', made: 2, ended: 2 })]])
  })

  it('says where to look when what it has made does not end', async () => {
    await endpoint('down', 503)
    await publish(1)
    await settled('exhausted', 1)
    const { id } = await server.posthorn.endpoints.update(tenant, 'down', { state: 'disabled' })
    // A clock that is fast. Ctrl-C is pressed as soon as it has been said.
    let press = () => {}
    const onInterruptible = (interrupt: () => void) => {
      press = interrupt
    }
    const after = (delayMs: number, fire: () => void) => {
      const handle = setTimeout(fire, delayMs / 20)
      return { cancel: () => clearTimeout(handle) }
    }
    const clock = { now: () => Date.now(), monotonicMs: () => 20 * performance.now(), after }
    const kept = keepingTerminal({ env: server.env, clock, onInterruptible })
    const ran = runPosthornOn(kept, ['replay', '--tenant', tenant, '--endpoint', 'down', '--yes', '--wait'])
    await vi.waitFor(() => expect(kept.seen.stderr).toContain('To see why:\n  '), { timeout: 20_000 })
    press()
    const { code, stderr } = await ran
    expect(code).toBe(130)
    expect(stderr).toMatch(/1 delivery waits: for a retry, a limit, or an endpoint that is disabled\. To see why:\n/)
    expect(stderr).toContain(`  posthorn deliveries list --tenant ${tenant} --state pending,held --endpoint ${id}\n`)
  })

  it('is listed, shown, paused, resumed and cancelled', async () => {
    await endpoint('down', 503)
    await publish(1)
    await settled('exhausted', 1)
    await server.posthorn.endpoints.update(tenant, 'down', { state: 'disabled' })
    const [created] = (await ofTenant('replay', '--status', '5xx', '--yes', '--json')).documents() as { id: string }[]
    expect((await ofTenant('replay', 'list', '--json')).documents()).toEqual([
      expect.objectContaining({ id: created!.id }),
    ])
    expect((await ofTenant('replay', 'get', created!.id)).stdout).toMatch(/STATUSES +5xx/)
    const cancelled = await ofTenant('replay', 'cancel', created!.id, '--yes')
    expect([cancelled.code, cancelled.stdout]).toEqual([0, `The replay ${created!.id} is cancelled.\n`])
    expect((await ofTenant('replay', 'resume', created!.id)).code).toBe(1)
  })
})

describe('deliveries', () => {
  it('are listed, counted and shown with their attempts', async () => {
    await endpoint('down', 503)
    await endpoint('up', 200)
    await publish(2)
    await settled('exhausted', 2)
    const ran = await ofTenant('deliveries', '--status', '5xx', '--since', '1h', '--json')
    expect(ran.stderr).toMatch(/^Deliveries created since .+\.\n$/)
    const [delivery] = ran.documents() as { id: string }[]
    expect(ran.documents()).toHaveLength(2)
    expect((await ofTenant('deliveries', 'count', '--json')).documents()).toEqual([
      { total: 4, pending: 0, held: 0, delivered: 2, exhausted: 2, cancelled: 0 },
    ])
    const attempts = await ofTenant('deliveries', 'attempts', delivery!.id, '--response')
    expect(attempts.stdout).toMatch(/503 http_server_error/)
    expect(attempts.stdout).toMatch(/Response 1: 503\n(?:.*\n)*x-shop: open\n(?:.*\n)*what the receiver says/)
    const wrong = await ofTenant('deliveries', '--state', 'exausted')
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('Did you mean `exhausted`?')])
    const verb = await ofTenant('deliveries', 'lst')
    expect([verb.code, verb.stderr]).toEqual([2, expect.stringContaining("unknown command 'lst'. Did you mean list?")])
  })

  it('are retried by id, and cancelled with their event', async () => {
    await endpoint('off', 200, { state: 'disabled' })
    await publish(1)
    await settled('held', 1)
    const cancelled = await ofTenant('events', 'cancel', 'order-0', '--yes')
    expect([cancelled.code, cancelled.stdout]).toEqual([0, '1 delivery is cancelled.\n'])
    expect((await ofTenant('events', 'cancel', 'order-0', '--yes')).stdout).toMatch(/nothing to cancel/)
    const [delivery] = (await ofTenant('deliveries', '--json')).documents() as { id: string; state: string }[]
    expect(delivery!.state).toBe('cancelled')
    const retried = await ofTenant('deliveries', 'retry', delivery!.id)
    expect([retried.code, retried.stdout]).toEqual([0, expect.stringContaining(`repeats ${delivery!.id}.`)])
  })
})
