import type { Delivery } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { catalogueQuery } from '../../app/catalogue.ts'
import { LiveSwitch } from '../../app/live-switch.tsx'
import { useFilters, useRange, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Split } from '../../kit/drawer.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { statesOf, Table } from '../../kit/table.tsx'
import { shortenId } from '../../lib/format.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import { columnsFor, NarrowRow } from './columns.tsx'
import { Empty } from './empty.tsx'
import { filtersFor } from './filters.ts'
import { Foot } from './foot.tsx'
import { listQuery } from './queries.ts'
import { RetryMatching, RetryTicked } from './retry-many.tsx'

const keyOf = (row: Pick<Delivery, 'tenant' | 'id'>) => `${row.tenant}/${row.id}`

/** Deliveries, newest first, with what was opened next to them. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const range = useRange()
  const { canRetry, seesPayloads } = usePermissions()
  const { isOpen, openKey, openRow } = useOpen()
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const [dialog, setDialog] = useState<'ticked' | 'matching' | null>(null)
  const list = useQuery(listQuery(tenant, search, range))
  const types = useQuery(catalogueQuery)
  const page = list.data
  const chosen = (page?.data ?? []).filter(row => ticked.has(keyOf(row)))
  const untick = () => setTicked(new Set())
  return (
    <>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <Split isOpen={isOpen} detail={<Outlet />}>
        <FilterBar filters={filtersFor(types.data, seesPayloads)} search={search} onChange={change}>
          {search.cursor === undefined && <LiveSwitch />}
        </FilterBar>
        <Table
          label={words.title}
          rows={page?.data}
          columns={columnsFor(tenant === null, isOpen)}
          keyOf={keyOf}
          nameOf={row => `${row.type} ${shortenId(row.id)}`}
          onOpen={openRow}
          openKey={openKey}
          narrow={row => <NarrowRow row={row} />}
          {...(canRetry && { ticked, onTick: setTicked })}
          {...statesOf(list)}
          empty={<Empty page={page} />}
          foot={
            <Foot
              page={page}
              chosen={chosen.length}
              onUntick={untick}
              onRetryTicked={() => setDialog('ticked')}
              onRetryMatching={() => setDialog('matching')}
            />
          }
        />
        {dialog === 'ticked' && <RetryTicked rows={chosen} onClose={() => setDialog(null)} onDone={untick} />}
        {dialog === 'matching' && (
          <RetryMatching tenant={tenant} search={search} range={range} onClose={() => setDialog(null)} />
        )}
      </Split>
    </>
  )
}

/** What is open next to the list: its address is that of the page. */
function useOpen() {
  const navigate = useNavigate()
  const { tenant, id } = useParams({ strict: false }) as { tenant?: string; id?: string }
  const isOpen = id !== undefined
  const openRow = (row: Delivery) =>
    void navigate({
      to: '/deliveries/$tenant/$id',
      params: { tenant: row.tenant, id: row.id },
      search: ((before: object) => before) as never,
      replace: isOpen,
    })
  return { isOpen, openKey: isOpen ? `${tenant}/${id}` : null, openRow }
}
