/** What happened, in words for people: which endpoint, since when, what it responded, what to do. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../base/durations.ts'
import { OPERATOR_TENANT } from '../../base/model.ts'
import type { LastFailure, MessageItem } from '../../store/operations/notifications/message-items.ts'
import { mendOf, responseOf } from './causes.ts'
import { plain, quoted } from './plain.ts'

export type Link = { readonly label: string; readonly url: string }

/** One thing that happened. */
export type Fact = {
  /** The same in a few words, what happened first: `Failing: hooks.example.com`. */
  readonly subject: string
  /** A sentence without its full stop. */
  readonly title: string
  readonly rows: readonly (readonly [label: string, value: string])[]
  /** What to do. Null if nothing. */
  readonly advice: string | null
  readonly link: Link | null
}

/** Where the pages are that a message leads to, with a slash at its end: the dashboard, or the tenant's portal. */
export type Pages = { readonly url: string | null; readonly isOperators: boolean; readonly nowMs: number }

export function factOf(item: MessageItem, pages: Pages): Fact {
  const { type, count, firstAtMs, endpoint } = item
  const told = (FACTS[type] ?? other)(item, pages)
  const rows = [...told.rows]
  if (count > 1 && type !== EXHAUSTED)
    rows.push(['How often', `${countText(count)} times since ${timeText(firstAtMs)}`])
  const link = linkOf(item, pages)
  if (endpoint !== null && link === null) rows.push(['Endpoint', endpoint])
  return { ...told, rows, link }
}

type Told = Omit<Fact, 'link'>

const EXHAUSTED = 'posthorn.delivery.exhausted'

const FACTS: Readonly<Record<string, (item: MessageItem, pages: Pages) => Told>> = {
  'posthorn.endpoint.failing': failing,
  'posthorn.endpoint.disabled': disabled,
  'posthorn.secret.expiring': expiring,
  [EXHAUSTED]: exhausted,
  'posthorn.node.lost': nodeLost,
}

function failing(item: MessageItem, pages: Pages): Told {
  const { data, failure, now } = item
  const since = `${timeText(data.failingSince)}${agoText(data.failingSince, pages.nowMs)}`
  const rows: [string, string][] = [['Failing since', since], ...lastResponse(item)]
  if (now === 'unchanged' && typeof data.disablesAt === 'string') {
    rows.push(['Next', `It is disabled on ${timeText(data.disablesAt)}, unless an attempt succeeds before.`])
  }
  const title = `${nameOf(item, pages)} ${now === 'over' ? 'was failing, and works again' : `is failing${sinceThen(now)}`}`
  const advice = now !== 'unchanged' || failure === null ? null : mendFor(failure, pages)
  return { subject: `${now === 'over' ? 'Works again' : 'Failing'}: ${shortOf(item, pages)}`, title, rows, advice }
}

const REASONS: Readonly<Record<string, string>> = {
  manual: 'A person or a call did it',
  gone: 'Its server responded with 410 Gone',
  failing: 'All attempts had failed for days',
}

function disabled(item: MessageItem, pages: Pages): Told {
  const { data, now } = item
  const rows: [string, string][] = [
    ['Since', `${timeText(data.disabledAt)}${agoText(data.disabledAt, pages.nowMs)}`],
    ['Why', REASONS[String(data.reason)] ?? 'Unknown'],
    ...(data.reason === 'failing' ? lastResponse(item) : []),
  ]
  const title = `${nameOf(item, pages)} was disabled${now === 'over' ? ', and is enabled again' : sinceThen(now)}`
  const advice =
    data.reason === 'manual'
      ? 'Its events are held. Enable it to have them sent.'
      : 'Its events are held. Once its server works again, enable the endpoint to have them sent.'
  return { subject: `Disabled: ${shortOf(item, pages)}`, title, rows, advice: now === 'unchanged' ? advice : null }
}

function expiring(item: MessageItem, pages: Pages): Told {
  const { data, now } = item
  const what = data.secret === 'clientCertificate' ? 'client certificate' : 'OAuth client secret'
  const title = `The ${what} of ${lower(nameOf(item, pages))} expires soon${sinceThen(now)}`
  const advice = 'Replace it before that: nothing can be sent with one that has expired.'
  return {
    subject: `Expires soon: ${what} of ${shortOf(item, pages)}`,
    title,
    rows: [['Expires', timeText(data.expiresAt)]],
    advice: now === 'unchanged' ? advice : null,
  }
}

function exhausted(item: MessageItem, pages: Pages): Told {
  const { count, firstAtMs, lastAtMs, now, failure } = item
  const what = count === 1 ? '1 delivery' : `${countText(count)} deliveries`
  const period = count === 1 ? timeText(lastAtMs) : `${timeText(firstAtMs)} to ${timeText(lastAtMs)}`
  return {
    subject: `Exhausted: ${what} to ${shortOf(item, pages)}`,
    title: `${what} to ${lower(nameOf(item, pages))} ${count === 1 ? 'has' : 'have'} used up all attempts${sinceThen(now)}`,
    rows: [['When', period], ...lastResponse(item)],
    advice:
      now === 'unchanged'
        ? `${failure === null ? '' : `${mendFor(failure, pages)} `}Retry them then: they are not sent again automatically.`
        : null,
  }
}

function nodeLost({ data }: MessageItem): Told {
  const node = plain(String(data.node))
  return {
    subject: `Lost: node ${node}`,
    title: `Node ${node} stopped responding`,
    rows: [['Noticed', timeText(data.noticedAt)]],
    advice: 'Other nodes send for its endpoints. Look at its machine and its log.',
  }
}

function other(item: MessageItem, pages: Pages): Told {
  const title = `${nameOf(item, pages)}: ${plain(item.type)}`
  return { subject: title, title, rows: [], advice: null }
}

/** The operator isn't the one who runs the receiver. */
const mendFor = (failure: LastFailure, { isOperators }: Pages): string =>
  isOperators ? `For the receiver's developers: ${mendOf(failure)}` : mendOf(failure)

const sinceThen = (now: MessageItem['now']): string => (now === 'deleted' ? ', and was deleted since' : '')

const lastResponse = ({ failure }: MessageItem): [string, string][] =>
  failure === null
    ? []
    : [
        [
          failure.status === null ? 'No response' : 'Last response',
          `${responseOf(failure)} (${timeText(failure.atMs)})`,
        ],
      ]

function shortOf({ endpoint, name, host, tenant }: MessageItem, { isOperators }: Pages): string {
  const shown = host === null ? `endpoint ${endpoint}` : plain(host)
  return `${name === null ? shown : quoted(name)}${isOperators ? ` of ${plain(tenant)}` : ''}`
}

function nameOf({ endpoint, name, host, tenant }: MessageItem, { isOperators }: Pages): string {
  const shown = host === null ? (endpoint ?? '') : plain(host)
  const named = name === null ? shown : `${quoted(name)} (${shown})`
  return `Endpoint ${named}${isOperators && tenant !== OPERATOR_TENANT ? ` of ${quoted(tenant)}` : ''}`
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function linkOf({ type, tenant, endpoint, now }: MessageItem, { url, isOperators }: Pages): Link | null {
  if (url === null || now === 'deleted') return null
  if (endpoint === null) return isOperators ? { label: 'See the nodes', url: `${url}operate/nodes` } : null
  if (type !== EXHAUSTED) {
    return { label: 'See the endpoint', url: `${url}endpoints/${encodeURIComponent(tenant)}/${endpoint}` }
  }
  const query = new URLSearchParams({ ...(isOperators && { tenant }), endpoint, state: 'exhausted', range: '7d' })
  return { label: 'See the deliveries', url: `${url}deliveries?${query}` }
}

export const countText = (count: number): string => count.toLocaleString('en')

/** A time that is read as one wherever the reader is. */
export function timeText(value: unknown): string {
  const ms = typeof value === 'number' ? value : Date.parse(String(value))
  if (Number.isNaN(ms)) return 'an unknown time'
  const day = new Date(ms).toLocaleDateString('en-GB', {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  })
  return `${day}, ${new Date(ms).toISOString().slice(11, 16)} UTC`
}

/** `, 3 days ago`; nothing within the last minutes. */
function agoText(value: unknown, nowMs: number): string {
  const ms = nowMs - Date.parse(String(value))
  if (!(ms >= 5 * MINUTE_MS)) return ''
  const [size, unit] =
    ms >= 2 * DAY_MS ? [DAY_MS, 'days'] : ms >= 2 * HOUR_MS ? [HOUR_MS, 'hours'] : [MINUTE_MS, 'minutes']
  return `, ${Math.floor(ms / size)} ${unit} ago`
}
