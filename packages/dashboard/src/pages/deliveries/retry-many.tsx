import type { Delivery } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import type { Range } from '../../lib/range.ts'
import { type Search, valuesOf } from '../../lib/search.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import { common } from '../../strings/index.ts'
import { countMatching, retryEach, retryFilters, retryMatching } from './queries.ts'

type TickedProps = { readonly rows: readonly Delivery[]; readonly onClose: () => void; readonly onDone: () => void }

/** Confirms and carries out the retry of the deliveries that were ticked. */
export function RetryTicked({ rows, onClose, onDone }: TickedProps) {
  const client = useQueryClient()
  const held = rows.filter(row => row.heldReason === 'disabled')
  const sent = rows.filter(row => row.heldReason !== 'disabled')
  const confirm = async () => {
    const { retried, refused } = await retryEach(sent)
    toast(refused === 0 ? words.retried(retried) : words.retriedSome(retried, refused), {
      tone: retried === 0 ? 'error' : 'done',
    })
    onDone()
    await client.invalidateQueries({ queryKey: ['deliveries'] })
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.retryTickedTitle(sent.length)}
      action={words.retryMany(sent.length)}
      disabled={sent.length === 0}
      onConfirm={confirm}
    >
      <p>{words.retryTickedText}</p>
      {held.length > 0 && <p>{words.retryTickedHeld(held.length)}</p>}
    </ConfirmDialog>
  )
}

type MatchingProps = {
  readonly tenant: string | null
  readonly search: Search
  readonly range: Range
  readonly onClose: () => void
}

/** Counts what matches the filters first, then sends it again. */
export function RetryMatching({ tenant, search, range, onClose }: MatchingProps) {
  const client = useQueryClient()
  // The period ends when the dialog opens: what is counted is what is sent.
  const [filters] = useState((): Record<string, string | undefined> => {
    const now = Date.now()
    const fixed = retryFilters(search, range, now)
    return { ...fixed, to: fixed.to ?? new Date(now).toISOString() }
  })
  const [progress, setProgress] = useState<number | null>(null)
  const count = useQuery({
    queryKey: ['count', tenant, filters],
    queryFn: ({ signal }) => countMatching(tenant, filters, signal),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  })
  const states = valuesOf(filters.state).map(state => common.states[state as keyof typeof common.states] ?? state)
  const confirm = async () => {
    const { retried, refused } = await retryMatching(tenant, filters, setProgress)
    toast(refused === 0 ? words.retried(retried) : words.retriedSome(retried, refused))
    await client.invalidateQueries({ queryKey: ['deliveries'] })
  }
  const n = count.data
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.resendTitle}
      action={n === undefined ? words.counting : words.resend(n)}
      disabled={n === undefined || n === 0}
      onConfirm={confirm}
    >
      <p>{words.resendText(states.join(', '), tenant)}</p>
      <p role="status">
        {progress !== null && words.resending(progress)}
        {progress === null && count.isError && messageOf(count.error)}
        {progress === null && n === 0 && words.nothingToResend}
        {progress === null && n === null && words.tooMany}
      </p>
    </ConfirmDialog>
  )
}
