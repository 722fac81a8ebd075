import { ownReply, type Reply } from './reply.ts'

/** Codes with which Node refuses a certificate begin with these. */
const CERTIFICATE = /^(?:CERT_|DEPTH_ZERO_|ERR_TLS_|SELF_SIGNED_|UNABLE_TO_)/
/** Node's calls that fail before a receiver can have seen anything. */
const CONNECTING: readonly unknown[] = ['connect', 'getaddrinfo']
/** What can be said better than Node says it. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it closed the connection',
  ENOTFOUND: 'its name is unknown',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'no route leads to it',
  ENETUNREACH: 'no route leads to it',
  ETIMEDOUT: 'connecting took too long',
}

type Failure = Partial<Readonly<Record<'code' | 'message' | 'syscall' | 'errors', unknown>>>

/** The 502 that stands for the response of a receiver that can't be reached, or that broke off. */
export function failureOf(error: unknown, target: URL, durationMs: number): Reply {
  const { code: given, message, syscall } = firstOf(error as Failure)
  const code = typeof given === 'string' ? given : ''
  const broken = (text: string) => ownReply('broken', 502, text, durationMs)
  if (CERTIFICATE.test(code)) {
    return broken(`The certificate of ${target.host} can't be verified (${code}). For a local one, add --skip-verify.`)
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return broken(`${target.host} doesn't speak TLS (${code}). Forward to http:// instead of https://.`)
  }
  const words = WORDS[code] ?? String(message ?? 'unknown error')
  const why = code === '' || words.includes(code) ? words : `${words} (${code})`
  if (!CONNECTING.includes(syscall)) return broken(`${target.host} sent no complete response: ${why}.`)
  return ownReply('unreachable', 502, `${target.host} can't be reached: ${why}.`, durationMs)
}

/** A name with several addresses fails with all their failures; the first says most. */
function firstOf(failure: Failure): Failure {
  return Array.isArray(failure.errors) && failure.errors.length > 0 ? (failure.errors[0] as Failure) : failure
}
