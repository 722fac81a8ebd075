import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { exampleOf } from '../../app/catalogue.ts'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { CodeBlock } from '../../kit/code.tsx'
import { Icon } from '../../kit/icon.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { cx } from '../../lib/cx.ts'
import { overview } from '../../strings/en/overview.ts'
import styles from './overview.module.css'
import { useTenantSearch } from './scope.ts'

const words = overview.first

type Props = {
  readonly tenant: string | null
  /** Whether its title is that of the page. */
  readonly isTitle: boolean
  /** The tenant of the endpoint that is registered already. Null if there is none. */
  readonly endpoint: { readonly tenant: string; readonly url: string | null } | null
}

/** An installation in which nothing was ever published: what will stand here, and the calls that get there. */
export default function FirstSteps({ tenant, isTitle, endpoint }: Props) {
  const { isOperator, canWrite } = usePermissions()
  const scope = useTenantSearch()
  const id = tenant ?? endpoint?.tenant ?? 'acme'
  const Title = isTitle ? 'h1' : 'h2'
  const path = `/v1/tenants/${encodeURIComponent(id)}`
  const { data: { name: type, payload } = ANY } = useQuery({
    queryKey: ['event-types', 'first'],
    queryFn: ({ signal }) =>
      posthorn.eventTypes.list({ limit: 20 }, { signal }).then(({ data }) => exampleOf(data) ?? ANY),
  })
  return (
    <div className={styles.first}>
      <Title>{words.title}</Title>
      <p>{words.text}</p>
      <ol className={styles.steps} aria-label={words.steps}>
        {isOperator && tenant === null && (
          <Step title={words.tenant} text={words.tenantText} isDone={endpoint !== null}>
            <CodeBlock label={words.tenant} code={apiCurl('PUT', path, {})} />
          </Step>
        )}
        <Step title={words.endpoint} text={words.endpointText} isDone={endpoint !== null}>
          <CodeBlock
            label={words.endpoint}
            code={apiCurl('POST', `${path}/endpoints`, { ...ENDPOINT, types: [type] })}
          />
          {canWrite && (
            <ButtonLink kind={endpoint === null ? 'primary' : 'secondary'} to="/endpoints/new" search={scope(tenant)}>
              {words.register}
            </ButtonLink>
          )}
        </Step>
        <Step title={words.event} text={words.eventText} isDone={false}>
          <CodeBlock label={words.event} code={apiCurl('POST', `${path}/events`, { type, payload })} />
          {canWrite && endpoint !== null && (
            <ButtonLink kind="primary" to="/events/new" search={scope(tenant)}>
              {words.publish}
            </ButtonLink>
          )}
        </Step>
      </ol>
      <p>{words.live}</p>
    </div>
  )
}

/** Until the catalogue is known, or if it has no type. */
const ANY = { name: 'ORDER_SHIPPED', payload: {} as unknown }

/** An endpoint to write one's own over. */
const ENDPOINT = { url: 'https://receiver.example.com/webhooks', clientSecret: words.secret }

type StepProps = {
  readonly title: string
  readonly text: string
  readonly isDone: boolean
  readonly children: ReactNode
}

function Step({ title, text, isDone, children }: StepProps) {
  return (
    <li className={cx(styles.step, isDone && styles.stepDone)}>
      <h3>
        {title}
        {isDone && (
          <span className={styles.done}>
            <Icon name="check" size={14} /> {words.done}
          </span>
        )}
      </h3>
      <p>{text}</p>
      {!isDone && children}
    </li>
  )
}
