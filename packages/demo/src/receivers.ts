/** The demo's tenants: one receiver for each starter type, each with its own secret and behaviour. */
import { randomBytes } from 'node:crypto'
import { type Authority, type Receiver, type Script, startReceiver } from '@posthorn/testkit'

export type DemoReceiver = {
  /** A short name for the table. */
  readonly name: string
  readonly type: string
  readonly behaviour: string
  readonly secret: string
  readonly url: string
  readonly receiver: Receiver
  /** How long the receiver is down from the time events are published, in milliseconds. 0 if it isn't. */
  readonly downMs: number
}

type Plan = { readonly name: string; readonly behaviour: string; readonly script?: Script; readonly downMs?: number }

const PLANS: Readonly<Record<string, Plan>> = {
  COVER_ASSESSMENT_COMPLETED: { name: 'steady', behaviour: 'responds with 204' },
  COVER_STATUS_CHANGED: {
    name: 'failing',
    behaviour: 'responds with 503 to the first two attempts of each event',
    script: (_request, nth) => ({ status: nth <= 2 ? 503 : 204 }),
  },
  COVER_REFERENCE: {
    name: 'slow',
    behaviour: 'responds with 200 after 150 ms',
    script: () => ({ status: 200, delayMs: 150 }),
  },
  GRADE_CHANGED: {
    name: 'busy',
    behaviour: 'responds with 429 and Retry-After: 1 to its first four requests',
    script: (_request, _nth, total) =>
      total <= 4 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 204 },
  },
  COMPANY_SEARCH_UPDATED: {
    name: 'down',
    behaviour: 'is down for the first 2.5 seconds, then responds with 204',
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
