import type { Endpoint } from '@posthorn/client'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { queryClient } from '../../app/query.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { toast } from '../../kit/toast.tsx'
import { listen as words } from '../../strings/en/listen.ts'
import { useCanListen } from './listen-here.tsx'
import styles from './listener.module.css'
import { type Connection, KEPT, useListening } from './listening.ts'
import { isOfBrowser } from './mark.ts'
import { HeardRequest } from './request.tsx'
import { TestEvent } from './test-event.tsx'

type Props = {
  readonly endpoint: Endpoint
  /** Whether what was pressed to get here is gone, and the focus with it. Default: no. */
  readonly takesFocus?: boolean
  /** Called when it has been removed. */
  readonly onRemoved: () => void
}

/** The requests of a listener, as they arrive in this browser. */
export function Listener({ endpoint, takesFocus = false, onRemoved }: Props) {
  const canListen = useCanListen()
  const [isWanted, setWanted] = useState(isOfBrowser(endpoint))
  if (!canListen) return <p className={styles.muted}>{words.notAllowed}</p>
  if (isWanted) return <Requests endpoint={endpoint} takesFocus={takesFocus} onRemoved={onRemoved} />
  return (
    <Banner
      action={
        <Button small onClick={() => setWanted(true)}>
          {words.start}
        </Button>
      }
    >
      {words.other}
    </Banner>
  )
}

function Requests({ endpoint, takesFocus = false, onRemoved }: Props) {
  const { tenant, id, headers } = endpoint
  const { canTest } = usePermissions()
  const { heard, connection, again } = useListening(tenant, id, true)
  const [isRemoving, setRemoving] = useState(false)
  /** The delivery whose request is unfolded: what arrives later doesn't push away what is being read. */
  const [shown, setShown] = useState<string | null>(null)
  if (shown === null && heard[0] !== undefined) setShown(heard[0].request.delivery)
  const section = useRef<HTMLElement>(null)
  useEffect(() => {
    if (takesFocus) section.current?.focus({ preventScroll: true })
  }, [takesFocus])
  const secret = ['authorization', ...namesOfSecret(headers)]
  const isGone = connection.state === 'gone'
  return (
    <section ref={section} className={styles.listener} aria-label={words.title} tabIndex={-1}>
      <div className={styles.head}>
        <State connection={connection} />
        {connection.state === 'failed' && (
          <Button small onClick={again}>
            {words.again}
          </Button>
        )}
        {!isGone && (
          <Button kind="quiet" small icon="trash" onClick={() => setRemoving(true)}>
            {words.remove}
          </Button>
        )}
      </div>
      {!isGone && canTest && <TestEvent endpoint={endpoint} hasSent={heard.length > 0} onSent={setShown} />}
      <Hidden live>{heard.length === 0 ? '' : words.arrived(heard.length)}</Hidden>
      {heard.length === 0 ? (
        <p className={styles.muted}>{canTest ? words.waiting : words.noTest}</p>
      ) : (
        <ol className={styles.requests}>
          {heard.map(({ request, answer }) => (
            <HeardRequest
              key={`${request.delivery}/${request.attempt}`}
              request={request}
              answer={answer}
              secret={secret}
              isShown={request.delivery === shown}
            />
          ))}
        </ol>
      )}
      {heard.length === KEPT && <p className={styles.muted}>{words.showing(KEPT)}</p>}
      {isRemoving && <Remove endpoint={endpoint} onClose={() => setRemoving(false)} onRemoved={onRemoved} />}
    </section>
  )
}

/** Names of the headers whose values the endpoint doesn't show either. */
function namesOfSecret(headers: Endpoint['headers']): string[] {
  const isSecret = (value: Endpoint['headers'][string]) => typeof value === 'object' && value.secret === true
  return Object.entries(headers).flatMap(([name, value]) => (isSecret(value) ? [name.toLowerCase()] : []))
}

function State({ connection }: { readonly connection: Connection }): ReactNode {
  const { state } = connection
  const text =
    state === 'failed'
      ? words.failed(connection.why)
      : { open: words.listening, connecting: words.connecting, broken: words.broken, gone: words.gone }[state]
  return (
    <p role="status" className={styles.state} data-state={state}>
      {text}
    </p>
  )
}

type RemoveProps = Omit<Props, 'takesFocus'> & { readonly onClose: () => void }

function Remove({ endpoint: { tenant, id }, onClose, onRemoved }: RemoveProps) {
  const remove = async () => {
    await posthorn.endpoints.delete(tenant, id)
    queryClient.removeQueries({ queryKey: ['listened', tenant, id] })
    toast(words.removed)
    onRemoved()
    await Promise.all(['endpoints', 'overview'].map(name => queryClient.invalidateQueries({ queryKey: [name] })))
  }
  return (
    <ConfirmDialog open danger onClose={onClose} title={words.removeTitle} action={words.remove} onConfirm={remove}>
      {words.removeText}
    </ConfirmDialog>
  )
}
