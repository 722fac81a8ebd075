/** Notifications from the fact to the mail or the chat (decision 55), on real sockets. */
import { randomBytes } from 'node:crypto'
import { createAuthority, type Receiver, startReceiver } from '@posthorn/testkit'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMailer } from '../../src/background/notifications/mailer.ts'
import { Notifications as Work } from '../../src/background/notifications/notifications.ts'
import { systemClock } from '../../src/base/clock.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import type { Endpoint, Notification } from '../../src/base/model.ts'
import { Posting } from '../../src/engine/posting.ts'
import { CONTRACT_PORTS } from '../../src/guard/ports.ts'
import { createKeyring, type Keyring } from '../../src/secrets/keyring.ts'
import { Notifications } from '../../src/services/notifications/notifications.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, aTenant } from '../store/builders.ts'
import { type Opened, postgresEngine, sqliteEngine } from '../store/engines.ts'
import { type Mailbox, type Received, startMailbox } from './mailbox.ts'
import { atOnce, log } from './setup.ts'

const URL_SECRET = 'a-secret-in-the-path'
const TO = 'ada@acme.example'

describe.each([sqliteEngine(), postgresEngine()])('notifications on $name', engine => {
  let opened: Opened
  let store: Store
  let keyring: Keyring
  let mailbox: Mailbox
  let posting: Posting
  let service: Notifications
  let work: Work
  /** How far the store's time is ahead. */
  let aheadMs = 0
  let endpoint: Endpoint

  beforeEach(async () => {
    opened = await engine.open()
    aheadMs = 0
    store = new Proxy(opened.store, {
      get(target, name) {
        if (name === 'now') return () => target.now() + aheadMs
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    keyring = createKeyring(randomBytes(32))
    mailbox = await startMailbox()
    endpoint = anEndpoint('acme', { url: `https://hooks.example.com/${URL_SECRET}?token=${URL_SECRET}` })
    await aTenant(store, 'acme', [endpoint])
    await aTenant(store, 'posthorn')
    usePolicy(true)
  })
  afterEach(async () => {
    posting.close()
    await mailbox.close()
    await opened.close()
  })
  afterAll(() => engine.stop())

  function usePolicy(dev: boolean, mail = mailbox.server, ca?: readonly string[]) {
    const policy = { dev, targetPorts: CONTRACT_PORTS, allowTarget: [] }
    const settings = { connectTimeoutMs: 5_000, responseTimeoutMs: 5_000, maxInFlightPerHost: 4, extraCa: [] }
    posting = new Posting({ ...policy, ...settings, proxy: null, userAgent: 'Posthorn/test' }, systemClock)
    service = new Notifications(store, keyring, { ...policy, hasMail: true })
    work = new Work(store, keyring, log, {
      mailer: createMailer(mail, 'hooks@provider.example', ca),
      post: (url, body, tenant) => posting.post(url, body, tenant),
      apiUrl: () => 'https://hooks.provider.example/',
    })
  }

  const run = () => work.run(atOnce)
  /** Lets time pass, with a look in each minute, as a node has. */
  async function pass(ms: number, everyMs = MINUTE_MS) {
    for (const endMs = aheadMs + ms; aheadMs < endMs; ) {
      aheadMs += everyMs
      await run()
    }
  }
  const tokenIn = (mail: Received, kind: 'pnc' | 'pnu') =>
    new RegExp(`${kind}_[A-Za-z0-9_-]{43}`).exec(mail.part('text/plain'))![0]
  const fault = (change: 'disabled' | 'enabled', of = endpoint) =>
    store.write('setEndpointState', {
      ...{ tenant: of.tenant, id: of.id, state: change, nowMs: store.now() },
      reason: change === 'disabled' ? 'manual' : null,
    })
  /** What a node does with what happened. */
  async function publishNotices() {
    const notices = await store.write('claimNotices', { nowMs: store.now() })
    await store.write('finishNotices', { keys: notices.map(({ key }) => key), nowMs: store.now() })
    return notices.length
  }
  async function disable(of = endpoint) {
    await fault('enabled', of)
    await fault('disabled', of)
    expect(await publishNotices()).toBeGreaterThan(0)
  }
  async function exhaust(count: number, of = endpoint) {
    const data = { tenant: of.tenant, endpoint: of.id, count, deliveries: [{ key: 'a-key', type: 'T' }] }
    const key = `exhausted:${of.id}:${store.now()}`
    await opened.run(
      'insert into notice (key, type, tenant, gathers, due_ms, count, data) values ($1, $2, $3, 0, 0, 1, $4)',
      [key, 'posthorn.delivery.exhausted', of.tenant, JSON.stringify(data)],
    )
    expect(await publishNotices()).toBe(1)
  }

  async function confirmed(tenant = 'acme', address = TO, kind: 'email' | 'slack' | 'teams' = 'email') {
    const made = await service.create(tenant, { kind, address })
    await run()
    const token = tokenIn(mailbox.mails.at(-1)!, 'pnc')
    expect((await service.follow(token, null))?.confirmedAtMs).not.toBeNull()
    mailbox.mails.length = 0
    return made
  }

  it('asks the address first, in plain text and HTML, and tells it nothing before it is confirmed', async () => {
    const made = await service.create('acme', { kind: 'email', address: TO })
    await run()
    await run()
    expect(mailbox.mails).toHaveLength(1)
    const [mail] = mailbox.mails as [Received]
    expect([mail.from, mail.to]).toEqual(['hooks@provider.example', [TO]])
    expect(mail.header('subject')).toBe('Confirm notifications about webhooks of acme')
    for (const type of ['text/plain', 'text/html'] as const) {
      expect(mail.part(type)).toMatch(/https:\/\/hooks\.provider\.example\/notification-links\/pnc_[\w-]{43}/)
    }
    const unsubscribe = `<https://hooks.provider.example/notification-links/${tokenIn(mail, 'pnu')}>`
    expect(mail.header('list-unsubscribe')).toBe(unsubscribe)
    expect(mail.header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click')
    expect(mail.header('auto-submitted')).toBe('auto-generated')
    await fault('disabled')
    await publishNotices()
    await pass(2 * HOUR_MS, 10 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(1)
    // Looking changes nothing.
    expect((await service.find(tokenIn(mail, 'pnc')))?.confirmedAtMs).toBeNull()
    const followed = (await service.follow(tokenIn(mail, 'pnc'), '203.0.113.7')) as Notification
    expect([followed.id, followed.confirmedAtMs]).toEqual([made.id, expect.any(Number)])
  })

  it('forgets an address that no one confirms', async () => {
    const { id } = await service.create('acme', { kind: 'email', address: TO })
    await run()
    aheadMs += 3 * DAY_MS + MINUTE_MS
    expect(await service.follow(tokenIn(mailbox.mails[0]!, 'pnc'), null)).toBeNull()
    await run()
    expect(await store.read('getNotification', { tenant: 'acme', id })).toBeNull()
  })

  it('tells once of an endpoint that flaps, and again hours later, with how often', async () => {
    await confirmed()
    for (let at = 0; at < 30; at++) {
      await disable()
      await pass(MINUTE_MS)
    }
    expect(mailbox.mails).toHaveLength(1)
    const text = mailbox.mails[0]!.part('text/plain')
    expect(text).toContain(`Endpoint hooks.example.com (${endpoint.id}) was disabled at `)
    await pass(8 * HOUR_MS, 20 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(2)
    expect(mailbox.mails[1]!.part('text/plain')).toMatch(/That happened (?:28|29) times since/)
    await pass(2 * DAY_MS, HOUR_MS)
    expect(mailbox.mails).toHaveLength(2)
    expect(await opened.store.read('peekMessages', { nowMs: store.now() + 30 * DAY_MS })).toBe(false)
  })

  it('tells of an outage of many endpoints in one message, which lists twenty', async () => {
    await confirmed()
    const many = Array.from({ length: 30 }, (_, at) => anEndpoint('acme', { url: `https://h${at}.example.com/` }))
    for (const each of many) {
      await store.write('createEndpoint', { endpoint: each })
      await fault('disabled', each)
    }
    while ((await publishNotices()) > 0);
    await pass(5 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(1)
    const [mail] = mailbox.mails as [Received]
    expect(mail.header('subject')).toBe('Webhooks of acme: 30 notices')
    expect(mail.part('text/plain').match(/was disabled at/g)).toHaveLength(20)
    expect(mail.part('text/plain')).toContain('… and 10 more.')
  })

  it('tells of exhausted deliveries in a digest, at most once a day', async () => {
    await confirmed()
    for (let at = 0; at < 4 * 24; at++) {
      if (at < 3 * 24) await exhaust(3)
      await pass(HOUR_MS, 20 * MINUTE_MS)
    }
    expect(mailbox.mails.length).toBeGreaterThanOrEqual(3)
    expect(mailbox.mails.length).toBeLessThanOrEqual(4)
    expect(mailbox.mails[1]!.part('text/plain')).toMatch(/: (?:69|7[0-8]) deliveries have used up all attempts/)
  })

  it('never contains a secret, a path of an URL, an event or its key', async () => {
    await confirmed()
    await disable()
    await exhaust(1)
    await pass(HOUR_MS, 20 * MINUTE_MS)
    const all = mailbox.mails.map(mail => mail.raw + mail.part('text/plain') + mail.part('text/html')).join()
    expect(all).toContain('was disabled')
    expect(all).toContain('1 delivery has')
    for (const hidden of [URL_SECRET, 'a-key', 'sealed']) expect(all).not.toContain(hidden)
  })

  it('sends one address at most twelve messages in an hour, of however many tenants', async () => {
    const endpoints: Endpoint[] = []
    for (let at = 0; at < 16; at++) {
      const of = anEndpoint(`t${at}`)
      endpoints.push(of)
      await aTenant(store, `t${at}`, [of])
      // Three confirmations a day: the others are of other days.
      aheadMs += DAY_MS / 2
      await confirmed(`t${at}`)
    }
    aheadMs += DAY_MS
    for (const of of endpoints) await disable(of)
    await pass(50 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(12)
    await pass(2 * HOUR_MS, 5 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(16)
  })

  it('sends a message again if its node died while sending, with the same id, a few times at most', async () => {
    await confirmed()
    await disable()
    aheadMs += 2 * MINUTE_MS
    const first = await store.write('takeMessages', { nowMs: store.now(), limit: 10 })
    expect(first.messages).toHaveLength(1)
    await pass(4 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(0)
    await pass(2 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(1)
    const { notification, madeAtMs } = first.messages[0]!
    expect(mailbox.mails[0]!.header('message-id')).toBe(`<${notification}.${madeAtMs}@hooks.provider.example>`)
    await pass(DAY_MS, HOUR_MS)
    expect(mailbox.mails).toHaveLength(1)
  })

  it('two nodes that look at the same time send one message', async () => {
    await confirmed()
    await disable()
    aheadMs += 2 * MINUTE_MS
    await Promise.all([run(), run(), run()])
    expect(mailbox.mails).toHaveLength(1)
  })

  it('tries again what the server refuses for now, and gives up what it refuses for good', async () => {
    const { id } = await confirmed()
    const failure = async () => (await service.get('acme', id)).failure?.reason
    mailbox.refuse = () => ({ code: 451, text: 'Try later: a-secret' })
    await disable()
    await pass(3 * MINUTE_MS)
    expect(await failure()).toBe('smtp 451')
    mailbox.refuse = () => null
    await pass(10 * MINUTE_MS)
    expect([mailbox.mails.length, await failure()]).toEqual([1, undefined])
    mailbox.refuse = () => ({ code: 550, text: 'No such user' })
    aheadMs += 7 * HOUR_MS
    await disable()
    await pass(2 * MINUTE_MS)
    expect(await failure()).toBe('smtp 550')
    mailbox.refuse = () => null
    await pass(HOUR_MS, 5 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(1)
  })

  it('unsubscribes by the link in any message, and then sends nothing more', async () => {
    const { id } = await confirmed()
    await disable()
    await pass(2 * MINUTE_MS)
    const token = tokenIn(mailbox.mails[0]!, 'pnu')
    expect((await service.follow(token, null))?.id).toBe(id)
    expect(await service.follow(token, null)).toBeNull()
    await fault('enabled')
    await fault('disabled')
    expect(await publishNotices()).toBe(0)
    await pass(7 * HOUR_MS, HOUR_MS)
    expect(mailbox.mails).toHaveLength(1)
  })

  it('tells the operator of all tenants, and a tenant of its own only', async () => {
    await confirmed('acme', 'ada@acme.example')
    await confirmed('posthorn', 'ops@provider.example')
    const other = anEndpoint('beta')
    await aTenant(store, 'beta', [other])
    await disable(other)
    await pass(2 * MINUTE_MS)
    expect(mailbox.mails.map(({ to }) => to)).toEqual([['ops@provider.example']])
    expect(mailbox.mails[0]!.part('text/plain')).toContain(`(${other.id}) of beta was disabled`)
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
      const made = await service.create('acme', { kind, address: `${receiver.url}/services/T0/B0/secret` })
      expect(made.shown).toBe(receiver.url)
      await run()
      expect(receiver.requests).toHaveLength(1)
      const { headers, path, body } = receiver.requests[0]!
      expect([path, headers['content-type']]).toEqual(['/services/T0/B0/secret', 'application/json'])
      const token = /pnc_[A-Za-z0-9_-]{43}/.exec(body.toString())![0]
      await service.follow(token, null)
      await disable()
      await pass(2 * MINUTE_MS)
      expect(receiver.requests).toHaveLength(2)
      const message = JSON.parse(receiver.requests[1]!.body.toString())
      if (kind === 'slack') expect(message.text).toContain('was disabled at')
      else expect(message.attachments[0].content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' })
      status = 404
      aheadMs += 7 * HOUR_MS
      await disable()
      await pass(HOUR_MS, 5 * MINUTE_MS)
      expect(receiver.requests).toHaveLength(3)
      expect((await service.get('acme', made.id)).failure?.reason).toBe('http 404')
    })

    it('goes through the guard, like deliveries', async () => {
      const { id } = await service.create('acme', { kind: 'slack', address: `${receiver.url}/a` })
      posting.close()
      usePolicy(false)
      await expect(service.create('acme', { kind: 'slack', address: `${receiver.url}/b` })).rejects.toThrow()
      await run()
      expect(receiver.requests).toHaveLength(0)
      expect((await service.get('acme', id)).failure?.reason).toBe('target_refused')
    })
  })

  it('signs in at the mail server, and says when it cannot', async () => {
    const closed = await startMailbox({ password: 'right' })
    usePolicy(true, closed.server)
    const { id } = await service.create('acme', { kind: 'email', address: TO })
    await run()
    expect(closed.mails).toHaveLength(1)
    usePolicy(true, { ...closed.server, password: 'wrong' })
    await service.requestConfirmation('acme', id)
    await run()
    expect(closed.mails).toHaveLength(1)
    expect((await service.get('acme', id)).failure?.reason).toBe('smtp 535')
    await closed.close()
  })

  it('hands mail over in TLS to a server that it trusts only', async () => {
    const authority = await createAuthority()
    const secure = await startMailbox({ tls: await authority.issue({ names: [], ips: ['127.0.0.1'] }) })
    usePolicy(true, secure.server)
    const { id } = await service.create('acme', { kind: 'email', address: TO })
    await run()
    expect([secure.mails.length, (await service.get('acme', id)).failure?.reason]).toEqual([0, 'smtp ESOCKET'])
    usePolicy(true, secure.server, [authority.caPem])
    await pass(3 * MINUTE_MS)
    expect(secure.mails.map(({ isSecure }) => isSecure)).toEqual([true])
    await secure.close()
  })

  it('forgets the notifications of a deleted tenant', async () => {
    await confirmed()
    await disable()
    await store.write('deleteTenant', { id: 'acme', nowMs: store.now() })
    await pass(HOUR_MS, 10 * MINUTE_MS)
    expect(mailbox.mails).toHaveLength(0)
    expect(await store.read('listNotifications', { tenant: 'acme', limit: 9, before: null })).toEqual([])
  })
})
