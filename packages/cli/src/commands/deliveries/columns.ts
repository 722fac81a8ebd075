/** How deliveries and attempts are shown. */
import type { Attempt, Delivery, LastAttempt } from '@posthorn/client'
import { type Column, NONE, type Tone } from '../../terminal/index.ts'

const TONES: Readonly<Record<string, Tone>> = {
  delivered: 'good',
  exhausted: 'bad',
  cancelled: 'quiet',
  held: 'doubtful',
  not_made: 'quiet',
}

export const toneOfState = (state: string): Tone | undefined => TONES[state]

/** `503`, or why there was no response: `connect_timeout`. */
export const outcomeOf = (attempt: Pick<LastAttempt, 'status' | 'error'> | null): string =>
  attempt === null ? NONE : String(attempt.status ?? attempt.error ?? NONE)

/** The endpoint as a person knows it. */
export const endpointOf = ({ endpoint, endpointUid, endpointUrl }: Delivery): string =>
  endpointUid ?? endpointUrl ?? endpoint

const ID: Column<Delivery> = { title: 'ID', text: ({ id }) => id }
const TENANT: Column<Delivery> = { title: 'TENANT', text: ({ tenant }) => tenant }
const STATE: Column<Delivery> = { title: 'STATE', text: ({ state }) => state, tone: ({ state }) => toneOfState(state) }

const REST: readonly Column<Delivery>[] = [
  STATE,
  { title: 'LAST', text: ({ lastAttempt }) => outcomeOf(lastAttempt) },
  { title: 'ATTEMPTS', text: ({ attemptCount }) => String(attemptCount), align: 'right', extra: 3 },
  { title: 'TYPE', text: ({ type }) => type, canBeCut: true, extra: 2 },
  { title: 'KEY', text: ({ key }) => key ?? NONE, canBeCut: true, extra: 4 },
  { title: 'ENDPOINT', text: endpointOf, canBeCut: true },
  { title: 'NEXT ATTEMPT', text: ({ nextAttemptAt }, { time }) => time(nextAttemptAt), extra: 5 },
  { title: 'CREATED', text: ({ createdAt }, { time }) => time(createdAt), extra: 1 },
]

export const columnsFor = (tenant: string | null): readonly Column<Delivery>[] =>
  tenant === null ? [ID, TENANT, ...REST] : [ID, ...REST]

/** All of a delivery. */
export const FIELDS: readonly Column<Delivery>[] = [
  ID,
  TENANT,
  STATE,
  { title: 'HELD REASON', text: ({ heldReason }) => heldReason ?? NONE },
  { title: 'EVENT', text: ({ event }) => event },
  { title: 'KEY', text: ({ key }) => key ?? NONE },
  { title: 'TYPE', text: ({ type }) => type },
  { title: 'ENDPOINT', text: ({ endpoint }) => endpoint },
  { title: 'ENDPOINT UID', text: ({ endpointUid }) => endpointUid ?? NONE },
  { title: 'ENDPOINT URL', text: ({ endpointUrl }) => endpointUrl ?? NONE },
  { title: 'ATTEMPTS', text: ({ attemptCount }) => String(attemptCount) },
  { title: 'LAST', text: ({ lastAttempt }) => outcomeOf(lastAttempt) },
  { title: 'LAST AT', text: ({ lastAttempt }, { time }) => time(lastAttempt?.at) },
  { title: 'NEXT ATTEMPT', text: ({ nextAttemptAt }, { time }) => time(nextAttemptAt) },
  { title: 'REPLAY OF', text: ({ replayOf }) => replayOf ?? NONE },
  { title: 'TEST', text: ({ test }) => (test ? 'yes' : 'no') },
  { title: 'CREATED', text: ({ createdAt }, { time }) => time(createdAt) },
  { title: 'ENDED', text: ({ endedAt }, { time }) => time(endedAt) },
]

export const ATTEMPT_COLUMNS: readonly Column<Attempt>[] = [
  { title: '#', text: ({ number }) => String(number), align: 'right' },
  { title: 'STARTED', text: ({ startedAt }, { time }) => time(startedAt) },
  { title: 'TOOK', text: ({ durationMs }) => `${durationMs} ms`, align: 'right', extra: 2 },
  {
    title: 'OUTCOME',
    text: ({ outcome, status, error }) =>
      outcome === 'success' ? String(status) : `${status ?? ''} ${error ?? ''}`.trim(),
    tone: ({ outcome }) => (outcome === 'success' ? 'good' : 'bad'),
  },
  { title: 'ADDRESS', text: ({ address }) => address ?? NONE, extra: 3 },
  { title: 'WHY', text: ({ explanation, detail }) => explanation ?? detail ?? NONE, canBeCut: true, extra: 1 },
]
