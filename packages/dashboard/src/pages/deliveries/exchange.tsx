import type { Attempt, EventDetail } from '@posthorn/client'
import type { ReactNode } from 'react'
import { Badge } from '../../kit/badge.tsx'
import { CopyButton } from '../../kit/copy.tsx'
import { JsonView } from '../../kit/json-view.tsx'
import { KeyValue } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { curlOf } from '../../lib/curl.ts'
import { formatDuration } from '../../lib/format.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import styles from './detail.module.css'
import { Why } from './sentence.tsx'

type Props = { readonly attempt: Attempt; readonly event: EventDetail | undefined; readonly showWhy: boolean }

/** One attempt: its parts, then what was sent and what came back, next to each other. */
export function Exchange({ attempt, event, showWhy }: Props) {
  return (
    <>
      <KeyValue
        facts={[
          [words.facts.started, <Time key="at" at={attempt.startedAt} as="clock" />],
          [words.facts.took, formatDuration(attempt.durationMs)],
          attempt.address !== null && [words.facts.address, <code key="address">{attempt.address}</code>],
          attempt.reconnected && [words.attempt(attempt.number), words.facts.reconnected],
          (attempt.request?.clientCertificate ?? false) && ['TLS', words.facts.clientCertificate],
        ]}
      />
      {showWhy && <Why attempt={attempt} />}
      <div className={styles.sides}>
        <RequestSide attempt={attempt} event={event} />
        <ResponseSide attempt={attempt} />
      </div>
    </>
  )
}

function RequestSide({ attempt: { request }, event }: Omit<Props, 'showWhy'>) {
  const body = event === undefined || event.payload === null ? null : event.payload
  const curl = () => (request === null ? '' : curlOf({ ...request, body: body === null ? null : JSON.stringify(body) }))
  return (
    <Side
      title={words.request}
      action={
        request !== null && (
          <CopyButton small kind="quiet" text={curl} title={words.curlNote}>
            {words.copyCurl}
          </CopyButton>
        )
      }
    >
      {request === null ? (
        <p className={styles.muted}>{words.noRequest}</p>
      ) : (
        <>
          <p className={styles.url}>
            {request.method} <bdi>{request.url}</bdi>
          </p>
          <Headers label={`${words.request}: ${words.headers}`} headers={request.headers} />
        </>
      )}
      {event?.payloadHidden && <p className={styles.muted}>{words.responseHidden}</p>}
      {event?.payloadRemoved && <p className={styles.muted}>{words.payloadRemoved}</p>}
      {body !== null && <JsonView value={body} label={`${words.request}: ${words.body}`} />}
    </Side>
  )
}

function ResponseSide({ attempt }: Pick<Props, 'attempt'>) {
  const { status, responseHeaders, responseBody, responseHidden, responseRemoved, responseTruncated } = attempt
  return (
    <Side
      title={words.response}
      action={status !== null && <Badge tone={status < 300 ? 'green' : 'red'}>{status}</Badge>}
    >
      {status === null && <p className={styles.muted}>{words.noResponse}</p>}
      {responseHidden && <p className={styles.muted}>{words.responseHidden}</p>}
      {responseRemoved && <p className={styles.muted}>{words.responseRemoved}</p>}
      {responseHeaders.length > 0 && (
        <Headers label={`${words.response}: ${words.headers}`} headers={responseHeaders} />
      )}
      {responseBody !== '' && <JsonView text={responseBody} label={`${words.response}: ${words.body}`} />}
      {responseTruncated && <p className={styles.muted}>{words.truncated}</p>}
      {status !== null && responseBody === '' && !responseHidden && !responseRemoved && (
        <p className={styles.muted}>{words.noBody}</p>
      )}
    </Side>
  )
}

type SideProps = { readonly title: string; readonly action: ReactNode; readonly children: ReactNode }

function Side({ title, action, children }: SideProps) {
  return (
    <section className={styles.side}>
      <div className={styles.sideHead}>
        <h3>{title}</h3>
        {action}
      </div>
      {children}
    </section>
  )
}

function Headers({ label, headers }: { readonly label: string; readonly headers: readonly (readonly string[])[] }) {
  return (
    <dl className={styles.headers} aria-label={label} tabIndex={0}>
      {headers.map(([name = '', value = ''], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a header can come twice
        <HeaderRow key={index} name={name} value={value} />
      ))}
    </dl>
  )
}

function HeaderRow({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </>
  )
}
