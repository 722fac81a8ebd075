/** Notifications from the fact to the mail or the chat (decision 55), on real sockets. */
import { type Receiver, startReceiver } from '@posthorn/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { Notification } from '../../src/base/notification.ts'
import { anEndpoint, aTenant } from '../store/builders.ts'
import { engines } from '../store/engines.ts'
import type { Received } from './mailbox.ts'
import { TO, tokenIn, URL_SECRET, useNotifications } from './notification-bench.ts'
import { atOnce } from './setup.ts'

/** Without what keeps mail programs from making links of names. */
const readable = (text: string) => text.replaceAll('\u2060', '')

describe.each(engines())('notifications on $name', engine => {
  const bench = useNotifications(engine)

  it('asks the address first, in plain text and HTML, and tells it nothing before it is confirmed', async () => {
    const made = await bench.service.create('acme', { kind: 'email', address: TO })
    await bench.run()
    await bench.run()
    expect(bench.mailbox.mails).toHaveLength(1)
    const [mail] = bench.mailbox.mails as [Received]
    expect([mail.from, mail.to]).toEqual(['hooks@provider.example', [TO]])
    expect(mail.header('from')).toBe('Acme webhooks <hooks@provider.example>')
    expect(mail.header('subject')).toBe('Confirm notifications about the webhooks of “acme”')
    for (const type of ['text/plain', 'text/html'] as const) {
      expect(mail.part(type)).toMatch(/https:\/\/hooks\.provider\.example\/notification-links\/pnc_[\w-]{43}/)
    }
    const unsubscribe = `<https://hooks.provider.example/notification-links/${tokenIn(mail, 'pnu')}>`
    expect(mail.header('list-unsubscribe')).toBe(unsubscribe)
    expect(mail.header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click')
    expect(mail.header('auto-submitted')).toBe('auto-generated')
    await bench.fault('disabled')
    await bench.publishNotices()
    await bench.pass(2 * HOUR_MS, 10 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
    // Looking changes nothing.
    expect((await bench.service.find(tokenIn(mail, 'pnc')))?.confirmedAtMs).toBeNull()
    const followed = (await bench.service.follow(tokenIn(mail, 'pnc'), '203.0.113.7')) as Notification
    expect([followed.id, followed.confirmedAtMs]).toEqual([made.id, expect.any(Number)])
  })

  it('forgets an address that no one confirms', async () => {
    const { id } = await bench.service.create('acme', { kind: 'email', address: TO })
    await bench.run()
    bench.aheadMs += 3 * DAY_MS + MINUTE_MS
    expect(await bench.service.follow(tokenIn(bench.mailbox.mails[0]!, 'pnc'), null)).toBeNull()
    await bench.run()
    expect(await bench.store.read('getNotification', { tenant: 'acme', id })).toBeNull()
  })

  it('tells once of an endpoint that flaps, and again hours later, with how often', async () => {
    await bench.confirmed()
    for (let at = 0; at < 30; at++) {
      await bench.disable()
      await bench.pass(MINUTE_MS)
    }
    expect(bench.mailbox.mails).toHaveLength(1)
    const text = bench.mailbox.mails[0]!.part('text/plain')
    expect(readable(text)).toContain('Endpoint hooks.example.com was disabled')
    expect(text).toContain(`https://hooks.provider.example/portal/endpoints/acme/${bench.endpoint.id}`)
    await bench.pass(8 * HOUR_MS, 20 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(2)
    expect(bench.mailbox.mails[1]!.part('text/plain')).toMatch(/How often: +(?:28|29) times since/)
    await bench.pass(2 * DAY_MS, HOUR_MS)
    expect(bench.mailbox.mails).toHaveLength(2)
    expect(await bench.store.read('peekMessages', { nowMs: bench.store.now() + 30 * DAY_MS })).toBe(false)
  })

  it('tells of an outage of many endpoints in one message, which lists twenty', async () => {
    await bench.confirmed()
    const many = Array.from({ length: 30 }, (_, at) => anEndpoint('acme', { url: `https://h${at}.example.com/` }))
    for (const each of many) {
      await bench.store.write('createEndpoint', { endpoint: each })
      await bench.fault('disabled', each)
    }
    while ((await bench.publishNotices()) > 0);
    await bench.pass(5 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
    const [mail] = bench.mailbox.mails as [Received]
    expect(mail.header('subject')).toBe('30 notices about webhooks – acme')
    expect(mail.part('text/plain').match(/ was disabled\./g)).toHaveLength(20)
    expect(mail.part('text/plain')).toContain('And 10 more.')
  })

  it('tells of exhausted deliveries in a digest, at most once a day', async () => {
    await bench.confirmed()
    for (let at = 0; at < 4 * 24; at++) {
      if (at < 3 * 24) await bench.exhaust(3)
      await bench.pass(HOUR_MS, 20 * MINUTE_MS)
    }
    expect(bench.mailbox.mails.length).toBeGreaterThanOrEqual(3)
    expect(bench.mailbox.mails.length).toBeLessThanOrEqual(4)
    expect(bench.mailbox.mails[1]!.part('text/plain')).toMatch(
      /^(?:69|7[0-8]) deliveries to endpoint .* have used up all attempts/,
    )
  })

  it('never contains a secret, a path of an URL, an event or its key', async () => {
    await bench.confirmed()
    await bench.disable()
    await bench.exhaust(1)
    await bench.pass(HOUR_MS, 20 * MINUTE_MS)
    const all = bench.mailbox.mails.map(mail => mail.raw + mail.part('text/plain') + mail.part('text/html')).join()
    expect(all).toContain('was disabled')
    expect(all).toContain('1 delivery to endpoint')
    for (const hidden of [URL_SECRET, 'a-key', 'sealed']) expect(all).not.toContain(hidden)
  })

  it('sends one address at most twelve messages in an hour, of however many tenants', async () => {
    const endpoints: Endpoint[] = []
    for (let at = 0; at < 16; at++) {
      const of = anEndpoint(`t${at}`)
      endpoints.push(of)
      await aTenant(bench.store, `t${at}`, [of])
      // Three confirmations a day: the others are of other days.
      bench.aheadMs += DAY_MS / 2
      await bench.confirmed(`t${at}`)
    }
    bench.aheadMs += DAY_MS
    for (const of of endpoints) await bench.disable(of)
    await bench.pass(50 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(12)
    await bench.pass(2 * HOUR_MS, 5 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(16)
  })

  it('sends a message again if its node died while sending, with the same id, a few times at most', async () => {
    await bench.confirmed()
    await bench.disable()
    bench.aheadMs += 2 * MINUTE_MS
    const first = await bench.store.write('takeMessages', { nowMs: bench.store.now(), limit: 10 })
    expect(first.messages).toHaveLength(1)
    await bench.pass(4 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(0)
    await bench.pass(2 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
    const { notification, madeAtMs } = first.messages[0]!
    expect(bench.mailbox.mails[0]!.header('message-id')).toBe(`<${notification}.${madeAtMs}@hooks.provider.example>`)
    await bench.pass(DAY_MS, HOUR_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
  })

  it('two nodes that look at the same time send one message', async () => {
    await bench.confirmed()
    await bench.disable()
    bench.aheadMs += 2 * MINUTE_MS
    const other = await bench.opened.another?.()
    const stores = [bench.store, bench.store, ...(other === undefined ? [] : [bench.later(other), bench.later(other)])]
    await Promise.all(stores.map(store => bench.node(store).run(atOnce)))
    await other?.close()
    expect(bench.mailbox.mails).toHaveLength(1)
  })

  it('makes a few messages a day of ten thousand failures, for a tenant and for the operator', async () => {
    await bench.confirmed('acme', TO)
    await bench.confirmed('posthorn', 'ops@provider.example')
    const many = Array.from({ length: 40 }, (_, at) => anEndpoint('acme', { url: `https://h${at}.example.com/` }))
    for (const endpoint of many) await bench.store.write('createEndpoint', { endpoint })
    const types = ['posthorn.endpoint.disabled', 'posthorn.delivery.exhausted', 'posthorn.endpoint.failing']
    for (let round = 0; round < 5; round++) {
      for (const [at, { id }] of many.entries()) {
        await bench.opened.run(
          `with recursive n(i) as (select 1 union all select i + 1 from n where i < 50)
           insert into notice (key, type, tenant, gathers, due_ms, count, data)
           select cast($1 as text) || cast(i as text), cast($2 as text), 'acme', 0, 0, 1, cast($3 as text) from n`,
          [`${round} ${id} `, types[at % 3]!, JSON.stringify({ tenant: 'acme', endpoint: id })],
        )
      }
      while ((await bench.publishNotices()) > 0);
      await bench.pass(4 * HOUR_MS, 20 * MINUTE_MS)
    }
    const to = (address: string) => bench.mailbox.mails.filter(mail => mail.to[0] === address)
    expect(to(TO).length).toBeGreaterThan(1)
    expect(to(TO).length).toBeLessThanOrEqual(6)
    expect(to('ops@provider.example').length).toBeLessThanOrEqual(6)
    const told = to(TO).map(mail => mail.part('text/plain').length)
    expect(Math.max(...told)).toBeLessThan(16_384)
  })

  it('tries again what the server refuses for now, and gives up what it refuses for good', async () => {
    const { id } = await bench.confirmed()
    const failure = async () => (await bench.service.get('acme', id)).failure?.reason
    bench.mailbox.refuse = () => ({ code: 451, text: 'Try later: a-secret' })
    await bench.disable()
    await bench.pass(3 * MINUTE_MS)
    expect(await failure()).toBe('smtp 451')
    bench.mailbox.refuse = () => null
    await bench.pass(10 * MINUTE_MS)
    expect([bench.mailbox.mails.length, await failure()]).toEqual([1, undefined])
    bench.mailbox.refuse = () => ({ code: 550, text: 'No such user' })
    bench.aheadMs += 7 * HOUR_MS
    await bench.disable()
    await bench.pass(2 * MINUTE_MS)
    expect(await failure()).toBe('smtp 550')
    bench.mailbox.refuse = () => null
    await bench.pass(HOUR_MS, 5 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
  })

  it('unsubscribes by the link in any message, and then sends nothing more', async () => {
    const { id } = await bench.confirmed()
    await bench.disable()
    await bench.pass(2 * MINUTE_MS)
    const token = tokenIn(bench.mailbox.mails[0]!, 'pnu')
    expect((await bench.service.follow(token, null))?.id).toBe(id)
    expect(await bench.service.follow(token, null)).toBeNull()
    await bench.fault('enabled')
    await bench.fault('disabled')
    expect(await bench.publishNotices()).toBe(0)
    await bench.pass(7 * HOUR_MS, HOUR_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
  })

  it('tells the operator of all tenants, and a tenant of its own only', async () => {
    await bench.confirmed('acme', 'ada@acme.example')
    await bench.confirmed('posthorn', 'ops@provider.example')
    const other = anEndpoint('beta')
    await aTenant(bench.store, 'beta', [other])
    await bench.disable(other)
    await bench.pass(2 * MINUTE_MS)
    expect(bench.mailbox.mails.map(({ to }) => to)).toEqual([['ops@provider.example']])
    expect(bench.mailbox.mails[0]!.part('text/plain')).toContain('of “beta” was disabled')
  })

  describe('to a chat', () => {
    let receiver: Receiver
    let status = 200
    beforeEach(async () => {
      status = 200
      receiver = await startReceiver({ http: true, script: () => ({ status }) })
    })
    afterEach(() => receiver.close())

    it.each(['slack', 'teams'] as const)('posts what %s takes, after someone there has confirmed it', async kind => {
      const made = await bench.service.create('acme', { kind, address: `${receiver.url}/services/T0/B0/secret` })
      expect(made.shown).toBe(receiver.url)
      await bench.run()
      expect(receiver.requests).toHaveLength(1)
      const { headers, path, body } = receiver.requests[0]!
      expect([path, headers['content-type']]).toEqual(['/services/T0/B0/secret', 'application/json'])
      const token = /pnc_[A-Za-z0-9_-]{43}/.exec(body.toString())![0]
      await bench.service.follow(token, null)
      await bench.disable()
      await bench.pass(2 * MINUTE_MS)
      expect(receiver.requests).toHaveLength(2)
      const message = JSON.parse(receiver.requests[1]!.body.toString())
      if (kind === 'slack') expect(message.text).toContain('was disabled')
      else expect(message.attachments[0].content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' })
      status = 404
      bench.aheadMs += 7 * HOUR_MS
      await bench.disable()
      await bench.pass(HOUR_MS, 5 * MINUTE_MS)
      expect(receiver.requests).toHaveLength(3)
      expect((await bench.service.get('acme', made.id)).failure?.reason).toBe('http 404')
    })

    it('goes through the guard, like deliveries', async () => {
      const { id } = await bench.service.create('acme', { kind: 'slack', address: `${receiver.url}/a` })
      bench.use({ dev: false })
      await expect(bench.service.create('acme', { kind: 'slack', address: `${receiver.url}/b` })).rejects.toThrow()
      await bench.run()
      expect(receiver.requests).toHaveLength(0)
      expect((await bench.service.get('acme', id)).failure?.reason).toBe('target_refused')
    })
  })

  it('sends a test once, to an address that is confirmed, a few times an hour at most', async () => {
    const waiting = await bench.service.create('acme', { kind: 'email', address: 'bob@acme.example' })
    await expect(bench.service.requestTest('acme', waiting.id)).rejects.toMatchObject({ code: 'conflict' })
    const { id } = await bench.confirmed()
    await bench.service.requestTest('acme', id)
    await expect(bench.service.requestTest('acme', id)).rejects.toMatchObject({ code: 'conflict' })
    await bench.run()
    expect(bench.mailbox.mails.map(mail => mail.header('subject'))).toEqual([
      'Test: notifications about the webhooks of “acme”',
    ])
    expect((await bench.service.get('acme', id)).sentAtMs).toBeGreaterThan(0)
    bench.mailbox.refuse = () => ({ code: 451, text: 'Try later' })
    await bench.service.requestTest('acme', id)
    await bench.run()
    bench.mailbox.refuse = () => null
    await bench.pass(HOUR_MS / 2, 10 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
    expect((await bench.service.get('acme', id)).failure?.reason).toBe('smtp 451')
    for (let at = 0; at < 3; at++) {
      await bench.service.requestTest('acme', id)
      await bench.run()
    }
    await expect(bench.service.requestTest('acme', id)).rejects.toMatchObject({ code: 'rate_limited' })
    expect(bench.mailbox.mails).toHaveLength(4)
  })

  it('asks someone who has refused no more, whichever tenant wants to', async () => {
    await bench.service.create('acme', { kind: 'email', address: TO })
    await bench.run()
    await bench.service.follow(tokenIn(bench.mailbox.mails[0]!, 'pnu'), null)
    await aTenant(bench.store, 'beta')
    for (const days of [0, 2, 20]) {
      bench.aheadMs += days * DAY_MS
      const asking = bench.service.create('beta', { kind: 'email', address: 'Ada+1@acme.example' })
      await expect(asking).rejects.toMatchObject({ code: 'rate_limited' })
      await bench.pass(HOUR_MS, HOUR_MS)
    }
    expect(bench.mailbox.mails).toHaveLength(1)
  })

  it("leaves an erased tenant out of the operator's messages that wait to be sent", async () => {
    await bench.confirmed('posthorn', 'ops@provider.example')
    await aTenant(bench.store, 'beta', [anEndpoint('beta')])
    bench.mailbox.refuse = () => ({ code: 451, text: 'Try later' })
    await bench.disable()
    await bench.pass(2 * MINUTE_MS)
    await bench.store.write('eraseTenant', { id: 'acme', nowMs: bench.store.now(), attemptMs: 0 })
    while ((await bench.store.write('eraseSome', { tenant: 'acme', isLast: true, limit: 1_000 })) > 0);
    bench.mailbox.refuse = () => null
    await bench.pass(HOUR_MS, 5 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(0)
  })

  it('forgets the notifications of a deleted tenant', async () => {
    await bench.confirmed()
    await bench.disable()
    await bench.store.write('deleteTenant', { id: 'acme', nowMs: bench.store.now() })
    await bench.pass(HOUR_MS, 10 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(0)
    expect(await bench.store.read('listNotifications', { tenant: 'acme', limit: 9, before: null })).toEqual([])
  })
})
