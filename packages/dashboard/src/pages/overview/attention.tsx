import { lazy, type ReactNode, Suspense, useState } from 'react'
import { useRange } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Icon, type IconName } from '../../kit/icon.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink, Link } from '../../kit/link.tsx'
import { Time } from '../../kit/time.tsx'
import { loadCode } from '../../lib/code.ts'
import { cx } from '../../lib/cx.ts'
import { formatAge, formatRelative } from '../../lib/format.ts'
import { useNow } from '../../lib/hooks.ts'
import { wordsFor } from '../../strings/en/errors.ts'
import { overview } from '../../strings/en/overview.ts'
import { firstOf, keyOf, type Matter, nameOf, type Severity, severityOf } from './matters.ts'
import styles from './overview.module.css'
import { useTenantSearch } from './scope.ts'
import { Section } from './section.tsx'

const words = overview.attention
const { actions } = words

const PauseDialog = lazy(() => loadCode(() => import('./pause.tsx')))

const ICONS: Readonly<Record<Severity, IconName>> = { bad: 'cross', warn: 'warning', info: 'info' }

type Props = {
  /** The only tenant that the page is about: its name needn't be said. */
  readonly tenant: string | null
  readonly matters: readonly Matter[]
  /** The end of the last step in which a delivery was exhausted, in milliseconds. Null if there is none. */
  readonly exhaustedUntil: number | null
}

/** What someone should do, a sentence each, with the action. Where there is nothing, it says so, and since when. */
export function Attention({ tenant, matters, exhaustedUntil }: Props) {
  const [isWhole, setWhole] = useState(false)
  const [paused, setPaused] = useState<(Matter & { kind: 'failing' }) | null>(null)
  const now = useNow(15_000)
  const range = useRange()
  const isCalm = matters.every(matter => severityOf(matter, now) === 'info')
  const first = firstOf(matters)
  const shown = isWhole ? matters : first
  const hidden = matters.length - first.length
  return (
    <Section title={words.title}>
      <ul className={styles.matters}>
        {isCalm && (
          <li className={cx(styles.matter, styles.good)}>
            <Icon name="check" />
            <p className={styles.sentence}>
              {words.none}{' '}
              {exhaustedUntil === null ? (
                words.noneIn(range.name)
              ) : (
                <>
                  {words.noneSince} <Time at={exhaustedUntil} as="clock" />.
                </>
              )}
            </p>
          </li>
        )}
        {shown.map(matter => {
          const severity = severityOf(matter, now)
          return (
            <li key={keyOf(matter)} className={cx(styles.matter, styles[severity])}>
              <Icon name={ICONS[severity]} />
              <p className={styles.sentence}>
                <Hidden>{`${words.severity[severity]}: `}</Hidden>
                <Sentence matter={matter} tenant={tenant} now={now} />
              </p>
              <Actions matter={matter} tenant={tenant} onPause={setPaused} />
            </li>
          )
        })}
      </ul>
      {hidden > 0 && (
        <Button kind="quiet" small className={styles.more} aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? words.fewer : words.more(hidden)}
        </Button>
      )}
      <Suspense fallback={null}>
        {paused !== null && <PauseDialog matter={paused} onClose={() => setPaused(null)} />}
      </Suspense>
    </Section>
  )
}

type SentenceProps = { readonly matter: Matter; readonly tenant: string | null; readonly now: number }

function Sentence({ matter, tenant, now }: SentenceProps): ReactNode {
  const whom = 'of' in matter && <Whom matter={matter} tenant={tenant} />
  switch (matter.kind) {
    case 'failing': {
      const { lastError, lastStatus, pending } = matter
      const age = formatAge(now - Date.parse(matter.since))
      const status = lastStatus === null ? '' : ` (${lastStatus})`
      return (
        <>
          {whom}{' '}
          {lastError === null ? words.failingUnknown(age) : words.failing(age, `${wordsFor(lastError).short}${status}`)}{' '}
          {pending !== 0 && <span className={styles.quiet}>{words.waiting(pending)}</span>}
        </>
      )
    }
    case 'disabled': {
      const { reason, held, disabledAt } = matter
      return (
        <>
          {whom} {words.disabled[`${reason}`](formatRelative(Date.parse(disabledAt), now))}{' '}
          {held !== 0 && <span className={styles.quiet}>{words.held(held)}</span>}
        </>
      )
    }
    case 'expiring': {
      const at = Date.parse(matter.expiresAt)
      const when = formatRelative(at, now)
      return (
        <>
          {words.secrets[matter.secret]} {words.secretOf} {whom} {at <= now ? words.expired(when) : words.expires(when)}
        </>
      )
    }
    case 'lost':
      return (
        <>
          <b dir="auto">{matter.host}</b>{' '}
          {matter.seenAt === null ? (
            words.lost
          ) : (
            <>
              {words.lostSince} <Time at={matter.seenAt} as="clock" />.
            </>
          )}
        </>
      )
    case 'check':
      return (
        <>
          <b>{matter.part}</b>: {matter.message}. {matter.advice}
        </>
      )
    case 'unassigned':
      return words.unassigned(matter.count ?? 0)
    default:
      return words[matter.kind](matter.count)
  }
}

/** An endpoint, with its tenant where several are on the page. */
function Whom({
  matter,
  tenant,
}: {
  readonly matter: Matter & { kind: 'failing' | 'disabled' | 'expiring' }
  readonly tenant: string | null
}) {
  const { of } = matter
  const scope = useTenantSearch()
  return (
    <Link
      className={styles.whom}
      to="/endpoints/$tenant/$id"
      params={{ tenant: of.tenant, id: of.endpoint }}
      search={scope(tenant)}
      title={of.url ?? undefined}
    >
      {tenant === null && (
        <>
          <bdi>{of.tenant}</bdi> ·{' '}
        </>
      )}
      <bdi>{nameOf(of)}</bdi>
    </Link>
  )
}

type ActionsProps = {
  readonly matter: Matter
  readonly tenant: string | null
  readonly onPause: (matter: Matter & { kind: 'failing' }) => void
}

function Actions(props: ActionsProps) {
  return (
    <div className={styles.matterActions}>
      <ActionLinks {...props} />
    </div>
  )
}

function ActionLinks({ matter, tenant, onPause }: ActionsProps): ReactNode {
  const { canManage, canManageSecrets } = usePermissions()
  const scope = useTenantSearch()
  const look = { kind: 'quiet', small: true } as const
  switch (matter.kind) {
    case 'failing':
    case 'disabled': {
      const { of } = matter
      const state = matter.kind === 'failing' ? 'pending,exhausted' : 'held'
      // What is held was often created before the period at the top.
      const period = matter.kind === 'failing' ? {} : { range: '90d', from: undefined, to: undefined }
      return (
        <>
          <ButtonLink
            {...look}
            to="/deliveries"
            search={{ ...scope(of.tenant), endpoint: of.endpoint, state, ...period }}
          >
            {matter.kind === 'failing' ? actions.deliveries : actions.held}
          </ButtonLink>
          {canManage && matter.kind === 'failing' && (
            <Button {...look} onClick={() => onPause(matter)}>
              {actions.pause}
            </Button>
          )}
          {canManage && matter.kind === 'disabled' && (
            <ButtonLink
              {...look}
              to="/endpoints/$tenant/$id"
              params={{ tenant: of.tenant, id: of.endpoint }}
              search={scope(tenant)}
            >
              {actions.enable}
            </ButtonLink>
          )}
        </>
      )
    }
    case 'expiring':
      return (
        canManageSecrets && (
          <ButtonLink
            {...look}
            to="/endpoints/$tenant/$id"
            params={{ tenant: matter.of.tenant, id: matter.of.endpoint }}
            search={scope(tenant)}
          >
            {actions.replace}
          </ButtonLink>
        )
      )
    case 'moreFailing':
      return (
        <ButtonLink {...look} to="/endpoints" search={{ ...scope(tenant), health: 'failing' }}>
          {actions.endpoints}
        </ButtonLink>
      )
    case 'moreDisabled':
      return (
        <ButtonLink {...look} to="/endpoints" search={{ ...scope(tenant), state: 'disabled' }}>
          {actions.endpoints}
        </ButtonLink>
      )
    case 'moreExpiring':
      return (
        <ButtonLink {...look} to="/endpoints" search={scope(tenant)}>
          {actions.endpoints}
        </ButtonLink>
      )
    case 'setAside':
      return <OperatorLink to="/operate/set-aside">{actions.look}</OperatorLink>
    case 'rejected':
      return <OperatorLink to="/operate/rejected">{actions.rejected}</OperatorLink>
    case 'unassigned':
    case 'lost':
      return <OperatorLink to="/operate/nodes">{actions.nodes}</OperatorLink>
    case 'check':
      return <OperatorLink to="/operate/checks">{actions.checks}</OperatorLink>
    case 'replays':
      return (
        <ButtonLink {...look} to="/replays" search={scope(tenant)}>
          {actions.replays}
        </ButtonLink>
      )
  }
}

type OperatorPage = '/operate/set-aside' | '/operate/rejected' | '/operate/nodes' | '/operate/checks'

function OperatorLink({ to, children }: { readonly to: OperatorPage; readonly children: string }) {
  const { isOperator } = usePermissions()
  return (
    isOperator && (
      <ButtonLink kind="quiet" small to={to}>
        {children}
      </ButtonLink>
    )
  )
}
