import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useId, useState } from 'react'
import { useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Icon } from '../../kit/icon.tsx'
import { ButtonLink, Link } from '../../kit/link.tsx'
import { ErrorState, PageHeader, Page as Surface } from '../../kit/surfaces.tsx'
import { cx } from '../../lib/cx.ts'
import { firstSteps as words } from '../../strings/en/first-steps.ts'
import { titleOf } from '../endpoints/health.tsx'
import { ListenHere, useCanListen } from '../listen/listen-here.tsx'
import { Listener } from '../listen/listener.tsx'
import styles from './first-steps.module.css'
import { GoLive } from './go-live.tsx'
import { ownOf, type Progress, progressOf, STEPS, type StepName } from './progress.ts'
import { deliveredQuery, endpointsQuery } from './queries.ts'
import { Verify } from './verify.tsx'

/** From nothing to webhooks that arrive, in four steps. What the API says is done is ticked. */
export function Page() {
  const tenant = useTenant() ?? ''
  const endpoints = useQuery(endpointsQuery(tenant))
  const own = ownOf(endpoints.data ?? []).map(({ id }) => id)
  const delivered = useQuery({ ...deliveredQuery(tenant, own), enabled: endpoints.data !== undefined })
  const failed = [endpoints, delivered].find(({ data, error }) => data === undefined && error !== null)
  return (
    <Surface>
      <PageHeader title={words.title} note={words.lead} />
      {failed !== undefined && <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />}
      {endpoints.data !== undefined && delivered.data !== undefined && (
        <Steps tenant={tenant} progress={progressOf(endpoints.data, delivered.data)} />
      )}
    </Surface>
  )
}

type StepsProps = { readonly tenant: string; readonly progress: Progress }

/** Which are unfolded at first: the next one, and with nothing done also how to receive without a server. */
function firstOpen({ done }: Progress): readonly StepName[] {
  if (!done.register && !done.receive) return ['register', 'receive']
  return STEPS.filter(name => !done[name]).slice(0, 1)
}

function Steps({ tenant, progress }: StepsProps) {
  // Not moved by what is done in the meantime: one might be reading it.
  const [open, setOpen] = useState(() => firstOpen(progress))
  const { done } = progress
  const content: Readonly<Record<StepName, ReactNode>> = {
    register: <Register own={progress.own} />,
    receive: <ReceiveStep tenant={tenant} listener={progress.listener} />,
    verify: <Verify />,
    live: <GoLive progress={progress} />,
  }
  const toggle = (name: StepName) => setOpen(open.includes(name) ? open.filter(each => each !== name) : [...open, name])
  return (
    <>
      <p role="status" className={styles.muted}>
        {words.progress(STEPS.filter(name => done[name]).length, STEPS.length)}
      </p>
      <ol className={styles.steps}>
        {STEPS.map((name, index) => (
          <Step
            key={name}
            number={index + 1}
            name={name}
            isDone={done[name]}
            isOpen={open.includes(name)}
            onToggle={() => toggle(name)}
          >
            {content[name]}
          </Step>
        ))}
      </ol>
    </>
  )
}

type StepProps = {
  readonly number: number
  readonly name: StepName
  readonly isDone: boolean
  readonly isOpen: boolean
  readonly onToggle: () => void
  readonly children: ReactNode
}

function Step({ number, name, isDone, isOpen, onToggle, children }: StepProps) {
  const id = useId()
  const { title, text } = words[name]
  return (
    <li className={styles.step}>
      <h2>
        <button type="button" className={styles.title} aria-expanded={isOpen} aria-controls={id} onClick={onToggle}>
          <span className={cx(styles.sign, isDone && styles.signDone)} aria-hidden="true">
            {isDone ? <Icon name="check" size={14} /> : number}
          </span>
          <span className={styles.name}>{title}</span>
          {isDone && <span className={styles.done}>{words.done}</span>}
          <Icon name={isOpen ? 'down' : 'right'} size={14} />
        </button>
      </h2>
      <div id={id} className={styles.content} hidden={!isOpen}>
        {isOpen && (
          <>
            <p className={styles.muted}>{text}</p>
            {children}
          </>
        )}
      </div>
    </li>
  )
}

/** How many endpoints are named. */
const NAMED = 5

function Register({ own }: { readonly own: Progress['own'] }) {
  const { canManage } = usePermissions()
  const canListen = useCanListen()
  const { noServer, action, another } = words.register
  return (
    <>
      {own.length > 0 && (
        <ul className={styles.own}>
          {own.slice(0, NAMED).map(endpoint => (
            <li key={endpoint.id}>
              <Link to="/endpoints/$tenant/$id" params={{ tenant: endpoint.tenant, id: endpoint.id }}>
                <bdi>{titleOf(endpoint)}</bdi>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {canManage ? (
        <div className={styles.row}>
          <ButtonLink kind={own.length === 0 ? 'primary' : 'secondary'} to="/endpoints/new">
            {own.length === 0 ? action : another}
          </ButtonLink>
        </div>
      ) : (
        own.length === 0 && <p className={styles.muted}>{words.ask}</p>
      )}
      {own.length === 0 && canListen && <p className={styles.muted}>{noServer}</p>}
    </>
  )
}

type ReceiveProps = { readonly tenant: string; readonly listener: Progress['listener'] }

function ReceiveStep({ tenant, listener }: ReceiveProps) {
  const canListen = useCanListen()
  const [isMade, setMade] = useState(false)
  const { here, opened } = words.receive
  // What was made is listed again by then, and what was removed is no longer.
  const again = () => undefined
  if (!canListen) return <p className={styles.muted}>{opened}</p>
  if (listener !== null) return <Listener key={listener.id} endpoint={listener} takesFocus={isMade} onRemoved={again} />
  return (
    <>
      <p className={styles.muted}>{here}</p>
      <div className={styles.row}>
        <ListenHere tenant={tenant} onMade={() => setMade(true)} />
      </div>
    </>
  )
}
