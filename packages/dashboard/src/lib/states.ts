import type { Delivery, LastAttempt } from '@posthorn/client'

/** What a delivery's badge says. `retrying` is a pending delivery that has failed before. */
export type ShownState = 'delivered' | 'pending' | 'retrying' | 'exhausted' | 'held' | 'cancelled'

type Told = Pick<Delivery, 'state' | 'attemptCount'> & { readonly lastAttempt?: LastAttempt | null }

export function shownState({ state, attemptCount }: Told): ShownState {
  return state === 'pending' && attemptCount > 0 ? 'retrying' : state
}

/** Colours of the tokens, for what isn't a delivery: healthy is green, and so on. */
export type Tone = 'green' | 'blue' | 'amber' | 'red' | 'violet' | 'grey'

export const TONES: Readonly<Record<ShownState, Tone>> = {
  delivered: 'green',
  pending: 'blue',
  retrying: 'amber',
  exhausted: 'red',
  held: 'violet',
  cancelled: 'grey',
}
