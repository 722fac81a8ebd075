import { useInfiniteQuery } from '@tanstack/react-query'
import { Id } from '../../kit/copy.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { Banner, ErrorState, Skeleton } from '../../kit/surfaces.tsx'
import { events } from '../../strings/en/events.ts'
import styles from './new.module.css'
import { sentenceOf } from './outcome.ts'
import { Outcomes } from './outcomes.tsx'
import type { PublishResult } from './publishing.ts'
import { outcomesQuery } from './queries.ts'

const words = events.make

/** What becomes of the event that was just published, as it happens. */
export function PublishedEvent({ result }: { readonly result: PublishResult }) {
  const { tenant, id, duplicate } = result
  const query = useInfiniteQuery(outcomesQuery(tenant, id))
  const endpoints = query.data?.pages.flatMap(page => page.data)
  return (
    <section className={styles.who} aria-label={words.published}>
      <div className={styles.head}>
        <h2>{words.published}</h2>
        <Id id={id} />
        <ButtonLink small to={'/events/$tenant/$id' as '/'} params={{ tenant, id } as never} search={{} as never}>
          {words.open}
        </ButtonLink>
      </div>
      {duplicate === true && <Banner tone="warning">{words.duplicate}</Banner>}
      {endpoints === undefined && query.error === null && <Skeleton width="70%" height={20} />}
      {endpoints === undefined && query.error !== null && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
      {endpoints !== undefined && (
        <>
          <p role="status" className={styles.says}>
            {sentenceOf(endpoints, false, query.hasNextPage)}
          </p>
          <Outcomes tenant={tenant} event={id} endpoints={endpoints} />
        </>
      )}
    </section>
  )
}
