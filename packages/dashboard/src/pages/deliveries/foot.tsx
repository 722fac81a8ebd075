import type { ListDeliveriesPage } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useFilters, useRange, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Pager, SearchedTo } from '../../kit/table.tsx'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import { common } from '../../strings/index.ts'
import { countQuery } from './queries.ts'

type Props = {
  readonly page: ListDeliveriesPage | undefined
  /** How many rows are ticked. */
  readonly chosen: number
  readonly onUntick: () => void
  readonly onRetryTicked: () => void
  readonly onRetryMatching: () => void
}

/** How many match, what can be done with them, and the other pages. */
export function Foot({ page, chosen, onUntick, onRetryTicked, onRetryMatching }: Props) {
  const [search, change] = useFilters()
  const { canRetry } = usePermissions()
  return (
    <Pager page={page} cursor={search.cursor} onGo={cursor => change({ cursor })}>
      {chosen > 0 ? (
        <>
          <Button small kind="primary" icon="retry" onClick={onRetryTicked}>
            {words.retryMany(chosen)}
          </Button>{' '}
          <Button small kind="quiet" onClick={onUntick}>
            {common.clearSelection}
          </Button>
        </>
      ) : (
        <>
          <Said page={page} />
          {canRetry && page !== undefined && page.data.length > 0 && (
            <Button small kind="quiet" onClick={onRetryMatching}>
              {words.retryAll}
            </Button>
          )}
        </>
      )}
    </Pager>
  )
}

function Said({ page }: Pick<Props, 'page'>) {
  const [search] = useFilters()
  const tenant = useTenant()
  const range = useRange()
  // What is found by payload can't be counted.
  const isCountable = search.text === undefined && search.filter === undefined
  const count = useQuery({ ...countQuery(tenant, search, range), enabled: isCountable })
  if (page === undefined) return null
  return (
    <>
      {isCountable && count.data !== undefined && `${words.match(count.data)} · `}
      {common.newestFirst} <SearchedTo at={page.searchedTo} />
    </>
  )
}
