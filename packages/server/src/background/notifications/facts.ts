/** What happened, in words for people: which endpoint, since when, what it responded, what to do. */
import { STATUS_CODES } from 'node:http'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../base/durations.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import type { LastFailure, MessageItem } from '../../store/operations/notifications/message-items.ts'
import type { DisabledReason, ExpiringSecret, Phrases } from './phrases/phrases.ts'
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

/** Who reads it, and where. */
export type Reader = {
  readonly phrases: Phrases
  readonly isOperator: boolean
  /** The pages that a message leads to, with a slash at their end. Null if there are none. */
  readonly pages: string | null
  readonly nowMs: number
}

export function factOf(item: MessageItem, reader: Reader): Fact {
  const { type, count, firstAtMs, endpoint } = item
  const { labels, times } = reader.phrases
  const told = (FACTS[type] ?? other)(item, reader)
  const rows = [...told.rows]
  if (count > 1 && type !== EXHAUSTED) {
    rows.push([labels.howOften, times(countText(count, reader.phrases), timeText(firstAtMs, reader.phrases))])
  }
  const link = linkOf(item, reader)
  if (endpoint !== null && link === null) rows.push([labels.endpoint, endpoint])
  return { ...told, rows, link }
}

type Told = Omit<Fact, 'link'>
type Rows = [label: string, value: string][]

const EXHAUSTED = 'posthorn.delivery.exhausted'

const FACTS: Readonly<Record<string, (item: MessageItem, reader: Reader) => Told>> = {
  'posthorn.endpoint.failing': failing,
  'posthorn.endpoint.disabled': disabled,
  'posthorn.secret.expiring': expiring,
  [EXHAUSTED]: exhausted,
  'posthorn.node.lost': nodeLost,
}

function failing(item: MessageItem, reader: Reader): Told {
  const { data, failure, now } = item
  const { labels, subjects, titles, disablesAt } = reader.phrases
  const rows: Rows = [[labels.failingSince, sinceText(data.failingSince, reader)], ...lastResponse(item, reader)]
  if (now === 'unchanged' && typeof data.disablesAt === 'string') {
    rows.push([labels.next, disablesAt(timeText(data.disablesAt, reader.phrases))])
  }
  return {
    subject: subjects.failing(shortOf(item, reader), now),
    title: titles.failing(nameOf(item, reader), now),
    rows,
    advice: now !== 'unchanged' || failure === null ? null : mendFor(failure, reader),
  }
}

function disabled(item: MessageItem, reader: Reader): Told {
  const { data, now } = item
  const { labels, subjects, titles, reasons, advice } = reader.phrases
  const reason = data.reason as DisabledReason
  return {
    subject: subjects.disabled(shortOf(item, reader)),
    title: titles.disabled(nameOf(item, reader), now),
    rows: [
      [labels.since, sinceText(data.disabledAt, reader)],
      ...((reason in reasons ? [[labels.why, reasons[reason]]] : []) as Rows),
      ...(reason === 'failing' ? lastResponse(item, reader) : []),
    ],
    advice: now !== 'unchanged' ? null : reason === 'manual' ? advice.enable : advice.enableOnceMended,
  }
}

function expiring(item: MessageItem, reader: Reader): Told {
  const { data, now } = item
  const { labels, subjects, titles, advice } = reader.phrases
  const what: ExpiringSecret = data.secret === 'clientCertificate' ? 'clientCertificate' : 'clientSecret'
  return {
    subject: subjects.expiring(what, shortOf(item, reader)),
    title: titles.expiring(what, nameOf(item, reader), now),
    rows: [[labels.expires, timeText(data.expiresAt, reader.phrases)]],
    advice: now === 'unchanged' ? advice.replace : null,
  }
}

function exhausted(item: MessageItem, reader: Reader): Told {
  const { count, firstAtMs, lastAtMs, now, failure } = item
  const { phrases } = reader
  const deliveries = phrases.deliveries(count, countText(count, phrases))
  const last = timeText(lastAtMs, phrases)
  const retry =
    failure === null ? phrases.advice.retry : `${mendFor(failure, reader)} ${phrases.advice.retryOnceMended}`
  return {
    subject: phrases.subjects.exhausted(deliveries, shortOf(item, reader)),
    title: phrases.titles.exhausted(count, deliveries, nameOf(item, reader), now),
    rows: [
      [phrases.labels.when, count === 1 ? last : phrases.period(timeText(firstAtMs, phrases), last)],
      ...lastResponse(item, reader),
    ],
    advice: now === 'unchanged' ? retry : null,
  }
}

function nodeLost({ data }: MessageItem, { phrases }: Reader): Told {
  const node = plain(String(data.node))
  return {
    subject: phrases.subjects.nodeLost(node),
    title: phrases.titles.nodeLost(node),
    rows: [[phrases.labels.noticed, timeText(data.noticedAt, phrases)]],
    advice: phrases.advice.node,
  }
}

function other(item: MessageItem, reader: Reader): Told {
  const title = `${nameOf(item, reader)}: ${plain(item.type)}`
  return { subject: title, title, rows: [], advice: null }
}

/** The operator isn't the one who runs the receiver. */
function mendFor({ error }: LastFailure, { phrases, isOperator }: Reader): string {
  const { mend } = phrases.causes[error] ?? phrases.causes.http_server_error
  return isOperator ? phrases.advice.forDevelopers(mend) : mend
}

/** What the receiver responded, `503 Service Unavailable`, or why there was no response. */
function lastResponse({ failure }: MessageItem, { phrases }: Reader): Rows {
  if (failure === null) return []
  const { status, error, atMs } = failure
  const at = ` (${timeText(atMs, phrases)})`
  if (status === null) return [[phrases.labels.noResponse, `${phrases.causes[error]?.short ?? error}${at}`]]
  return [[phrases.labels.lastResponse, `${[status, STATUS_CODES[status] ?? ''].join(' ').trim()}${at}`]]
}

function nameOf({ endpoint, name, host, tenant }: MessageItem, { phrases, isOperator }: Reader): string {
  const shown = host === null ? (endpoint ?? '') : plain(host)
  const named = name === null ? shown : `${quoted(name)} (${shown})`
  return `${named}${isOperator && tenant !== OPERATOR_TENANT ? phrases.and.of(quoted(tenant)) : ''}`
}

function shortOf({ endpoint, name, host, tenant }: MessageItem, { phrases, isOperator }: Reader): string {
  const shown = host === null ? phrases.endpoint(endpoint ?? '') : plain(host)
  return `${name === null ? shown : quoted(name)}${isOperator ? phrases.and.of(plain(tenant)) : ''}`
}

function linkOf({ type, tenant, endpoint, now }: MessageItem, { phrases, pages, isOperator }: Reader): Link | null {
  if (pages === null || now === 'deleted') return null
  const { links } = phrases
  if (endpoint === null) return isOperator ? { label: links.nodes, url: `${pages}operate/nodes` } : null
  if (type !== EXHAUSTED) {
    return { label: links.endpoint, url: `${pages}endpoints/${encodeURIComponent(tenant)}/${endpoint}` }
  }
  const query = new URLSearchParams({ ...(isOperator && { tenant }), endpoint, state: 'exhausted', range: '7d' })
  return { label: links.deliveries, url: `${pages}deliveries?${query}` }
}

export const countText = (count: number, { locale }: Phrases): string => count.toLocaleString(locale)

/** A time that is read as one wherever the reader is. */
export function timeText(value: unknown, { locale, and }: Phrases): string {
  const ms = typeof value === 'number' ? value : Date.parse(String(value))
  if (Number.isNaN(ms)) return and.unknownTime
  const form = { timeZone: 'UTC', day: 'numeric', month: 'long', year: 'numeric' } as const
  return `${new Date(ms).toLocaleDateString(locale, form)}, ${new Date(ms).toISOString().slice(11, 16)} UTC`
}

/** The same with how long ago it was, unless that is minutes only. */
function sinceText(value: unknown, { phrases, nowMs }: Reader): string {
  const time = timeText(value, phrases)
  const ms = nowMs - Date.parse(String(value))
  if (!(ms >= 5 * MINUTE_MS)) return time
  if (ms >= 2 * DAY_MS) return `${time}, ${phrases.ago.days(Math.floor(ms / DAY_MS))}`
  if (ms >= 2 * HOUR_MS) return `${time}, ${phrases.ago.hours(Math.floor(ms / HOUR_MS))}`
  return `${time}, ${phrases.ago.minutes(Math.floor(ms / MINUTE_MS))}`
}
