/** How the receivers of the company's customers behave. Each is a real HTTPS server that responds as its script says. */
import type { Script } from '@posthorn/testkit'
import type { Random } from './random.ts'

/** Starts counting when the receivers start, in milliseconds. */
export type Elapsed = () => number

export type Behaviour = {
  readonly script: Script
  /** Nothing listens at the endpoint's port. Default: false. */
  readonly isDown?: boolean
  /** Its certificate expired yesterday. Default: false. */
  readonly hasExpiredCertificate?: boolean
}

/** Out of this many milliseconds, `deploying` is down for the first `OUTAGE_MS`: at the start, and then regularly. */
export const OUTAGE_EVERY_MS = 300_000
export const OUTAGE_MS = 25_000
const HANG_MS = 60_000
const PAUSE_SECONDS = 45

const JSON_HEADERS = { 'content-type': 'application/json' }

export function behaviours(random: Random, elapsed: Elapsed): Readonly<Record<BehaviourName, Behaviour>> {
  const between = (low: number, high: number) => Math.round(low + random() * (high - low))
  return {
    prompt: { script: () => ({ status: 204, delayMs: between(12, 60) }) },
    steady: {
      script: request => ({
        status: 200,
        delayMs: between(80, 320),
        headers: JSON_HEADERS,
        body: JSON.stringify({ received: request.headers['webhook-id'], queue: 'inbound-events' }),
      }),
    },
    slow: { script: () => ({ status: 202, delayMs: between(700, 1_900) }) },
    flaky: {
      script: (_request, nth) =>
        nth === 1 && random() < 0.12
          ? { status: 502, headers: { 'content-type': 'text/plain' }, body: 'upstream connect error' }
          : { status: 204, delayMs: between(20, 140) },
    },
    broken: {
      script: () => ({
        status: 500,
        delayMs: between(30, 200),
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<!doctype html><title>500</title><h1>Internal Server Error</h1><p>risk_desk.consumers: KeyError: coverId</p>',
      }),
    },
    deploying: {
      script: () =>
        elapsed() % OUTAGE_EVERY_MS < OUTAGE_MS
          ? { status: 503, headers: JSON_HEADERS, body: '{"error":"deployment in progress"}' }
          : { status: 204, delayMs: between(30, 110) },
    },
    unauthorised: {
      script: () => ({
        status: 401,
        headers: { ...JSON_HEADERS, 'www-authenticate': 'Bearer error="invalid_token"' },
        body: '{"error":"invalid_token","error_description":"انتهت صلاحية الرمز (the token has expired)"}',
      }),
    },
    retired: { script: () => ({ status: 410, headers: { 'content-type': 'text/plain' }, body: 'Gone since March.' }) },
    busy: {
      script: (_request, _nth, total) =>
        total % 15 === 1
          ? { status: 429, headers: { 'retry-after': String(PAUSE_SECONDS) }, body: 'Slow down.' }
          : { status: 204, delayMs: between(40, 160) },
    },
    hanging: { script: () => ({ status: 204, delayMs: HANG_MS }) },
    withoutTokens: {
      script: ({ path }) =>
        path.startsWith('/oauth/')
          ? { status: 401, headers: JSON_HEADERS, body: '{"error":"invalid_client"}' }
          : { status: 204 },
    },
    unreachable: { script: () => ({ status: 204 }), isDown: true },
    expired: { script: () => ({ status: 204 }), hasExpiredCertificate: true },
  }
}

export type BehaviourName =
  | 'prompt'
  | 'steady'
  | 'slow'
  | 'flaky'
  | 'broken'
  | 'deploying'
  | 'unauthorised'
  | 'retired'
  | 'busy'
  | 'hanging'
  | 'withoutTokens'
  | 'unreachable'
  | 'expired'
