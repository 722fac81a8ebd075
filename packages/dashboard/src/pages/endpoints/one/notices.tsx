import type { Endpoint, Warning } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { usePermissions } from '../../../app/session.ts'
import { Button } from '../../../kit/button.tsx'
import { Banner } from '../../../kit/surfaces.tsx'
import { Countdown, Time } from '../../../kit/time.tsx'
import { endpoint as words } from '../../../strings/en/endpoint.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import { menders, wordsFor } from '../../../strings/en/errors.ts'
import { whyFailing } from '../health.tsx'
import styles from '../one.module.css'
import { heldQuery, openQuery, replaysQuery } from './queries.ts'
import { RunningReplay } from './replay-progress.tsx'
import { RetryPending } from './retry-pending.tsx'
import { Said } from './said.tsx'

const says = words.says

/** Warnings that can't wait, and the part of the page where each is mended. The others stand in that part only. */
const URGENT: Readonly<Record<string, 'secrets' | 'settings'>> = {
  token_expired: 'secrets',
  token_expires_soon: 'secrets',
  certificate_expires_soon: 'secrets',
  secret_unreadable: 'secrets',
  types_fit_nothing: 'settings',
  event_type_archived: 'settings',
}

type Props = {
  readonly endpoint: Endpoint
  /** The part of the page that is open: what it says itself isn't said here as well. */
  readonly tab: string
  /** Opens a part of the page. */
  readonly onOpen: (tab: 'secrets' | 'settings') => void
}

/** What has to be known before anything else: that it fails and why, that it is disabled, what expires. */
export function Notices({ endpoint, tab: open, onOpen }: Props) {
  const { tenant, id, state, health, nextSecret, warnings } = endpoint
  const replays = useQuery(replaysQuery(tenant, id))
  const notices: ReactNode[] = []
  if (state === 'disabled') notices.push(<Disabled key="disabled" endpoint={endpoint} />)
  else if (health.state === 'failing') notices.push(<Failing key="failing" endpoint={endpoint} />)
  if (state === 'enabled' && health.pausedUntil !== null) {
    notices.push(
      <Banner key="paused" tone="warning">
        {says.paused} {says.pausedUntil} <Time at={health.pausedUntil} as="clock" /> (
        <Countdown to={health.pausedUntil} due={says.resumes} />
        ).
      </Banner>,
    )
  }
  for (const warning of warnings) {
    const tab = URGENT[warning.code]
    if (tab !== undefined && tab !== open)
      notices.push(<Urgent key={warning.code} warning={warning} onOpen={() => onOpen(tab)} />)
  }
  if (nextSecret !== null && open !== 'secrets') {
    notices.push(
      <Banner key="next">
        {says.nextSecret} <Time at={nextSecret.switchAt} />.
      </Banner>,
    )
  }
  for (const replay of replays.data ?? []) {
    notices.push(<RunningReplay key={replay.id} tenant={tenant} replay={replay} />)
  }
  return notices.length === 0 ? null : <div className={styles.notices}>{notices}</div>
}

function Failing({ endpoint }: { readonly endpoint: Endpoint }) {
  const { tenant, id, health, warnings } = endpoint
  const { canRetry } = usePermissions()
  const open = useQuery(openQuery(tenant, id))
  const error = health.lastError === null ? null : wordsFor(health.lastError)
  const disabledAt = whenDisabled(warnings)
  const pending = open.data?.pending ?? 0
  return (
    <Banner tone="error" action={canRetry && pending > 0 && <RetryPending endpoint={endpoint} pending={pending} />}>
      <div className={styles.failing}>
        <span>
          {error !== null && <b>{says.failing(whyFailing(endpoint) ?? error.short)} </b>}
          {error !== null && `${error.means} `}
          {error !== null && <b>{error.mend}</b>}
        </span>
        <span className={styles.small}>
          {error !== null && `${menders[error.by]}. `}
          {health.failingSince !== null && (
            <>
              {says.began} <Time at={health.failingSince} />; {says.since}{' '}
            </>
          )}
          {disabledAt !== null && (
            <>
              {says.willDisable} <Time at={disabledAt} /> {says.unlessSuccess}
            </>
          )}
        </span>
      </div>
    </Banner>
  )
}

/** When a failing endpoint will be disabled: the second of the two times in the server's warning. */
function whenDisabled(warnings: readonly Warning[]): string | null {
  const detail = warnings.find(({ code }) => code === 'failing')?.detail ?? ''
  return /disabled at (\S+Z)/.exec(detail)?.[1] ?? null
}

function Disabled({ endpoint }: { readonly endpoint: Endpoint }) {
  const { tenant, id, disabledReason, disabledAt } = endpoint
  const held = useQuery(heldQuery(tenant, id))
  return (
    <Banner tone="warning">
      <b>{says.disabled[disabledReason ?? 'unknown']}</b>
      {disabledAt !== null && (
        <>
          , <Time at={disabledAt} />
        </>
      )}
      . {held.data !== undefined && says.holding(held.data)}
    </Banner>
  )
}

function Urgent({ warning, onOpen }: { readonly warning: Warning; readonly onOpen: () => void }) {
  const { canManage, canManageSecrets } = usePermissions()
  const isMine = warning.code.includes('type') ? canManage : canManageSecrets
  const isError = warning.code === 'token_expired' || warning.code === 'secret_unreadable'
  return (
    <Banner
      tone={isError ? 'error' : 'warning'}
      action={
        isMine && (
          <Button small onClick={onOpen}>
            {endpointChange.mend[warning.code] ?? endpointChange.change}
          </Button>
        )
      }
    >
      <Said>{warning.detail}</Said>
    </Banner>
  )
}
