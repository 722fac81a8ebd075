import type { Endpoint } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Badge } from '../../kit/badge.tsx'
import { CopyButton } from '../../kit/copy.tsx'
import { formatDay, formatNumber } from '../../lib/format.ts'
import { useNow } from '../../lib/hooks.ts'
import { firstSteps } from '../../strings/en/first-steps.ts'
import { titleOf } from '../endpoints/health.tsx'
import { egressQuery } from '../register/queries.ts'
import styles from './first-steps.module.css'
import type { Progress } from './progress.ts'

const words = firstSteps.live

/** `known`: only the user can say. */
type State = keyof typeof words.state

const TONES = { good: 'green', open: 'grey', known: 'blue', bad: 'red' } as const
const ICONS = { good: 'check', open: 'minus', known: 'eye', bad: 'cross' } as const

/** How long a receiver can take without a `timeoutMs` of its own (contract C4). */
const STANDARD_MS = 15_000

/** What has to be right before real events depend on it. What Posthorn can see it says; the rest is named. */
export function GoLive({ progress: { own, done } }: { readonly progress: Progress }) {
  const now = useNow(60_000)
  const isFailing = own.some(({ health }) => health.state === 'failing')
  const expiring = own.filter(({ secretExpiresAt }) => secretExpiresAt !== null)
  return (
    <>
      {own.length === 0 && <p className={styles.muted}>{words.none}</p>}
      <ul className={styles.checks}>
        <Check title={words.responds} state={isFailing ? 'bad' : done.verify ? 'good' : 'open'}>
          <p>{words.respondsIn(limitsOf(own))}</p>
        </Check>
        <Check title={words.ids} state="known">
          <p>{words.idsText}</p>
        </Check>
        <Check title={words.addresses} state="known">
          <Addresses />
        </Check>
        <Check title={words.secret} state={secretState(own, now)}>
          {own.length > 0 && expiring.length === 0 && <p>{words.secretNever}</p>}
          {expiring.map(endpoint => (
            <Expiry key={endpoint.id} endpoint={endpoint} now={now} />
          ))}
        </Check>
        <Check title={words.real} state={done.live ? 'good' : 'open'}>
          <p>{words.realText}</p>
        </Check>
      </ul>
    </>
  )
}

/** How many seconds the receivers have, as `15`, or `5 to 30` if they differ. */
function limitsOf(own: readonly Endpoint[]): string {
  const seconds = own.map(({ timeoutMs }) => (timeoutMs ?? STANDARD_MS) / 1_000)
  const [shortest, longest] =
    seconds.length === 0 ? [STANDARD_MS / 1_000, STANDARD_MS / 1_000] : [Math.min(...seconds), Math.max(...seconds)]
  return shortest === longest ? formatNumber(shortest) : words.limits(formatNumber(shortest), formatNumber(longest))
}

function secretState(own: readonly Endpoint[], now: number): State {
  if (own.length === 0) return 'open'
  if (own.every(({ secretExpiresAt }) => secretExpiresAt === null)) return 'good'
  return own.some(({ secretExpiresAt }) => secretExpiresAt !== null && Date.parse(secretExpiresAt) <= now)
    ? 'bad'
    : 'known'
}

function Expiry({ endpoint, now }: { readonly endpoint: Endpoint; readonly now: number }) {
  const at = Date.parse(endpoint.secretExpiresAt ?? '')
  return (
    <p>
      {at <= now ? words.secretExpired : words.secretExpires} {formatDay(at)}, <bdi>{titleOf(endpoint)}</bdi>
    </p>
  )
}

function Addresses() {
  const { data } = useQuery(egressQuery())
  const addresses = data?.addresses ?? []
  if (data !== undefined && addresses.length === 0) return <p>{words.noAddresses}</p>
  return (
    <>
      <p>{words.addressesText}</p>
      {addresses.length > 0 && (
        <div className={styles.row}>
          <bdi className={styles.addresses}>{addresses.join(', ')}</bdi>
          <CopyButton small text={addresses.join('\n')}>
            {words.copy}
          </CopyButton>
        </div>
      )}
    </>
  )
}

type CheckProps = { readonly title: string; readonly state: State; readonly children: ReactNode }

function Check({ title, state, children }: CheckProps) {
  return (
    <li>
      <div className={styles.row}>
        <h3>{title}</h3>
        <Badge tone={TONES[state]} icon={ICONS[state]}>
          {words.state[state]}
        </Badge>
      </div>
      {children}
    </li>
  )
}
