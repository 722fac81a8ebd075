import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { usePermissions } from '../../app/session.ts'
import { Id } from '../../kit/copy.tsx'
import { Link } from '../../kit/link.tsx'
import { Page as Body, EmptyState, ErrorState, KeyValue, PageHeader, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { hasStatus } from '../../lib/errors.ts'
import { formatDuration } from '../../lib/format.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { replays as words } from '../../strings/en/replays.ts'
import { Actions } from './actions.tsx'
import styles from './one.module.css'
import { Progress, StageBadge } from './progress.tsx'
import { replayQuery } from './queries.ts'
import { type AnyReplay, isBatch, outcomesOf, periodOf, sentenceOf, stageOf } from './replay.ts'
import { Tenants } from './tenants.tsx'

/** One replay: how far it is, what it covers, and what can be done with it. */
export function Page() {
  const { tenant = null, id } = useParams({ strict: false }) as { tenant?: string; id: string }
  const query = useQuery(replayQuery(tenant, id))
  const replay = query.data
  const isLate = useDelayed(query.isPending)
  return (
    <Body>
      {replay !== undefined && <Content key={replay.id} tenant={tenant} replay={replay} />}
      {replay === undefined && isLate && <Skeleton width="40%" height={28} />}
      {replay === undefined &&
        query.error !== null &&
        (hasStatus(query.error, 404) ? (
          <EmptyState title={words.notFound} />
        ) : (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ))}
    </Body>
  )
}

type Props = { readonly tenant: string | null; readonly replay: AnyReplay }

function Content({ tenant, replay }: Props) {
  const { canRetry } = usePermissions()
  const { createdAt, endedAt } = replay
  const took = endedAt === null || stageOf(replay) !== 'done' ? null : Date.parse(endedAt) - Date.parse(createdAt)
  return (
    <>
      <PageHeader
        title={replay.key ?? (tenant === null ? words.across : words.one)}
        note={
          <span className={styles.note}>
            <StageBadge replay={replay} />
            <Id id={replay.id} />
          </span>
        }
        actions={canRetry && <Actions tenant={tenant} replay={replay} />}
      />
      <div className={styles.stack}>
        <p className={styles.says} role="status">
          {sentenceOf(replay)} {took !== null && took > 0 && words.says.took(formatDuration(took))}
        </p>
        <Progress replay={replay} />
        <section className={styles.part}>
          <h2>{words.selection}</h2>
          <Facts tenant={tenant} replay={replay} />
        </section>
        {isBatch(replay) && <Tenants batch={replay} />}
      </div>
    </>
  )
}

function Facts({ tenant, replay }: Props) {
  const { facts } = words
  const { isOperator } = usePermissions()
  const { types, createdAt, endedAt, state } = replay
  const part = isBatch(replay) ? null : replay
  return (
    <KeyValue
      facts={[
        isOperator &&
          tenant !== null && [
            facts.tenant,
            <Link key="tenant" to={'/tenants/$tenant' as '/'} params={{ tenant } as never} search={{} as never}>
              <bdi>{tenant}</bdi>
            </Link>,
          ],
        isBatch(replay) && [facts.tenants, String(replay.tenants)],
        [facts.selection, [outcomesOf(replay), ...(replay.statuses ?? [])].join(' · ')],
        [
          facts.types,
          types === null ? (
            words.everyType
          ) : (
            <bdi key="types" className={styles.mono}>
              {types.join(', ')}
            </bdi>
          ),
        ],
        part !== null && [
          facts.endpoint,
          part.endpoint === null ? (
            words.allEndpoints
          ) : (
            <Id key="endpoint" id={part.endpoint}>
              {shown => (
                <Link
                  to={'/endpoints/$tenant/$id' as '/'}
                  params={{ tenant, id: part.endpoint } as never}
                  search={{} as never}
                >
                  {shown}
                </Link>
              )}
            </Id>
          ),
        ],
        part !== null &&
          part.event !== null && [
            facts.event,
            <Id key="event" id={part.event}>
              {shown => (
                <Link
                  to={'/events/$tenant/$id' as '/'}
                  params={{ tenant, id: part.event } as never}
                  search={{} as never}
                >
                  {shown}
                </Link>
              )}
            </Id>,
          ],
        [facts.period, periodOf(replay, Date.now())],
        part !== null &&
          part.batch !== null && [
            facts.batch,
            <Id key="batch" id={part.batch}>
              {shown => (
                <Link to="/replays/$id" params={{ id: part.batch ?? '' }}>
                  {shown}
                </Link>
              )}
            </Id>,
          ],
        [facts.created, <Time key="created" at={createdAt} />],
        endedAt !== null && [
          state === 'cancelled' ? facts.endedCancelled : facts.ended,
          <Time key="ended" at={endedAt} />,
        ],
      ]}
    />
  )
}
