import { useQuery } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { events as words } from '../../strings/en/events.ts'
import styles from './outcomes.module.css'

type Props = { readonly tenant: string; readonly event: string; readonly endpoint: string }

/**
 * Which part of an endpoint's filter excluded an event. The filter is the present one: what it was when the event was
 * published isn't kept. Nothing for those who can't see payloads, and for endpoints that were deleted.
 */
export function WhyFilter({ tenant, event, endpoint }: Props) {
  const { seesPayloads } = usePermissions()
  const { data: trial, isFetching } = useQuery({
    queryKey: ['why-filter', tenant, event, endpoint],
    queryFn: async ({ signal }) => {
      const { filter, types } = await posthorn.endpoints.get(tenant, endpoint, { signal })
      if (filter === null) return { matches: true, because: '' }
      const { data } = await posthorn.endpoints.tryFilter(tenant, { filter, types, events: [event] }, { signal })
      return { matches: data[0]?.matches ?? true, because: data[0]?.decidedBy.because ?? '' }
    },
    enabled: seesPayloads,
    staleTime: 60_000,
  })
  // Its line is there before its words, so that nothing jumps.
  if (trial === undefined) return isFetching ? <p className={styles.because}>&nbsp;</p> : null
  return <p className={styles.because}>{trial.matches ? words.filterPasses : words.filterNow(trial.because)}</p>
}
