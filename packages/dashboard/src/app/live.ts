import type { QueryKey } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { sessionHeaders, sessionUrl } from './client.ts'
import { queryClient } from './query.ts'

/**
 * Keeps the pages up to date: reads the server's stream and has what it concerns read again. Queries are named after
 * what they show, as the first part of their key: `deliveries`, `events`, `endpoints`, `overview`, `stats`, `replays`,
 * `tenants`, `nodes`. One connection a browser: the tab that holds the lock reads and tells the others.
 */

type Kind = 'event' | 'delivery' | 'attempt' | 'endpoint' | 'reset'

/** What is read again after a record, and how long after it at the soonest, in milliseconds. */
const CONCERNS: Readonly<Record<Kind, readonly (readonly [name: string, afterMs: number])[]>> = {
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

/** How often everything on the page is read again if the server has no stream. */
const POLL_MS = 5_000

let isPaused = false
let missed = 0
const due = new Map<string, ReturnType<typeof setTimeout>>()
const listeners = new Set<() => void>()
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
 * Starts reading, until the signal is aborted. `tenant` is the only tenant that the session can see. `name` is of all that
 * see the same: tabs share what they read with those of the same name only.
 */
export function startLive(tenant: string | null, name: string, signal: AbortSignal): void {
  const own = new BroadcastChannel(name)
  channel = own
  const onMessage = (message: MessageEvent<Kind>) => take(message.data)
  own.addEventListener('message', onMessage)
  signal.addEventListener('abort', () => {
    own.close()
    if (channel === own) channel = null
  })
  const read = () => follow(tenant, signal).catch(() => undefined)
  // Without TLS there are no locks: then each tab reads for itself.
  if (navigator.locks === undefined) void read()
  else navigator.locks.request(name, { signal }, read).catch(() => undefined)
}

async function follow(tenant: string | null, signal: AbortSignal): Promise<void> {
  const path = tenant === null ? '/v1/stream' : `/v1/tenants/${encodeURIComponent(tenant)}/stream`
  let position = ''
  for (let failures = 0; !signal.aborted; ) {
    try {
      const headers = { ...sessionHeaders(), ...(position !== '' && { 'last-event-id': position }) }
      const response = await fetch(sessionUrl(path), { headers, signal })
      if ([403, 404, 501].includes(response.status)) return await poll(signal)
      if (!response.ok || response.body === null) throw new Error(String(response.status))
      // What happened before the first position was noted can't be known.
      if (position === '' && failures > 0) tell('reset')
      failures = 0
      for await (const record of records(response.body)) {
        position = record.id ?? position
        if (record.kind in CONCERNS) tell(record.kind as Kind)
      }
    } catch {
      failures++
    }
    await sleep(Math.min(15_000, 500 * 2 ** Math.min(failures, 5)), signal)
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

/** The id and the kind of each record of server-sent events. Its data is read by the queries that it concerns. */
async function* records(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id: string | undefined; kind: string }> {
  const reader = body.pipeThrough(new TextDecoderStream() as never).getReader() as ReadableStreamDefaultReader<string>
  let rest = ''
  let id: string | undefined
  let kind = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const lines = (rest + value).split(/\r\n|\n|\r/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith('id:')) id = line.slice(3).trim()
        else if (line.startsWith('event:')) kind = line.slice(6).trim()
        else if (line === '' && kind !== '') {
          yield { id, kind }
          kind = ''
        }
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined)
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
