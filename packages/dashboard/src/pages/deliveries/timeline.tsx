import type { Attempt, DeliveryDetail } from '@posthorn/client'
import { Countdown } from '../../kit/time.tsx'
import { type Step, Timeline } from '../../kit/timeline.tsx'
import { formatDuration } from '../../lib/format.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import { wordsFor } from '../../strings/en/errors.ts'

type Props = {
  readonly delivery: DeliveryDetail
  readonly selected: number | undefined
  readonly onSelect: (attempt: number) => void
}

/** From published to the end: one step for each attempt, and the next one to come. */
export function DeliveryTimeline({ delivery, selected, onSelect }: Props) {
  const { attempts, state, nextAttemptAt, createdAt } = delivery
  const steps: Step[] = [
    { id: 'published', tone: 'grey', icon: 'plus', label: words.published, title: words.published },
    ...attempts.map((attempt, index) => stepOf(attempt, attempts[index - 1], createdAt, selected, onSelect)),
  ]
  if (state === 'pending' && nextAttemptAt !== null) {
    steps.push({
      id: 'next',
      tone: 'blue',
      icon: 'clock',
      label: words.nextAttempt,
      note: <Countdown to={nextAttemptAt} due={words.dueNow} />,
      title: words.sentence.nextIn,
      isFuture: true,
    })
  }
  if (state === 'held')
    steps.push({
      id: 'held',
      tone: 'violet',
      icon: 'pause',
      label: words.heldStep,
      title: words.heldStep,
      isFuture: true,
    })
  if (state === 'cancelled')
    steps.push({ id: 'cancelled', tone: 'grey', icon: 'minus', label: words.cancelledStep, title: words.cancelledStep })
  return <Timeline label={words.timeline} steps={steps} />
}

function stepOf(
  attempt: Attempt,
  before: Attempt | undefined,
  createdAt: string,
  selected: number | undefined,
  onSelect: (attempt: number) => void,
): Step {
  const since = Date.parse(before?.startedAt ?? createdAt) + (before?.durationMs ?? 0)
  const gap = formatDuration(Math.max(0, Date.parse(attempt.startedAt) - since))
  const isGood = attempt.outcome === 'success'
  const result = attempt.status ?? (attempt.error === null ? '' : wordsFor(attempt.error).short)
  return {
    id: String(attempt.number),
    tone: isGood ? 'green' : 'red',
    icon: isGood ? 'check' : 'cross',
    label: result,
    note: words.gap(gap),
    title: `${words.attempt(attempt.number)}: ${result}, ${words.gap(gap)}`,
    onSelect: () => onSelect(attempt.number),
    isSelected: selected === attempt.number,
  }
}
