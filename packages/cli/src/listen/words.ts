/** Sentences of `posthorn listen`. */
import type { Endpoint } from '@posthorn/client'

export const KEYS: readonly (readonly [key: string, does: string])[] = [
  ['r', 'replay the last request'],
  ['f', 'replay all that failed'],
  ['12 Enter', 'replay request 12'],
  ['t', 'send a test event'],
  ['e', 'enable the listener again'],
  ['c', 'clear the screen'],
  ['h', 'show these keys'],
  ['q', 'quit'],
]

export const countOf = (count: number, one: string, several = `${one}s`): string =>
  `${count.toLocaleString('en-GB')} ${count === 1 ? one : several}`

export const describeTypes = (types: readonly string[] | null): string =>
  types === null ? 'all event types' : types.join(', ')

export function describeDisabled(reason: Endpoint['disabledReason'], hasKeys: boolean): string {
  const why =
    reason === 'gone'
      ? 'The receiver responded with 410, which disables an endpoint'
      : reason === 'failing'
        ? 'No attempt has succeeded for days, which disables an endpoint'
        : 'The listener was disabled'
  const next = hasKeys ? 'Press e to enable it' : 'Start the command again to enable it'
  return `${why}. Its events are held. ${next}.`
}

export const describeRetried = (count: number): string =>
  count === 0
    ? 'Nothing that failed is left.'
    : `Sending ${countOf(count, 'failed delivery', 'failed deliveries')} again.`

/** What to type to listen on two machines. */
export const onBoth = (uid: string): string =>
  `To listen on both, choose another name here: posthorn listen --name ${uid.replace(/^listen:/, '')}-2`

export const describeTakeover = (uid: string): string =>
  `They replace those of another machine that has listened as ${uid}. If it still does, it ends now. ${onBoth(uid)}`
