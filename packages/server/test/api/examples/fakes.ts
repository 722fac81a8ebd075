import type { Json } from '../setup.ts'

const HOUR_MS = 3_600_000
/** Letters of ids that can't be taken for others. */
const LETTERS = 'abcdefghjkmnpqrstvwxyz'

/** What is shown in place of times of the recording, by the name of the member that has them. */
const TIMES: Readonly<Record<string, string>> = {
  startedAt: '2026-05-03T08:00:00.120Z',
  endedAt: '2026-05-03T08:00:00.180Z',
  nextAttemptAt: '2026-05-03T08:00:30.180Z',
  finishedAt: '2026-05-03T08:00:05.000Z',
  expiresAt: '2026-05-04T08:00:00.000Z',
  idleUntil: '2026-05-03T20:00:00.000Z',
}
const ANY_TIME = '2026-05-03T08:00:00.000Z'
/** Where what is counted begins. */
const DAY_BEFORE = '2026-05-02T08:00:00.000Z'

const CURSOR = Buffer.from('an example').toString('base64url')

/** Members whose values are different in each recording. Secrets say that they are none. */
const VALUES: Readonly<Record<string, unknown>> = {
  secretFingerprint: '3f1c0a9e5d7b2468',
  fingerprint: '3f1c0a9e5d7b2468',
  signingSecret: `whsec_${Buffer.from('an example, not a real secret').toString('base64')}`,
  nextCursor: CURSOR,
  prevCursor: CURSOR,
  nextEndpoints: CURSOR,
}
/** Names of encryption keys, in the order in which they appear. */
const KEY_NAMES = ['5e1d9a07', 'c2f48b36']

/** Replaces what is different in each recording, or must not look real: the same by the same, each time. */
export class Fakes {
  readonly #ids = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  readonly #texts = new Map<string, string>()

  add(real: string, shown: string): void {
    this.#texts.set(real, shown)
  }

  of(value: Json, name = ''): Json {
    if (Array.isArray(value)) return value.map(each => this.of(each, name))
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.of(inner, key)]))
    }
    if (value === null || value === undefined) return value
    if (Object.hasOwn(VALUES, name)) return VALUES[name]
    return typeof value === 'string' ? this.#text(value, name) : value
  }

  #text(text: string, name: string): string {
    const shown = this.#texts.get(text)
    if (shown !== undefined) return shown
    if (/^phk_/.test(text)) return 'phk_an-example-not-a-real-key'
    if (text.includes('#token=phl_')) return text.replace(/phl_.*/, 'phl_an-example-not-a-real-token')
    if (text.includes('#token=ppl_')) return text.replace(/ppl_.*/, 'ppl_an-example-not-a-real-token')
    if (name === 'address' && !/[@/]/.test(text)) return text.includes(':') ? '192.0.2.10:443' : '192.0.2.20'
    if (name === 'keys') return this.#named(text)
    if (name === 'since' && isTime(text)) return DAY_BEFORE
    if (isNow(text)) return TIMES[name] ?? ANY_TIME
    return text.replaceAll(/\b([a-z]{2,3})_([0-9a-z]{26})\b/g, (id, prefix) => this.#id(id, prefix))
  }

  #named(key: string): string {
    const shown = KEY_NAMES[[...this.#texts.values()].filter(text => KEY_NAMES.includes(text)).length]!
    this.#texts.set(key, shown)
    return shown
  }

  #id(id: string, prefix: string): string {
    let fake = this.#ids.get(id)
    if (fake === undefined) {
      const count = this.#counts.get(prefix) ?? 0
      this.#counts.set(prefix, count + 1)
      const last = LETTERS[Math.floor(count / LETTERS.length)]! + LETTERS[count % LETTERS.length]!
      fake = `${prefix}_01jy4k8v3xf0c8wq2rn5s7t9${last}`
      this.#ids.set(id, fake)
    }
    return fake
  }
}

/** Whether it is a time of the recording, or of the day after. Times that a call gives are of other days. */
function isNow(text: string): boolean {
  if (!isTime(text)) return false
  const ms = Date.parse(text) - Date.now()
  return ms > -2 * HOUR_MS && ms < 27 * HOUR_MS
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)
}
