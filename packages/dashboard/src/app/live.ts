import type { StreamRecord } from '@posthorn/client'
import type { QueryKey } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { hasStatus } from '../lib/errors.ts'
import { IS_FRAMED } from '../lib/portal.ts'
import { BASE, posthorn } from './client.ts'
import { ping, queryClient } from './query.ts'

/**
 * Keeps the pages up to date: reads the server's stream and has what it concerns read again. Queries are named after
 * what they show, as the first part of their key: `deliveries`, `events`, `endpoints`, `overview`, `stats`, `replays`,
 * `tenants`, `nodes`. One connection a browser: the tab that holds the lock reads and tells the others.
 */

type Kind = StreamRecord['kind']

/** What is read again after a record, and how long after it at the soonest, in milliseconds. */
const CONCERNS: Readonly<Record<Kind, readonly (readonly [name: string, afterMs: number])[]>> = {
  // Only for those who listen.
  request: [],
  event: [
    ['events', 800],
    ['overview', 4_000],
    ['tenants', 15_000],
  ],
  delivery: [
    ['deliveries', 800],
    ['delivery', 400],
    ['event', 800],
    ['stats', 4_000],
    ['overview', 4_000],
    ['replays', 1_500],
  ],
  attempt: [
    ['deliveries', 800],
    ['delivery', 400],
    ['event', 800],
    ['stats', 4_000],
    ['overview', 4_000],
    ['endpoint', 3_000],
    ['endpoints', 8_000],
  ],
  endpoint: [
    ['endpoints', 800],
    ['endpoint', 400],
    ['overview', 2_000],
  ],
  reset: [],
}

/** A tab that waits longer for the lock has it from another tab, which told it what happened until then. */
const HANDOVER_MS = 1_000

/** How often everything on the page is read again if the server has no stream. */
const POLL_MS = 5_000

let isPaused = false
let missed = 0
const due = new Map<string, ReturnType<typeof setTimeout>>()
const listeners = new Set<() => void>()
/** Tells the other tabs that the stream broke off. */
const BROKEN = 'broken'
let channel: BroadcastChannel | null = null

function changed(): void {
  for (const listener of listeners) listener()
}

function readAgain(name: string, afterMs: number): void {
  if (due.has(name)) return
  const run = () => {
    due.delete(name)
    if (!isPaused) void queryClient.invalidateQueries({ predicate: ({ queryKey }) => isLive(queryKey, name) })
  }
  due.set(name, setTimeout(run, afterMs))
}

/** A key whose last part is `{ live: false }`, such as an older page of a list, stays as it is. */
function isLive(key: QueryKey, name: string): boolean {
  const last = key.at(-1) as { live?: boolean } | null | undefined
  return key[0] === name && !(typeof last === 'object' && last?.live === false)
}

function take(kind: Kind): void {
  if (kind === 'reset') {
    void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
    return
  }
  if (isPaused) {
    if (kind === 'delivery' || kind === 'event') {
      missed++
      changed()
    }
    return
  }
  for (const [name, afterMs] of CONCERNS[kind]) readAgain(name, afterMs)
}

/** Pauses and resumes. What came in between is read when it is resumed. */
export function setPaused(paused: boolean): void {
  isPaused = paused
  missed = 0
  changed()
  if (!paused) take('reset')
}

export function useLive(): { readonly isPaused: boolean; readonly missed: number } {
  const subscribe = (listener: () => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return {
    isPaused: useSyncExternalStore(subscribe, () => isPaused),
    missed: useSyncExternalStore(subscribe, () => missed),
  }
}

/**
 * Starts reading, until the signal is aborted. `tenant` is the only tenant that the session can see. `portal` is the
 * session of a portal: tabs share what they read with those that see the same only.
 */
export function startLive(tenant: string | null, portal: string | undefined, signal: AbortSignal): void {
  // Of the lock and of the channel: servers under other paths of the same host have their own.
  const name = `posthorn.live ${BASE.pathname}${portal === undefined ? '' : ` ${portal}`}`
  // No other tab has the session of a frame, and browsers can refuse both to frames.
  const own = IS_FRAMED ? null : new BroadcastChannel(name)
  channel = own
  const onMessage = ({ data }: MessageEvent<Kind | typeof BROKEN>) => (data === BROKEN ? void ping() : take(data))
  own?.addEventListener('message', onMessage)
  signal.addEventListener('abort', () => {
    own?.close()
    if (channel === own) channel = null
  })
  const startedAtMs = performance.now()
  const read = () => follow(tenant, signal, performance.now() - startedAtMs > HANDOVER_MS)
  // Without TLS there are no locks: then each tab reads for itself.
  if (IS_FRAMED || navigator.locks === undefined) void read()
  else navigator.locks.request(name, { signal }, read).catch(() => undefined)
}

/**
 * Reads the stream, which opens itself again where it broke off, and says so if it can't continue there.
 *
 * @param isLate whether something can have happened since the page was read that no one told it
 */
async function follow(tenant: string | null, signal: AbortSignal, isLate: boolean): Promise<void> {
  // Once it has been open, it continues where it was. Before, it begins with the present.
  let isBehind = isLate
  let wasOpen = false
  const onConnection = (isOpen: boolean) => {
    if (isOpen && isBehind) tell('reset')
    wasOpen ||= isOpen
    isBehind = !wasOpen
    if (isOpen || signal.aborted) return
    // The page might have nothing to ask for until the server is back, and would not say that it is away.
    void ping()
    channel?.postMessage(BROKEN)
  }
  const options = { signal, onConnection }
  const { stream } = posthorn
  const records = tenant === null ? stream.read({}, options) : stream.readTenant(tenant, {}, options)
  try {
    for await (const { kind } of records) tell(kind)
  } catch (error) {
    if (signal.aborted) return
    // The session has ended: reading anything shows it.
    if (hasStatus(error, 401)) tell('reset')
    else await poll(signal)
  }
}

function tell(kind: Kind): void {
  take(kind)
  channel?.postMessage(kind)
}

async function poll(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(POLL_MS, signal)
    if (document.visibilityState === 'visible')
      for (const kind of Object.keys(CONCERNS)) if (kind !== 'reset') tell(kind as Kind)
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
