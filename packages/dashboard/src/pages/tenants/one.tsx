import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useFilters } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Id } from '../../kit/copy.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { EmptyState, ErrorState, PageHeader } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { shownName } from '../../lib/names.ts'
import { tenants } from '../../strings/en/tenants.ts'
import { OverviewBody } from '../overview/body.tsx'
import { EraseTenant } from './erase.tsx'
import { ExportTenant } from './export.tsx'
import { erasureQuery, tenantQuery } from './queries.ts'
import { RenameTenant } from './rename.tsx'
import styles from './tenants.module.css'

const words = tenants.one

/** One tenant: what Overview shows of it, and what can be done with it. */
export function Page() {
  const { tenant: id = '' } = useParams({ strict: false }) as { tenant?: string }
  const { canWrite, isOperator } = usePermissions()
  const [dialog, setDialog] = useState<'rename' | 'export' | 'erase' | null>(null)
  const tenant = useQuery(tenantQuery(id))
  usePickedTenant(id)
  const close = () => setDialog(null)
  if (tenant.data === null) return <Gone id={id} />
  if (tenant.data === undefined && tenant.error !== null) {
    return <ErrorState error={tenant.error} onRetry={() => void tenant.refetch()} />
  }
  // Without the tenant, all calls about it would fail.
  if (tenant.data === undefined) return null
  const header = (
    <PageHeader
      title={shownName(tenant.data.name ?? id)}
      note={
        <span className={styles.note}>
          <Id id={id} whole />
          <span>
            {words.created} <Time at={tenant.data.createdAt} />
          </span>
        </span>
      }
      actions={
        <>
          {canWrite && isOperator && <Button onClick={() => setDialog('rename')}>{words.rename}</Button>}
          <Button onClick={() => setDialog('export')}>{words.export}</Button>
          {canWrite && isOperator && <Button onClick={() => setDialog('erase')}>{words.erase}</Button>}
        </>
      }
    />
  )
  return (
    <>
      <OverviewBody key={id} tenant={id} header={header} />
      {dialog === 'rename' && <RenameTenant tenant={tenant.data} onClose={close} />}
      {dialog === 'export' && <ExportTenant id={id} onClose={close} />}
      {dialog === 'erase' && <EraseTenant id={id} onClose={close} />}
    </>
  )
}

/** The tenant that is chosen at the top while this page is open: its page is shown. */
function usePickedTenant(id: string): void {
  const [{ tenant: picked }] = useFilters()
  const navigate = useNavigate()
  const before = useRef(picked)
  useEffect(() => {
    if (picked === before.current) return
    before.current = picked
    if (picked !== undefined && picked !== id)
      void navigate({ to: '/tenants/$tenant', params: { tenant: picked }, search: { tenant: undefined } })
  }, [picked, id, navigate])
}

/** A tenant that isn't there: it may be being erased. */
function Gone({ id }: { readonly id: string }) {
  const { data: erasure, error, refetch } = useQuery(erasureQuery(id))
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (erasure === undefined) return null
  const actions = (
    <>
      <ButtonLink to="/tenants">{words.all}</ButtonLink>
      {erasure !== null && (
        <ButtonLink to="/operate/audit" search={{ target: id }}>
          {words.audit}
        </ButtonLink>
      )}
    </>
  )
  const title = erasure === null ? words.notFound : erasure.state === 'running' ? words.erasing : words.erased
  return (
    <EmptyState isTitle title={title} actions={actions}>
      {erasure === null && words.notFoundText(id)}
      {erasure?.state === 'running' && words.erasingText(erasure.rowsRemoved)}
      {erasure?.state === 'finished' && words.erasedText(erasure.rowsRemoved)}
    </EmptyState>
  )
}
