import type { EndpointWithSecret } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Select } from '../../kit/choices.tsx'
import { CodeBlock } from '../../kit/code.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { Banner, ErrorState } from '../../kit/surfaces.tsx'
import { messageOf } from '../../lib/errors.ts'
import { fits } from '../../lib/type-pattern.ts'
import { register as words } from '../../strings/en/register.ts'
import { Exchange } from '../deliveries/exchange.tsx'
import { deliveryQuery, payloadQuery } from '../deliveries/queries.ts'
import { Sentence } from '../deliveries/sentence.tsx'
import { DeliveryTimeline } from '../deliveries/timeline.tsx'
import { Advice, unsaidOf } from './notes.tsx'
import { typesQuery } from './queries.ts'
import styles from './register.module.css'
import { Section } from './section.tsx'

const { done } = words

export type Registered = { readonly endpoint: EndpointWithSecret }

type Props = { readonly registered: Registered; readonly onAnother: () => void }

/** What was registered, its signing secret, which is shown only now, and a test event. */
export function Done({ registered: { endpoint }, onAnother }: Props) {
  const { tenant, id, url, warnings, signingSecret } = endpoint
  const title = useRef<HTMLHeadingElement>(null)
  // The form is gone, and the focus with it.
  useEffect(() => title.current?.focus(), [])
  return (
    <div className={styles.form}>
      <div className={styles.doneHead}>
        <h2 ref={title} tabIndex={-1}>
          {done.title}
        </h2>
        <p className={styles.muted}>
          <bdi className={styles.mono}>{url}</bdi>
          <br />
          {done.text}
        </p>
        <div className={styles.submit}>
          <ButtonLink to={'/endpoints/$tenant/$id' as '/'} params={{ tenant, id } as never}>
            {done.open}
          </ButtonLink>
          <Button kind="quiet" onClick={onAnother}>
            {done.another}
          </Button>
        </div>
      </div>
      {unsaidOf(warnings).length > 0 && (
        <Section title={done.warnings}>
          <Advice warnings={warnings} />
        </Section>
      )}
      {signingSecret !== null && (
        <Section title={done.signing} text={done.signingText}>
          <CodeBlock code={signingSecret} label={done.signing} wrap />
        </Section>
      )}
      <Section title={done.testTitle} text={done.testText}>
        <Trial endpoint={endpoint} />
      </Section>
    </div>
  )
}

function Trial({ endpoint: { tenant, id, types } }: { readonly endpoint: EndpointWithSecret }) {
  const catalogue = useQuery(typesQuery)
  const wanted = (catalogue.data ?? []).filter(({ name, operational }) =>
    types === null ? !operational : types.some(type => fits(name, type)),
  )
  const [chosen, setChosen] = useState<string | null>(null)
  const [delivery, setDelivery] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const type = chosen ?? wanted[0]?.name
  if (catalogue.data === undefined) return null
  if (type === undefined) return <p className={styles.muted}>{done.noExample}</p>
  const send = async () => {
    setBusy(true)
    setFailure(null)
    try {
      setDelivery((await posthorn.endpoints.test(tenant, id, { type })).delivery)
    } catch (error) {
      setFailure(messageOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <div className={styles.test}>
        {wanted.length > 1 && (
          <Select
            label={done.testType}
            value={type}
            options={wanted.map(({ name }) => ({ value: name, label: name }))}
            onChange={setChosen}
          />
        )}
        <Button kind={delivery === null ? 'primary' : 'secondary'} busy={isBusy} onClick={() => void send()}>
          {delivery === null ? done.send : done.sendAgain}
        </Button>
      </div>
      {failure !== null && <Banner tone="error">{failure}</Banner>}
      {delivery !== null && <Watched key={delivery} tenant={tenant} id={delivery} />}
    </>
  )
}

/** How often a delivery that hasn't ended is read, in milliseconds: as soon as it is there, its answer is shown. */
const WATCH_MS = 600

/** The test's delivery, from published to the receiver's answer, as it happens. */
function Watched({ tenant, id }: { readonly tenant: string; readonly id: string }) {
  const [chosen, setChosen] = useState<number | null>(null)
  const query = useQuery({
    ...deliveryQuery(tenant, id),
    refetchInterval: ({ state: { data } }) => (data === undefined || data.endedAt === null ? WATCH_MS : false),
  })
  const payload = useQuery(payloadQuery(tenant, query.data?.event))
  const delivery = query.data
  if (delivery === undefined) {
    return query.error === null ? (
      <p role="status" className={styles.muted}>
        {done.waiting}
      </p>
    ) : (
      <ErrorState error={query.error} onRetry={() => void query.refetch()} />
    )
  }
  const attempt = delivery.attempts.find(({ number }) => number === chosen) ?? delivery.attempts.at(-1)
  return (
    <div className={styles.watched}>
      <div role="status">
        <Sentence delivery={delivery} />
      </div>
      <DeliveryTimeline delivery={delivery} selected={attempt?.number} onSelect={setChosen} />
      {attempt !== undefined && (
        <Exchange
          key={attempt.number}
          attempt={attempt}
          payload={payload.data}
          showWhy={attempt !== delivery.attempts.at(-1)}
        />
      )}
      <div>
        <ButtonLink small to="/deliveries/$tenant/$id" params={{ tenant, id }}>
          {done.openDelivery}
        </ButtonLink>
      </div>
    </div>
  )
}
