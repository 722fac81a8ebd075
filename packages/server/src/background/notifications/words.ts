/** What a message says, as plain text; forms.ts gives it its form. Never a payload, a response's body or a secret. */
import { OPERATOR_TENANT } from '../../base/model.ts'
import type { TakenMessage } from '../../store/operations/notifications/messages.ts'
import { countText, type Fact, factOf, type Link, timeText } from './facts.ts'
import { plain, quoted } from './plain.ts'

export type Words = {
  readonly subject: string
  /** Paragraphs. */
  readonly intro: readonly string[]
  readonly facts: readonly Fact[]
  /** Paragraphs. */
  readonly outro: readonly string[]
  /** The one thing to do, if there is one. */
  readonly action: Link | null
  /** Why the reader gets this. */
  readonly why: string
  /** Where to change what one is told. */
  readonly manage: Link | null
  readonly unsubscribe: Link
}

export type Links = {
  readonly confirm: string
  readonly unsubscribe: string
  /** The pages of the operator or of the tenant, with a slash at their end. Null if there are none. */
  readonly pages: string | null
}

/** More facts than this are told in two lines each. */
const MOST_IN_FULL = 3

export function wordsOf(message: TakenMessage, links: Links, nowMs: number): Words {
  const { content } = message
  switch (content.kind) {
    case 'confirmation':
      return confirmation(message, links)
    case 'test':
      return test(message, links)
    case 'facts':
      return facts(message, content, links, nowMs)
  }
}

/** Whose webhooks a message is about. */
function whose({ tenant, tenantName }: TakenMessage): string {
  if (tenant === OPERATOR_TENANT) return 'this Posthorn installation'
  return quoted(tenantName ?? tenant)
}

const about = (message: TakenMessage): string =>
  message.tenant === OPERATOR_TENANT
    ? 'all webhooks of this Posthorn installation'
    : `the webhooks of ${whose(message)}`

function confirmation(message: TakenMessage, { confirm, unsubscribe }: Links): Words {
  const isMail = message.kind === 'email'
  return {
    subject: `Confirm notifications about ${about(message)}`,
    intro: [
      `Someone asked to have problems with ${about(message)} reported ${isMail ? 'to this address' : 'here'}: an endpoint that is failing or disabled, or a secret that expires.`,
      'Do you agree? Nothing is sent before you do.',
    ],
    facts: [],
    outro: [
      `The link works until ${timeText(message.confirmUntilMs)}. If you didn't expect this, ignore it, or refuse: then ${isMail ? 'this address' : 'this channel'} is asked no more.`,
    ],
    action: { label: 'Confirm', url: confirm },
    why: `Sent once, because someone entered ${isMail ? 'this address' : 'the URL of this webhook'}.`,
    manage: null,
    unsubscribe: { label: 'Refuse', url: unsubscribe },
  }
}

function foot(message: TakenMessage, { unsubscribe, pages }: Links): Pick<Words, 'why' | 'manage' | 'unsubscribe'> {
  const isOperators = message.tenant === OPERATOR_TENANT
  const url = pages === null ? null : `${pages}${isOperators ? 'operate/' : ''}notifications`
  return {
    why: `You get this because notifications about ${about(message)} were confirmed here.`,
    manage: url === null ? null : { label: 'Change what is reported', url },
    unsubscribe: { label: 'Unsubscribe', url: unsubscribe },
  }
}

function test(message: TakenMessage, links: Links): Words {
  return {
    subject: `Test: notifications about ${about(message)}`,
    intro: ['This is a test, and it has arrived. There is nothing to do.'],
    facts: [],
    outro: [`Problems with ${about(message)} are reported here.`],
    action: null,
    ...foot(message, links),
  }
}

type Facts = Extract<TakenMessage['content'], { kind: 'facts' }>

function facts(message: TakenMessage, { items, more }: Facts, links: Links, nowMs: number): Words {
  const isOperators = message.tenant === OPERATOR_TENANT
  const total = items.length + more
  const told = items.map(item => factOf(item, { url: links.pages, isOperators, nowMs }))
  const [only] = total === 1 ? told : []
  const rest = more === 0 ? [] : [`And ${countText(more)} more.`]
  return {
    subject: `${only?.subject ?? `${countText(total)} notices about webhooks`} – ${isOperators ? 'Posthorn' : plain(message.tenantName ?? message.tenant)}`,
    intro: total === 1 ? [] : [`${countText(total)} notices about ${about(message)}:`],
    facts: total > MOST_IN_FULL ? told.map(brief) : told,
    outro: rest,
    action: only?.link ?? null,
    ...foot(message, links),
  }
}

const brief = ({ subject, title, rows, link }: Fact): Fact => ({
  subject,
  title,
  rows: rows.slice(0, 2),
  advice: null,
  link,
})
