/** What the API takes of a response: see `AnswerRequestBody` of the client. */
const MAX_BODY_CHARACTERS = 32_768
const MAX_HEADERS = 100
const MAX_HEADER_CHARACTERS = 16_384
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\w]{1,256}$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\uffff]*$/
const LAST_STATUS = 599

/** What became of a request that was forwarded, as it is answered and shown. */
export type Reply = {
  /** `responded`: by the receiver. The others have a status that Posthorn's command has chosen, as a proxy does. */
  readonly kind: 'responded' | 'unreachable' | 'broken' | 'timed_out' | 'shown'
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly isTruncated: boolean
  readonly durationMs: number
}

export const isSuccess = ({ status }: Pick<Reply, 'status'>): boolean => status >= 200 && status < 300

/** A reply that no receiver has given. */
export function ownReply(
  kind: Exclude<Reply['kind'], 'responded'>,
  status: number,
  body: string,
  durationMs: number,
): Reply {
  return { kind, status, headers: [], body, isTruncated: false, durationMs }
}

/** A receiver's response, as far as it can be passed on. */
export function repliedWith(
  status: number,
  rawHeaders: readonly string[],
  body: { readonly bytes: Uint8Array; readonly isTruncated: boolean },
  durationMs: number,
): Reply {
  if (status < 200 || status > LAST_STATUS) {
    return ownReply('broken', 502, `The receiver responded with status ${status}, which is none of HTTP.`, durationMs)
  }
  const text = new TextDecoder().decode(body.bytes)
  const kept = text.length > MAX_BODY_CHARACTERS ? text.slice(0, MAX_BODY_CHARACTERS).toWellFormed() : text
  const isTruncated = body.isTruncated || kept.length < text.length
  return { kind: 'responded', status, headers: keptHeaders(rawHeaders), body: kept, isTruncated, durationMs }
}

function keptHeaders(raw: readonly string[]): [string, string][] {
  const kept: [string, string][] = []
  let characters = 0
  for (let at = 0; at + 1 < raw.length && kept.length < MAX_HEADERS; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!]
    characters += name.length + value.length
    if (characters > MAX_HEADER_CHARACTERS) break
    if (HEADER_NAME.test(name) && HEADER_VALUE.test(value)) kept.push([name, value])
  }
  return kept
}
