/** How mail is handed over: to a real SMTP server, with STARTTLS, TLS and a password (decision 55). */
import { setTimeout } from 'node:timers/promises'
import { createAuthority } from '@posthorn/testkit'
import { describe, expect, it, vi } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { HandClock } from '../hand-clock.ts'
import { anAttempt, aSettlement, bytes } from '../store/builders.ts'
import { sqliteEngine } from '../store/engines.ts'
import { type Received, startMailbox, startTrickle } from './mailbox.ts'
import { TO, useNotifications } from './notification-bench.ts'
import { atOnce, publish } from './setup.ts'

const NAMES = { names: [], ips: ['127.0.0.1'] }

describe('mail', () => {
  const bench = useNotifications(sqliteEngine())
  const failure = async (id: string) => (await bench.service.get('acme', id)).failure?.reason
  const ask = async () => {
    const { id } = await bench.service.create('acme', { kind: 'email', address: TO })
    await bench.run()
    return id
  }

  it('is handed over with a password only after STARTTLS, to a server that is trusted', async () => {
    const authority = await createAuthority()
    const tls = await authority.issue(NAMES)
    const box = await startMailbox({ tls, starttls: true, password: 'right' })
    bench.use({ dev: true, mail: box.server })
    const id = await ask()
    expect([box.mails.length, await failure(id)]).toEqual([0, 'smtp ESOCKET'])
    bench.use({ dev: true, mail: box.server, ca: [authority.caPem] })
    await bench.pass(2 * MINUTE_MS)
    expect(box.mails.map(({ isSecure }) => isSecure)).toEqual([true])
    await box.close()
  })

  it('is not sent at all if the server, or someone in between, offers no STARTTLS', async () => {
    const box = await startMailbox()
    bench.use({ dev: true, mail: { ...box.server, tls: 'starttls' } })
    const id = await ask()
    expect([box.mails.length, await failure(id)]).toEqual([0, 'smtp ETLS'])
    await box.close()
  })

  it('is handed over in TLS from the first byte to a server that is trusted only', async () => {
    const authority = await createAuthority()
    const box = await startMailbox({ tls: await authority.issue(NAMES) })
    bench.use({ dev: true, mail: box.server })
    const id = await ask()
    expect([box.mails.length, await failure(id)]).toEqual([0, 'smtp ESOCKET'])
    bench.use({ dev: true, mail: box.server, ca: [authority.caPem] })
    await bench.pass(3 * MINUTE_MS)
    expect(box.mails.map(({ isSecure }) => isSecure)).toEqual([true])
    await box.close()
  })

  it('is tried again while the password is refused, which the operator has to mend', async () => {
    const box = await startMailbox({ password: 'right' })
    bench.use({ dev: true, mail: { ...box.server, password: 'wrong' } })
    const id = await ask()
    expect([box.mails.length, await failure(id)]).toEqual([0, 'smtp 535'])
    bench.use({ dev: true, mail: box.server })
    await bench.pass(2 * MINUTE_MS)
    expect([box.mails.length, await failure(id)]).toEqual([1, undefined])
    await box.close()
  })

  it('counts as not sent if the server takes longer than a minute, although it is never silent', async () => {
    const slow = await startTrickle()
    bench.use({ dev: true, mail: slow.server, longestMs: 300 })
    const id = await ask()
    expect(await failure(id)).toBe('smtp ETIMEDOUT')
    await vi.waitUntil(() => slow.open() === 0)
    bench.use({ dev: true })
    await bench.pass(2 * MINUTE_MS)
    expect([bench.mailbox.mails.length, await failure(id)]).toEqual([1, undefined])
    await slow.close()
  })

  it('is not handed to a server for half a minute after that, so that no chat waits for it', async () => {
    const slow = await startTrickle()
    bench.use({ dev: true, mail: slow.server, longestMs: 300 })
    const first = await ask()
    const { id } = await bench.service.create('acme', { kind: 'email', address: 'bob@acme.example' })
    const beganAtMs = performance.now()
    await bench.run()
    expect([await failure(first), await failure(id), slow.accepted()]).toEqual(['smtp ETIMEDOUT', 'smtp ETIMEDOUT', 1])
    expect(performance.now() - beganAtMs).toBeLessThan(300)
    await slow.close()
  })

  it('keeps no node from stopping for more than five seconds, and is sent by the next one', async () => {
    const slow = await startTrickle()
    const clock = new HandClock()
    const node = bench.node(bench.store, slow.server, { clock })
    const { id } = await bench.service.create('acme', { kind: 'email', address: TO })
    const running = node.run(atOnce)
    await vi.waitUntil(() => slow.open() === 1)
    node.stop()
    clock.turn(4_999)
    expect(await Promise.race([running, setTimeout(50, 'under way')])).toBe('under way')
    clock.turn(1)
    await running
    await vi.waitUntil(() => slow.open() === 0)
    node.close()
    await bench.pass(4 * MINUTE_MS)
    expect([bench.mailbox.mails.length, await failure(id)]).toEqual([0, undefined])
    await bench.pass(2 * MINUTE_MS)
    expect(bench.mailbox.mails).toHaveLength(1)
    await slow.close()
  })

  it('is tried again six times in nine hours after 4xx, and then given up', async () => {
    let asked = 0
    const { id } = await bench.confirmed()
    bench.mailbox.refuse = () => ({ code: ++asked > 0 ? 450 : 250, text: 'Try later' })
    await bench.disable()
    await bench.pass(DAY_MS, 5 * MINUTE_MS)
    expect([asked, await failure(id)]).toEqual([6, 'smtp 450'])
    expect(bench.mailbox.mails).toHaveLength(0)
  })

  it('is given up at the first 5xx about its recipient', async () => {
    let asked = 0
    const { id } = await bench.confirmed()
    bench.mailbox.refuse = () => ({ code: ++asked > 0 ? 550 : 250, text: 'No such user' })
    await bench.disable()
    await bench.pass(2 * HOUR_MS, 5 * MINUTE_MS)
    expect([asked, await failure(id)]).toEqual([1, 'smtp 550'])
  })

  it('says which endpoint, since when, what it responded and what to do, in text and in HTML', async () => {
    await bench.confirmed()
    const sinceMs = bench.store.now() - 2 * DAY_MS
    const { items } = await publish(bench.store, [bench.endpoint])
    const attempt = anAttempt(1, { status: 503, startedAtMs: sinceMs, responseBody: bytes('a-secret-of-the-receiver') })
    const step = { kind: 'retry', dueAtMs: bench.store.now() + DAY_MS } as const
    await bench.store.settle(aSettlement(items[0]!, step, { attempt }))
    await bench.opened.run('update endpoint set failing_since_ms = $1', [sinceMs])
    await bench.note('posthorn.endpoint.failing', {
      days: 2,
      failingSince: new Date(sinceMs).toISOString(),
      disablesAt: new Date(sinceMs + 5 * DAY_MS).toISOString(),
      delivery: items[0]!.delivery,
    })
    await bench.pass(2 * MINUTE_MS)
    const [mail] = bench.mailbox.mails as [Received]
    const text = mail.part('text/plain').replaceAll('\u2060', '')
    expect(text).toContain('Endpoint hooks.example.com is failing')
    expect(text).toMatch(/^Failing since: +\d+ \w+ \d{4}, \d\d:\d\d UTC, 2 days ago$/m)
    expect(text).toMatch(/^Last response: +503 Service Unavailable \(/m)
    expect(text).toMatch(
      /^Next: +It is disabled on \d+ \w+ \d{4}, \d\d:\d\d UTC, unless an attempt succeeds before\.$/m,
    )
    expect(text).toContain("Look for the request in your server's log.")
    const url = `https://hooks.provider.example/portal/endpoints/acme/${bench.endpoint.id}`
    expect(text).toContain(`See the endpoint:\n${url}\n`)
    const html = mail.part('text/html')
    expect(html).toMatch(new RegExp(`<a href="${url}"[^>]*>See the endpoint</a>`))
    expect(html).toContain('503 Service Unavailable')
    expect(mail.raw + text + html).not.toContain('a-secret')
  })
})
