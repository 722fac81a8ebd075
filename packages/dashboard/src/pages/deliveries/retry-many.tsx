import type { Delivery } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { rangeLabel } from '../../kit/range-picker.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { formatNumber } from '../../lib/format.ts'
import type { Range } from '../../lib/range.ts'
import { type Search, valuesOf } from '../../lib/search.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import { common } from '../../strings/index.ts'
import styles from './list.module.css'
import { NOTHING, type Outcome } from './outcomes.ts'
import { retryFilters, retryMatching, retryNamed } from './retries.ts'

type TickedProps = { readonly rows: readonly Delivery[]; readonly onClose: () => void; readonly onDone: () => void }

/** Confirms and carries out the retry of the deliveries that were ticked. */
export function RetryTicked({ rows, onClose, onDone }: TickedProps) {
  const [ticked] = useState(rows)
  const arrived = ticked.filter(({ state }) => state === 'delivered').length
  return (
    <Retry
      name={ticked.map(({ id }) => id).join()}
      text={arrived === 0 ? words.retryTickedText : `${words.retryTickedText} ${words.arrived(arrived)}`}
      ask={signal => retryNamed(ticked, { dryRun: true, signal })}
      send={() => retryNamed(ticked, { dryRun: false })}
      onClose={onClose}
      onDone={onDone}
    />
  )
}

const ENDED: readonly string[] = ['delivered', 'exhausted', 'cancelled']

type MatchingProps = {
  readonly tenant: string | null
  readonly search: Search
  readonly range: Range
  readonly onClose: () => void
}

/** Says what a retry of all that match would send, and sends it. */
export function RetryMatching({ tenant, search, range, onClose }: MatchingProps) {
  const [filters] = useState(() => retryFilters(search, range, Date.now()))
  const chosen = valuesOf(filters.state)
  const isEnded = chosen.length > 0 && chosen.every(state => ENDED.includes(state))
  const states = chosen.map(state => common.states[state as keyof typeof common.states] ?? state)
  return (
    <Retry
      name={JSON.stringify([tenant, filters])}
      text={words.resendText([...states, rangeLabel(range)].join(', '), tenant, isEnded)}
      ask={(signal, onProgress) => retryMatching(tenant, filters, { dryRun: true, signal, onProgress })}
      send={onProgress => retryMatching(tenant, filters, { dryRun: false, onProgress })}
      onClose={onClose}
    />
  )
}

type RetryProps = {
  readonly name: string
  readonly text: string
  readonly ask: (signal: AbortSignal, onProgress: (outcome: Outcome) => void) => Promise<Outcome>
  readonly send: (onProgress: (outcome: Outcome) => void) => Promise<Outcome>
  readonly onClose: () => void
  readonly onDone?: () => void
}

/** Counts first: the button has the number of deliveries that will be sent, and the text has those that won't. */
function Retry({ name, text, ask, send, onClose, onDone }: RetryProps) {
  const client = useQueryClient()
  const [counted, setCounted] = useState(NOTHING)
  const [progress, setProgress] = useState<Outcome | null>(null)
  const trial = useQuery({
    queryKey: ['retry', name],
    queryFn: ({ signal }) => ask(signal, setCounted),
    // Asked again for each dialog: much can have happened since.
    staleTime: 0,
    gcTime: 0,
    placeholderData: undefined,
  })
  const confirm = async () => {
    const { sent, refused } = await send(setProgress)
    const failed = [...refused.values()].reduce((sum, count) => sum + count, 0)
    toast(failed === 0 ? words.retried(sent) : words.retriedSome(sent, failed), {
      tone: sent === 0 ? 'error' : 'done',
    })
    onDone?.()
    await client.invalidateQueries({ queryKey: ['deliveries'] })
  }
  const outcome = trial.data
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.resendTitle}
      action={outcome === undefined ? words.counting : words.resend(outcome.sent, outcome.hasMore)}
      disabled={outcome === undefined || outcome.sent === 0}
      onConfirm={confirm}
    >
      <p>{text}</p>
      <div role="status">
        {progress !== null && words.resending(progress.sent)}
        {progress === null && trial.isError && messageOf(trial.error)}
        {progress === null && trial.isPending && counted.sent > 0 && words.countedSoFar(counted.sent)}
        {progress === null && outcome !== undefined && <LeftOut outcome={outcome} />}
      </div>
    </ConfirmDialog>
  )
}

/** What matches and is not sent, and why. */
function LeftOut({ outcome: { sent, superseded, refused, hasMore } }: { readonly outcome: Outcome }) {
  const reasons = [...refused]
  return (
    <>
      {sent === 0 && superseded === 0 && reasons.length === 0 && <p>{words.nothingToResend}</p>}
      {hasMore && <p>{words.moreMatch}</p>}
      {(superseded > 0 || reasons.length > 0) && (
        <>
          <p>{words.leftOut}</p>
          <ul className={styles.leftOut}>
            {superseded > 0 && (
              <li>
                <b>{formatNumber(superseded)}</b> {words.superseded(superseded)}
              </li>
            )}
            {reasons.map(([reason, count]) => (
              <li key={reason}>
                <b>{formatNumber(count)}</b> {reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}
