import type { ListDeliveriesPage } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useExamples } from '../../app/examples.ts'
import { useFilters, useRange, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { publishCurl } from '../../lib/curl.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { rangeBackTo, searchOf } from '../../lib/range.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import { common } from '../../strings/index.ts'
import { filtersOf, hasPeriod, newestQuery } from './queries.ts'

/**
 * Why a list is empty: nothing has been found yet, nothing matches at all, only in this period, or there is nothing yet.
 * Each says what to do.
 */
export function Empty({ page }: { readonly page: ListDeliveriesPage | undefined }) {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const range = useRange()
  const filters = filtersOf(search)
  const isFiltered = Object.keys(filters).length > 0
  const isBounded = hasPeriod(search)
  const newest = useQuery({ ...newestQuery(tenant, search), enabled: isBounded && page !== undefined })
  const isLate = useDelayed(newest.isPending, 1_000)
  const cursor = page?.nextCursor ?? page?.prevCursor
  const clear = () => change(Object.fromEntries([...Object.keys(filters), 'cursor'].map(name => [name, undefined])))
  if (page?.searchedTo != null && cursor != null) {
    return (
      <EmptyState
        title={words.searched.title}
        actions={<Button onClick={() => change({ cursor })}>{words.searchOn}</Button>}
      >
        {words.searched.text} <Time at={page.searchedTo} as="clock" />.
      </EmptyState>
    )
  }
  // A moment of nothing rather than a sentence that isn't true.
  if (isBounded && newest.isPending && !isLate) return null
  if (isBounded && newest.data != null) {
    const wider = rangeBackTo(Date.parse(newest.data.createdAt), Date.now())
    const { title, newest: text, noMatch, newestMatch, show } = words.emptyRange
    const isWider = range.name === null || wider !== range.name
    return (
      <EmptyState
        title={isFiltered ? noMatch : title}
        actions={
          <>
            {isWider && (
              <Button kind="primary" onClick={() => change({ ...searchOf({ name: wider }), cursor: undefined })}>
                {show(common.range.names[wider])}
              </Button>
            )}
            {isFiltered && <Button onClick={clear}>{common.clearFilters}</Button>}
          </>
        }
      >
        {isFiltered ? newestMatch : text} <Time at={newest.data.createdAt} />.
      </EmptyState>
    )
  }
  if (isFiltered || search.cursor !== undefined) {
    return <EmptyState title={common.noMatch} actions={<Button onClick={clear}>{common.clearFilters}</Button>} />
  }
  return <Nothing />
}

/** No delivery has ever been made: what will stand here, and how to make the first one. */
function Nothing() {
  const { canManage } = usePermissions()
  const { title, text, action } = words.empty
  const { tenantPath, type } = useExamples()
  const curl = publishCurl(tenantPath, type)
  return (
    <EmptyState
      title={title}
      actions={
        canManage && (
          <ButtonLink kind="primary" to="/endpoints/new">
            {action}
          </ButtonLink>
        )
      }
      {...(curl !== undefined && { curl })}
    >
      {text}
    </EmptyState>
  )
}
