/** What a notification says, as plain lines; mail.ts and chat.ts give them their form. Never a payload or a secret. */
import { OPERATOR_TENANT } from '../../base/model.ts'
import type { MessageItem, TakenMessage } from '../../store/operations/notifications/messages.ts'

export type Words = {
  readonly subject: string
  /** Before the list. */
  readonly intro: string
  /** One for each thing that happened. */
  readonly list: readonly string[]
  /** After the list. */
  readonly outro: string
  /** Where to go on, if anywhere. */
  readonly action: { readonly label: string; readonly url: string } | null
  readonly unsubscribe: { readonly label: string; readonly url: string }
}

export type Links = { readonly confirm: string; readonly unsubscribe: string }

const MAX_NAME = 80

/** A name that others have given, on one line: it must not look like more of the message. */
const plain = (name: string): string => {
  const line = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > MAX_NAME ? `${line.slice(0, MAX_NAME)}…` : line
}

export function wordsOf(message: TakenMessage, links: Links): Words {
  return message.content.kind === 'confirmation' ? confirmation(message, links) : facts(message, message.content, links)
}

/** Whose webhooks a message is about. */
function whose({ tenant, tenantName }: TakenMessage): string {
  if (tenant === OPERATOR_TENANT) return 'this Posthorn installation'
  return plain(tenantName ?? tenant)
}

function confirmation(message: TakenMessage, { confirm, unsubscribe }: Links): Words {
  return {
    subject: `Confirm notifications about webhooks of ${whose(message)}`,
    intro:
      `Someone asked to send notifications about the webhooks of ${whose(message)} here: when an endpoint is failing or ` +
      'disabled, or a secret expires. Nothing is sent until you confirm it.',
    list: [],
    outro: 'If you did not expect this, ignore it: you will get no notifications.',
    action: { label: 'Confirm', url: confirm },
    unsubscribe: { label: 'Refuse', url: unsubscribe },
  }
}

type Facts = Extract<TakenMessage['content'], { kind: 'facts' }>

function facts(message: TakenMessage, { items, more }: Facts, { unsubscribe }: Links): Words {
  const isOperators = message.tenant === OPERATOR_TENANT
  const list = items.map(item => sentenceOf(item, isOperators))
  const rest = more === 0 ? [] : [`… and ${more.toLocaleString('en')} more.`]
  const total = items.length + more
  const subject =
    total === 1
      ? `Webhooks of ${whose(message)}: ${topicOf(items[0]!)}`
      : `Webhooks of ${whose(message)}: ${total} notices`
  return {
    subject,
    intro: total === 1 ? 'This needs your attention:' : 'These need your attention:',
    list: [...list, ...rest],
    outro: isOperators
      ? 'The dashboard shows the deliveries and what receivers responded.'
      : 'Your webhook settings show the deliveries, and what your server responded.',
    action: null,
    unsubscribe: { label: 'Stop these notifications', url: unsubscribe },
  }
}

const TOPICS: Readonly<Record<string, string>> = {
  'posthorn.endpoint.failing': 'an endpoint is failing',
  'posthorn.endpoint.disabled': 'an endpoint was disabled',
  'posthorn.secret.expiring': 'a secret expires',
  'posthorn.delivery.exhausted': 'deliveries have used up all attempts',
  'posthorn.node.lost': 'a node was lost',
}

const topicOf = ({ type }: MessageItem): string => TOPICS[type] ?? type

/** A time that is read as one wherever the reader is. */
const timeText = (value: unknown): string => {
  const ms = typeof value === 'number' ? value : Date.parse(String(value))
  return Number.isNaN(ms) ? 'an unknown time' : `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function nameOf({ endpoint, host, tenant }: MessageItem, isOperators: boolean): string {
  const of = isOperators ? ` of ${plain(tenant)}` : ''
  return host === null ? `Endpoint ${endpoint}${of}` : `Endpoint ${plain(host)} (${endpoint})${of}`
}

const REASONS: Readonly<Record<string, string>> = {
  manual: 'by a person or a call',
  gone: 'because its receiver responded with 410 Gone',
  failing: 'because all attempts had failed for days',
}

function sentenceOf(item: MessageItem, isOperators: boolean): string {
  const { type, data, count, firstAtMs, lastAtMs } = item
  const name = nameOf(item, isOperators)
  const often = count > 1 ? ` That happened ${count.toLocaleString('en')} times since ${timeText(firstAtMs)}.` : ''
  switch (type) {
    case 'posthorn.endpoint.failing': {
      const end =
        typeof data.disablesAt === 'string'
          ? ` It is disabled at ${timeText(data.disablesAt)} unless one succeeds.`
          : ''
      return `${name} is failing: all attempts since ${timeText(data.failingSince)} have failed.${end}`
    }
    case 'posthorn.endpoint.disabled':
      return `${name} was disabled at ${timeText(data.disabledAt)}, ${REASONS[String(data.reason)] ?? 'for an unknown reason'}. Its deliveries are held until you enable it.${often}`
    case 'posthorn.secret.expiring': {
      const what = data.secret === 'clientCertificate' ? 'The client certificate' : 'The clientSecret'
      return `${what} of ${name.replace(/^E/, 'e')} expires at ${timeText(data.expiresAt)}. Replace it before that.`
    }
    case 'posthorn.delivery.exhausted': {
      const what = count === 1 ? '1 delivery has' : `${count.toLocaleString('en')} deliveries have`
      return `${name}: ${what} used up all attempts, from ${timeText(firstAtMs)} to ${timeText(lastAtMs)}. You can retry them.`
    }
    case 'posthorn.node.lost':
      return `Node ${plain(String(data.node))} stopped responding without a shutdown. Others send for its endpoints.${often}`
    default:
      return `${name}: ${plain(type)}.${often}`
  }
}
