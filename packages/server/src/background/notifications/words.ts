/** What a message says, as plain text; forms.ts gives it its form. Never a payload, a response's body or a secret. */
import type { NotificationLanguage } from '../../base/notification.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import type { TakenMessage } from '../../store/operations/notifications/messages.ts'
import { countText, type Fact, factOf, type Link, timeText } from './facts.ts'
import { PHRASES } from './phrases/index.ts'
import { plain, quoted } from './plain.ts'

export type Words = {
  readonly language: NotificationLanguage
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
  const { content, language } = message
  switch (content.kind) {
    case 'confirmation':
      return { language, ...confirmation(message, links) }
    case 'test':
      return { language, ...test(message, links) }
    case 'facts':
      return { language, ...facts(message, content, links, nowMs) }
  }
}

type Said = Omit<Words, 'language'>

/** Whose webhooks a message is about. */
function aboutOf({ tenant, tenantName, language }: TakenMessage): string {
  return PHRASES[language].about(tenant === OPERATOR_TENANT ? null : quoted(tenantName ?? tenant))
}

function confirmation(message: TakenMessage, { confirm, unsubscribe }: Links): Said {
  const isMail = message.kind === 'email'
  const phrases = PHRASES[message.language]
  const { subject, intro, outro, why } = phrases.confirmation
  const about = aboutOf(message)
  return {
    subject: subject(about),
    intro: intro(about, isMail),
    facts: [],
    outro: [outro(timeText(message.confirmUntilMs, phrases), isMail)],
    action: { label: phrases.links.confirm, url: confirm },
    why: why(isMail),
    manage: null,
    unsubscribe: { label: phrases.links.refuse, url: unsubscribe },
  }
}

function foot(message: TakenMessage, { unsubscribe, pages }: Links): Pick<Said, 'why' | 'manage' | 'unsubscribe'> {
  const { links, why } = PHRASES[message.language]
  const folder = message.tenant === OPERATOR_TENANT ? 'operate/' : ''
  return {
    why: why(aboutOf(message)),
    manage: pages === null ? null : { label: links.manage, url: `${pages}${folder}notifications` },
    unsubscribe: { label: links.unsubscribe, url: unsubscribe },
  }
}

function test(message: TakenMessage, links: Links): Said {
  const { subject, intro, outro } = PHRASES[message.language].test
  const about = aboutOf(message)
  const said = { subject: subject(about), intro: [intro], facts: [], outro: [outro(about)], action: null }
  return { ...said, ...foot(message, links) }
}

type Facts = Extract<TakenMessage['content'], { kind: 'facts' }>

function facts(message: TakenMessage, { items, more }: Facts, links: Links, nowMs: number): Said {
  const { tenant, tenantName, language } = message
  const phrases = PHRASES[language]
  const isOperator = tenant === OPERATOR_TENANT
  const total = items.length + more
  const told = items.map(item => factOf(item, { phrases, isOperator, pages: links.pages, nowMs }))
  const [only] = total === 1 ? told : []
  const count = countText(total, phrases)
  const whose = isOperator ? 'Posthorn' : plain(tenantName ?? tenant)
  return {
    subject: `${only?.subject ?? phrases.subjects.many(count)} – ${whose}`,
    intro: total === 1 ? [] : [phrases.intro(count, aboutOf(message))],
    facts: total > MOST_IN_FULL ? told.map(brief) : told,
    outro: more === 0 ? [] : [phrases.more(countText(more, phrases))],
    action: only?.link ?? null,
    ...foot(message, links),
  }
}

const brief = (fact: Fact): Fact => ({ ...fact, rows: fact.rows.slice(0, 2), advice: null })
