/** Reads what a token server responded (RFC 6749 §5), and says why there is no token in it. */
import { MASK } from '../../base/webhook-request.ts'
import type { Exchange } from './outcome.ts'
import type { Reason } from './reasons.ts'
import { createRedactor } from './redaction.ts'

export type TokenAnswer = {
  readonly token: string
  /** The `token_type`, in lower case. `missing` if there is none, and `unreadable` if it is no word. */
  readonly type: string
  readonly lifeSeconds: number
}

/** Lifetime of a token whose response doesn't state one. */
const DEFAULT_LIFE_SECONDS = 300
/** RFC 6750 §2.1, and short enough for a header. */
const B64_TOKEN = /^[A-Za-z0-9\-._~+/]{1,8000}=*$/
/** How much of a response is quoted, in characters. */
const MAX_QUOTED = 200
/** Members of a response with a token whose text is quoted: they say what is wrong, and are never the token. */
const QUOTED = new Set(['error', 'error_description', 'error_uri', 'error_code', 'message', 'token_type', 'expires_in'])
const CONTROL = /[\p{C}\s]+/gu

/**
 * A `token_type` that is missing or isn't `bearer` is taken: RFC 6749 §5.1 requires it, but some servers leave it out or
 * have their own, and what they issue works as a bearer token. If it doesn't, the receiver says so.
 * @param secrets what the request carried, which is blanked wherever the server echoes it (C14)
 */
export function readTokenAnswer(exchange: Exchange, secrets: readonly string[]): TokenAnswer | Reason {
  const { status, failure, detail, truncated } = exchange
  if (status === null) return { code: 'token_server_silent', value: detail === null ? failure : detail.code }
  const isGood = status >= 200 && status <= 299
  if (!isGood) return { code: 'token_refused', value: quote(exchange, beginningOf(exchange, secrets)) }
  if (truncated) return { code: 'token_cut_off', value: null }
  // Unlike a buffer, a decoder leaves out a byte order mark, which some servers send.
  const answer = parse(new TextDecoder().decode(exchange.body))
  if (answer === undefined) return { code: 'token_not_json', value: typeOf(exchange) }
  const { access_token: token, token_type: type, expires_in: life } = answer
  if (typeof token !== 'string' || !B64_TOKEN.test(token)) {
    return { code: 'token_missing', value: quote(exchange, blank(exchange, maskedOf(answer, true), secrets)) }
  }
  const seconds = Number(life ?? DEFAULT_LIFE_SECONDS)
  return {
    token,
    type: wordOf(type, [token, ...secrets]),
    lifeSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_LIFE_SECONDS,
  }
}

function wordOf(type: unknown, secrets: readonly string[]): string {
  if (type === undefined || type === null) return 'missing'
  if (typeof type !== 'string' || !/^[\w-]{1,40}$/.test(type)) return 'unreadable'
  return secrets.some(secret => type.includes(secret)) ? 'unreadable' : type.toLowerCase()
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    return typeof answer === 'object' && answer !== null && !Array.isArray(answer)
      ? (answer as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

/** In a response with a good status, any text can be a token. In any other, these can. */
const SECRET_NAME = /token(?!_type)|secret|password|assertion/i

/** Empty if it is nested too deeply. */
function maskedOf(answer: object, isGood: boolean): string {
  const isMasked = (name: string) => (isGood ? !QUOTED.has(name) : SECRET_NAME.test(name))
  try {
    return JSON.stringify(answer, (name, value: unknown) =>
      typeof value === 'string' && isMasked(name) ? MASK : value,
    )
  } catch {
    return ''
  }
}

function beginningOf(exchange: Exchange, secrets: readonly string[]): string {
  const text = new TextDecoder().decode(createRedactor(secrets)(exchange).body)
  const answer = parse(text)
  return answer === undefined ? text : maskedOf(answer, false)
}

function blank(exchange: Exchange, text: string, secrets: readonly string[]): string {
  const plain = { ...exchange, headers: [], body: Buffer.from(text) }
  return Buffer.from(createRedactor(secrets)(plain).body).toString()
}

/** The status, and the beginning of the text in quotes. */
function quote({ status }: Exchange, text: string): string {
  const clean = text
    .slice(0, 2 * MAX_QUOTED)
    .replace(CONTROL, ' ')
    .trim()
    .slice(0, MAX_QUOTED)
    .toWellFormed()
  return clean === '' ? String(status) : `${status} "${clean}"`
}

/** The status and the media type, which is all that is known of a text that might be a token. */
function typeOf({ status, headers }: Exchange): string {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-type')
  const [, type] = /^([\w.+-]{1,40}\/[\w.+-]{1,60})/.exec(headers[at + 1] ?? '') ?? []
  return at < 0 || type === undefined ? String(status) : `${status}, ${type}`
}
