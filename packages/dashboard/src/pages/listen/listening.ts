import type { ListenedRequest } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { ping, queryClient } from '../../app/query.ts'
import { hasStatus, messageOf } from '../../lib/errors.ts'

/** What became of a request. `late`: another has answered it, or its time was over. */
export type Answer = 'waiting' | 'answered' | 'late' | 'failed'
export type Heard = { readonly request: ListenedRequest; readonly answer: Answer }

/** How many requests are kept to be shown. */
export const KEPT = 50

export type Connection =
  | { readonly state: 'connecting' | 'open' | 'broken' | 'gone' }
  | { readonly state: 'failed'; readonly why: string }

const keyOf = (tenant: string, id: string) => ['listened', tenant, id] as const

const isSame = (a: ListenedRequest, b: ListenedRequest): boolean => a.delivery === b.delivery && a.attempt === b.attempt

function change(tenant: string, id: string, to: (before: readonly Heard[]) => readonly Heard[]): void {
  queryClient.setQueryData<readonly Heard[]>(keyOf(tenant, id), (before = []) => to(before))
}

/**
 * Listens to a listener as long as the page is there and `isWanted`, and answers each request with 200. What was heard
 * is kept in the page's memory, newest first, so that it is there again when one comes back.
 */
export function useListening(tenant: string, id: string, isWanted: boolean) {
  const [connection, setConnection] = useState<Connection>({ state: 'connecting' })
  const [round, setRound] = useState(0)
  const { data: heard = [] } = useQuery<readonly Heard[]>({
    queryKey: keyOf(tenant, id),
    queryFn: () => queryClient.getQueryData<readonly Heard[]>(keyOf(tenant, id)) ?? [],
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round listens again
  useEffect(() => {
    if (!isWanted) return
    const controller = new AbortController()
    setConnection({ state: 'connecting' })
    const onConnection = (isOpen: boolean) => {
      if (!controller.signal.aborted) setConnection({ state: isOpen ? 'open' : 'broken' })
    }
    listen(tenant, id, controller.signal, onConnection).catch((error: unknown) => {
      if (controller.signal.aborted) return
      if (hasStatus(error, 401)) void ping()
      setConnection(hasStatus(error, 404) ? { state: 'gone' } : { state: 'failed', why: messageOf(error) })
    })
    return () => controller.abort()
  }, [tenant, id, isWanted, round])
  return { heard, connection, again: () => setRound(round + 1) }
}

async function listen(
  tenant: string,
  id: string,
  signal: AbortSignal,
  onConnection: (isOpen: boolean) => void,
): Promise<void> {
  const records = posthorn.stream.readTenant(tenant, { listen: id }, { signal, onConnection })
  for await (const record of records) {
    if (record.kind === 'request') void take(tenant, id, record.data)
  }
}

/** Shows a request and answers it, once: after the stream broke off, the same can come again. */
async function take(tenant: string, id: string, request: ListenedRequest): Promise<void> {
  const known = queryClient
    .getQueryData<readonly Heard[]>(keyOf(tenant, id))
    ?.find(each => isSame(each.request, request))
  if (known !== undefined && known.answer !== 'failed') return
  const note = (answer: Answer) =>
    change(tenant, id, before => before.map(each => (isSame(each.request, request) ? { request, answer } : each)))
  if (known === undefined)
    change(tenant, id, before => [{ request, answer: 'waiting' as const }, ...before].slice(0, KEPT))
  else note('waiting')
  try {
    await posthorn.listeners.answerRequest(tenant, request.delivery, { attempt: request.attempt, status: 200 })
    note('answered')
  } catch (error) {
    note(hasStatus(error, 409) || hasStatus(error, 404) ? 'late' : 'failed')
  }
}
