/** The demo's customers: one receiver for each starter type, each with a secret and a temper of its own. */
import { randomBytes } from 'node:crypto'
import { type Authority, type Receiver, type Script, startReceiver } from '@posthorn/testkit'

export type DemoReceiver = {
  /** Short, for the table. */
  readonly name: string
  readonly type: string
  readonly behaviour: string
  readonly secret: string
  readonly url: string
  readonly receiver: Receiver
  /** How long it is down once events are published, milliseconds; 0: not at all. */
  readonly downMs: number
}

type Plan = { readonly name: string; readonly behaviour: string; readonly script?: Script; readonly downMs?: number }

const PLANS: Readonly<Record<string, Plan>> = {
  COVER_ASSESSMENT_COMPLETED: { name: 'steady', behaviour: 'answers 204' },
  COVER_STATUS_CHANGED: {
    name: 'failing',
    behaviour: 'answers 503 to the first two attempts of each event',
    script: (_request, nth) => ({ status: nth <= 2 ? 503 : 204 }),
  },
  COVER_REFERENCE: {
    name: 'slow',
    behaviour: 'answers 200 after 150 ms',
    script: () => ({ status: 200, delayMs: 150 }),
  },
  GRADE_CHANGED: {
    name: 'busy',
    behaviour: 'answers 429 with Retry-After: 1 to its first four requests',
    script: (_request, _nth, total) =>
      total <= 4 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 204 },
  },
  COMPANY_SEARCH_UPDATED: {
    name: 'down',
    behaviour: 'is down for the first 2.5 seconds, then answers 204',
    downMs: 2_500,
  },
}

export async function startReceivers(authority: Authority): Promise<DemoReceiver[]> {
  return Promise.all(
    Object.entries(PLANS).map(async ([type, { name, behaviour, script, downMs = 0 }]) => {
      const secret = randomBytes(24).toString('base64url')
      const receiver = await startReceiver({
        authority,
        expectedAuthorization: `Bearer ${secret}`,
        ...(script ? { script } : {}),
      })
      return { name, type, behaviour, secret, url: `${receiver.url}/hooks/${name}`, receiver, downMs }
    }),
  )
}
