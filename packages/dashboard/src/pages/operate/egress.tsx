import { useQuery } from '@tanstack/react-query'
import { BASE } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { CodeBlock } from '../../kit/code.tsx'
import { Copy, CopyButton } from '../../kit/copy.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { EmptyState, ErrorState, Skeleton } from '../../kit/surfaces.tsx'
import { useDelayed } from '../../lib/hooks.ts'
import { operate } from '../../strings/en/operate.ts'
import { common, shell } from '../../strings/index.ts'
import styles from './egress.module.css'
import { Frame } from './frame.tsx'
import { egressQuery, settingsQuery } from './queries.ts'

const words = operate.egress

/** The addresses that deliveries come from, in the forms that customers and their firewalls need. */
export function Page() {
  const query = useQuery(egressQuery)
  const isLate = useDelayed(query.isPending)
  const addresses = query.data?.addresses
  return (
    <Frame title={words.title}>
      {addresses !== undefined && (addresses.length === 0 ? <Nothing /> : <Addresses addresses={addresses} />)}
      {addresses === undefined && isLate && (
        <div className={styles.stack} role="status" aria-label={`${common.loading}: ${words.title}`}>
          <Skeleton width="60%" height={20} />
          <Skeleton width="100%" height={108} />
        </div>
      )}
      {addresses === undefined && query.error !== null && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Frame>
  )
}

function Nothing() {
  const { title, text, code, codeLabel } = words.empty
  const { canWrite } = usePermissions()
  return (
    <EmptyState
      title={title}
      actions={
        canWrite && (
          <ButtonLink to={'/operate/settings' as '/'} search={{ q: 'egressAddresses' } as never}>
            {shell.nav.settings}
          </ButtonLink>
        )
      }
      curl={code}
      codeLabel={codeLabel}
    >
      {text}
    </EmptyState>
  )
}

function Addresses({ addresses }: { readonly addresses: readonly string[] }) {
  const { canWrite } = usePermissions()
  const settings = useQuery({ ...settingsQuery, enabled: canWrite })
  // What customers reach it by can differ from what the operator's browser does.
  const publicUrl = settings.data?.data.find(({ name }) => name === 'publicUrl')?.value
  const url = new URL('.well-known/posthorn-egress.json', typeof publicUrl === 'string' ? withSlash(publicUrl) : BASE)
    .href
  const letter = words.letter(addresses, url)
  return (
    <div className={styles.stack}>
      <p className={styles.says}>{words.lead(addresses.length)}</p>
      <section className={styles.part}>
        <div className={styles.head}>
          <h2>{words.addresses}</h2>
          <CopyButton small text={addresses.join('\n')}>
            {words.copyAll(addresses.length)}
          </CopyButton>
        </div>
        <ul className={styles.list}>
          {addresses.map(address => (
            <li key={address}>
              <code>{address}</code>
              <span className={styles.kind}>{kindOf(address)}</span>
              <Copy text={address} what={address} />
            </li>
          ))}
        </ul>
      </section>
      <section className={styles.part}>
        <div className={styles.head}>
          <h2>{words.forCustomers}</h2>
          <CopyButton small text={letter}>
            {words.copyLetter}
          </CopyButton>
        </div>
        <p className={styles.muted}>{words.forCustomersText}</p>
        <pre className={styles.letter}>{letter}</pre>
      </section>
      <section className={styles.part}>
        <h2>{words.live}</h2>
        <p className={styles.muted}>{words.liveText}</p>
        <CodeBlock code={url} label={words.live} />
      </section>
    </div>
  )
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`)

function kindOf(address: string): string {
  const isNet = address.includes('/')
  const { v4, v6, net4, net6 } = words.kinds
  if (address.includes(':')) return isNet ? net6 : v6
  return isNet ? net4 : v4
}
