// cspell:ignore Gestört Endpunkt Zum vor Tagen seit Söhne Müller
/** What messages say, and that nothing that others have named makes more of them (decision 55). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chatOf, mailOf } from '../../src/background/notifications/forms.ts'
import { plain } from '../../src/background/notifications/plain.ts'
import { wordsOf } from '../../src/background/notifications/words.ts'
import { newId } from '../../src/base/ids.ts'
import type { MessageItem } from '../../src/store/operations/notifications/message-items.ts'
import type { MessageContent, TakenMessage } from '../../src/store/operations/notifications/messages.ts'

const NOW_MS = Date.parse('2026-11-30T12:00:00Z')
const LINKS = {
  confirm: 'https://hooks.provider.example/notification-links/pnc_x',
  unsubscribe: 'https://hooks.provider.example/notification-links/pnu_x',
  pages: 'https://hooks.provider.example/portal/',
}

const item = (over: Partial<MessageItem> = {}): MessageItem => ({
  type: 'posthorn.endpoint.disabled',
  tenant: 'acme',
  endpoint: newId('ep', NOW_MS),
  name: null,
  host: 'hooks.example.com',
  now: 'unchanged',
  failure: null,
  count: 1,
  firstAtMs: NOW_MS,
  lastAtMs: NOW_MS,
  data: { reason: 'manual', disabledAt: '2026-11-30T11:00:00Z' },
  ...over,
})

const message = (content: MessageContent, over: Partial<TakenMessage> = {}): TakenMessage => ({
  notification: newId('ntf', NOW_MS),
  tenant: 'acme',
  tenantName: null,
  shown: 'ada@acme.example',
  language: 'en',
  confirmUntilMs: NOW_MS,
  kind: 'email',
  sealed: new Uint8Array(),
  content,
  attempt: 1,
  madeAtMs: NOW_MS,
  ...over,
})

const of = (items: readonly MessageItem[], over: Partial<TakenMessage> = {}) =>
  wordsOf(message({ kind: 'facts', items, more: 0 }, over), LINKS, NOW_MS)

/** Names that try to be more than names. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '\r\n',
          '\n\n',
          '\u2028',
          '\u202e',
          '\0',
          '\ud800',
          '<a href="https://evil.example">',
          '</title>',
          '&#x3c;b>',
        ],
        ...[
          'https://evil.example/x',
          'www.evil.example',
          'evil。example',
          'ada@evil.example',
          'tel:+15551234',
          '[x](https://evil.example)',
        ],
        ...[
          '<!channel>',
          '<https://evil.example|x>',
          '*',
          '_',
          '`',
          '|',
          'Bcc: bob@evil.example',
          '=?utf-8?q?x?=',
          ' ',
          'Acme',
        ],
      ),
      { maxLength: 12 },
    )
    .map(parts => parts.join('')),
)

describe('a message', () => {
  it('has no line, tag, link or mention of a name that someone else has chosen', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (name, tenantName, host) => {
        const words = of([item({ name, host }), item({ name: tenantName })], { tenantName })
        const { subject, text, html } = mailOf(words)
        const reference = mailOf(of([item({ name: 'x', host: 'x' }), item({ name: 'x' })], { tenantName: 'x' }))
        expect(subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
        expect(text.split('\n')).toHaveLength(reference.text.split('\n').length)
        const tags = (of: string) => of.match(/<[^>]*>/g)!.filter(tag => !tag.startsWith('<a '))
        expect(tags(html)).toEqual(tags(reference.html))
        const urls = (of: string) => (of.match(/(?:https?:\/\/|www\.|mailto:)[^\s"<>)|]+/gi) ?? []).length
        expect(urls(text)).toBe(urls(reference.text))
        expect(urls(html)).toBe(urls(reference.html))
        for (const each of [text, html]) expect(each).not.toMatch(/evil[.。]example|@evil/)
        const slack = (chatOf('slack', words) as { text: string }).text
        for (const [link] of slack.matchAll(/<[^>]*>/g)) expect(link).toMatch(/^<https:\/\/hooks\.provider\.example\//)
        const teams = JSON.stringify(chatOf('teams', words))
        expect(teams).not.toMatch(/evil[.。]example|(?<!\\\\)\]\(/)
      }),
      { numRuns: 300 },
    )
  })

  it('shows names as they are otherwise, cut to sixty characters', () => {
    expect(plain('  Müller & Söhne \t GmbH ')).toBe('Müller & Söhne GmbH')
    expect(plain('x'.repeat(90))).toBe(`${'x'.repeat(60)}…`)
    expect(plain('😀'.repeat(61))).toBe(`${'😀'.repeat(60)}…`)
  })

  it('says what has become of the endpoint in the meantime', () => {
    const title = (over: Partial<MessageItem>) => of([item({ host: 'h', ...over })]).facts[0]!.title
    expect(title({})).toBe('Endpoint h was disabled')
    expect(title({ now: 'over' })).toBe('Endpoint h was disabled, and is enabled again')
    expect(title({ now: 'deleted' })).toBe('Endpoint h was disabled, and was deleted since')
    const failing = { type: 'posthorn.endpoint.failing', data: { failingSince: '2026-11-28T11:00:00Z' } }
    expect(title(failing)).toBe('Endpoint h is failing')
    expect(title({ ...failing, now: 'over' })).toBe('Endpoint h was failing, and works again')
    expect(title({ ...failing, name: 'Covers' })).toBe('Endpoint “Covers” (h) is failing')
  })

  it('says what the receiver responded, or why there was no response', () => {
    const rows = (failure: MessageItem['failure']) =>
      of([item({ type: 'posthorn.endpoint.failing', data: { failingSince: '2026-11-30T11:00:00Z' }, failure })])
        .facts[0]!
    const refused = rows({ atMs: NOW_MS, status: null, error: 'connect_refused' })
    expect(refused.rows[1]).toEqual(['No response', 'connection refused (30 November 2026, 12:00 UTC)'])
    expect(refused.advice).toBe('Start your server, or open its port.')
    const failed = rows({ atMs: NOW_MS, status: 503, error: 'http_server_error' })
    expect(failed.rows[1]).toEqual(['Last response', '503 Service Unavailable (30 November 2026, 12:00 UTC)'])
  })

  it('says the same in German, with every name, time and link', () => {
    const failure = { atMs: NOW_MS, status: 503, error: 'http_server_error' } as const
    const fact = item({ type: 'posthorn.endpoint.failing', data: { failingSince: '2026-11-28T11:00:00Z' }, failure })
    const { subject, text, html } = mailOf(of([fact], { language: 'de', tenantName: 'Acme' }))
    expect(subject.replaceAll('\u2060', '')).toBe('Gestört: hooks.example.com – Acme')
    expect(text).toMatch(/^Gestört seit: +28\. November 2026, 11:00 UTC, vor 2 Tagen$/m)
    expect(text).toContain('503 Service Unavailable (30. November 2026, 12:00 UTC)')
    expect(text).toContain(`Zum Endpunkt:\nhttps://hooks.provider.example/portal/endpoints/acme/${fact.endpoint}`)
    expect(html).toContain('<html lang="de">')
  })

  it('of one fact leads to it by a button, and of many lists them in short', () => {
    expect(of([item()]).action?.label).toBe('See the endpoint')
    const many = of([item(), item(), item(), item()])
    expect(many.action).toBeNull()
    expect(many.facts.map(({ advice, rows }) => [advice, rows.length])).toEqual(many.facts.map(() => [null, 2]))
    expect(of([item({ now: 'deleted' })]).action).toBeNull()
    expect(
      wordsOf(message({ kind: 'facts', items: [item()], more: 0 }), { ...LINKS, pages: null }, NOW_MS).manage,
    ).toBeNull()
  })
})
