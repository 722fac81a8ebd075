import type { Attempt } from '@posthorn/client'
import type { ReactNode } from 'react'
import { Badge } from '../../kit/badge.tsx'
import { CopyButton } from '../../kit/copy.tsx'
import { JsonView } from '../../kit/json-view.tsx'
import { Time } from '../../kit/time.tsx'
import { curlOf } from '../../lib/curl.ts'
import { formatDuration } from '../../lib/format.ts'
import { withoutControls } from '../../lib/json-lines.ts'
import { common } from '../../strings/en/common.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import styles from './detail.module.css'
import type { Payload } from './queries.ts'
import { Why } from './sentence.tsx'

type Props = { readonly attempt: Attempt; readonly payload: Payload | undefined; readonly showWhy: boolean }

/** One attempt: its parts, then what was sent and what came back, next to each other. */
export function Exchange({ attempt, payload, showWhy }: Props) {
  const { number, startedAt, durationMs, address, reconnected, request } = attempt
  return (
    <>
      <p className={styles.parts}>
        <b>{words.attempt(number)}</b>
        <Time at={startedAt} as="clock" />
        <span>{formatDuration(durationMs)}</span>
        {address !== null && <code>{address}</code>}
        {request?.clientCertificate && <span>{words.facts.clientCertificate}</span>}
      </p>
      {reconnected && <p className={styles.muted}>{words.facts.reconnected}</p>}
      {showWhy && <Why attempt={attempt} />}
      <div className={styles.sides}>
        <RequestSide request={request} payload={payload} />
        <ResponseSide attempt={attempt} />
      </div>
    </>
  )
}

type RequestProps = Pick<Attempt, 'request'> & Pick<Props, 'payload'>

function RequestSide({ request, payload }: RequestProps) {
  const body = payload?.text ?? null
  return (
    <Side
      title={words.request}
      action={
        request !== null &&
        request.url !== null && (
          <CopyButton
            small
            kind="quiet"
            text={() => curlOf({ ...request, url: request.url ?? '', body })}
            title={words.curlNote}
          >
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
            {request.method} <bdi>{request.url ?? common.listener}</bdi>
          </p>
          <Headers label={`${words.request}: ${words.headers}`} headers={request.headers} />
        </>
      )}
      {payload?.isHidden && <p className={styles.muted}>{words.responseHidden}</p>}
      {payload?.isRemoved && <p className={styles.muted}>{words.payloadRemoved}</p>}
      {body !== null && <JsonView text={body} label={`${words.request}: ${words.body}`} />}
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
        <bdi>{withoutControls(value)}</bdi>
      </dd>
    </>
  )
}
