import type { EventType } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { useFilters, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { isLanguage } from '../../catalogue/receive.tsx'
import { TypeDocs } from '../../catalogue/type-docs.tsx'
import { Button } from '../../kit/button.tsx'
import { Copy } from '../../kit/copy.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { useHotkeys } from '../../kit/hotkeys.ts'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink, Link } from '../../kit/link.tsx'
import { Banner, EmptyState, ErrorState, PageHeader, Skeleton, Page as Surface } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { hasStatus } from '../../lib/errors.ts'
import { formatDuration } from '../../lib/format.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { eventTypes as words } from '../../strings/en/event-types.ts'
import { Edit } from './edit.tsx'
import { State } from './list.tsx'
import styles from './one.module.css'
import { countReceivers, typeQuery } from './queries.ts'

/** One event type: what its payload looks like, an example, and code to receive it. */
export function Page() {
  const { name } = useParams({ strict: false }) as { name: string }
  const [search] = useFilters()
  const { canWrite, isOperator } = usePermissions()
  const query = useQuery(typeQuery(name))
  const isLate = useDelayed(query.isPending)
  const type = query.data
  if (type !== undefined) {
    const canEdit = canWrite && isOperator && !type.operational
    return search.tab === 'edit' && canEdit ? (
      <Edit key={name} name={name} />
    ) : (
      <One key={name} type={type} canEdit={canEdit} />
    )
  }
  if (hasStatus(query.error, 404)) {
    return (
      <>
        <h1>
          <Hidden>{name}</Hidden>
        </h1>
        <EmptyState title={words.notFound} actions={<ButtonLink to="/event-types">{words.toList}</ButtonLink>}>
          <code>{name}</code>
        </EmptyState>
      </>
    )
  }
  if (query.error !== null) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />
  return <Surface>{isLate && <Skeleton width="40%" height={28} />}</Surface>
}

function One({ type, canEdit }: { readonly type: EventType; readonly canEdit: boolean }) {
  const { name, description, archivedAt, operational } = type
  const [search, change] = useFilters()
  const { canWrite } = usePermissions()
  const tenant = useTenant()
  const [isArchiving, setArchiving] = useState(false)
  useHotkeys({ ...(canEdit && { e: () => change({ tab: 'edit' }) }) })
  const isArchived = archivedAt !== null
  return (
    <Surface>
      <PageHeader
        title={
          <span className={styles.title}>
            <span className={styles.name}>{name}</span>
            <Copy text={name} what={name} />
            <State type={type} />
          </span>
        }
        note={<bdi>{description}</bdi>}
        actions={
          <>
            {canEdit && (
              <Button onClick={() => setArchiving(true)}>{isArchived ? words.unarchive : words.archive}</Button>
            )}
            {canEdit && (
              <Button aria-keyshortcuts="e" onClick={() => change({ tab: 'edit' })}>
                {words.edit}
              </Button>
            )}
            {canWrite && !operational && !isArchived && (
              <ButtonLink
                kind="primary"
                to="/events/new"
                search={{ type: name, ...(tenant !== null && { tenant }) } as never}
              >
                {words.publishTest}
              </ButtonLink>
            )}
          </>
        }
      />
      <Facts type={type} />
      {(operational || isArchived) && (
        <div className={styles.notice}>
          <Banner tone={isArchived ? 'warning' : 'info'}>{isArchived ? words.archivedNote : words.ownNote}</Banner>
        </div>
      )}
      <TypeDocs
        type={type}
        language={isLanguage(search.lang) ? search.lang : 'javascript'}
        onLanguage={lang => change({ lang: lang === 'javascript' ? undefined : lang })}
      />
      {isArchiving && <Archive type={type} onClose={() => setArchiving(false)} />}
    </Surface>
  )
}

function Facts({ type: { name, group, schedule, archivedAt } }: { readonly type: EventType }) {
  const { facts } = words
  return (
    <div className={styles.facts}>
      <dl>
        <Fact name={facts.group}>
          <bdi>{group}</bdi>
        </Fact>
        {archivedAt !== null && (
          <Fact name={facts.archivedSince}>
            <Time at={archivedAt} />
          </Fact>
        )}
        {schedule !== null && (
          <Fact name={facts.schedule}>
            {schedule
              .map((seconds, index) => (index < 12 ? formatDuration(seconds * 1_000) : '…'))
              .slice(0, 13)
              .join(', ')}
          </Fact>
        )}
      </dl>
      <div className={styles.links}>
        <Link to={'/events' as '/'} search={{ type: name } as never}>
          {facts.events}
        </Link>
        <Link to={'/deliveries' as '/'} search={{ type: name } as never}>
          {facts.deliveries}
        </Link>
        <Link to={'/endpoints' as '/'} search={{ type: name } as never}>
          {facts.endpoints}
        </Link>
      </div>
    </div>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** Archives a type, or takes it back, after saying what that means and for how many. */
function Archive({ type: { name, archivedAt }, onClose }: { readonly type: EventType; readonly onClose: () => void }) {
  const client = useQueryClient()
  const [isArchived] = useState(archivedAt !== null)
  const reach = useQuery({
    queryKey: ['receivers', name],
    queryFn: ({ signal }) => countReceivers(name, signal),
    placeholderData: undefined,
  })
  const confirm = async () => {
    if (isArchived) await posthorn.eventTypes.unarchive(name)
    else await posthorn.eventTypes.archive(name)
    toast((isArchived ? words.unarchivedDone : words.archivedDone)(name))
    await client.invalidateQueries({ queryKey: ['event-types'] })
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={(isArchived ? words.unarchiveTitle : words.archiveTitle)(name)}
      action={isArchived ? words.unarchive : words.archive}
      danger={!isArchived}
      onConfirm={confirm}
    >
      <p>{isArchived ? words.unarchiveText : words.archiveText}</p>
      <p role="status">{reach.data !== undefined && words.archiveReach(reach.data.count, reach.data.isMore)}</p>
    </ConfirmDialog>
  )
}
