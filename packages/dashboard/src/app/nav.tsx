import { Link, useLocation } from '@tanstack/react-router'
import { Icon, type IconName } from '../kit/icon.tsx'
import { cx } from '../lib/cx.ts'
import { IS_FRAMED, IS_PORTAL, isLeftOut, LOOKS } from '../lib/portal.ts'
import { common, shell } from '../strings/index.ts'
import { Brand } from './brand.tsx'
import { askToReturn } from './embedding.ts'
import { Mark, useMarks } from './marks.tsx'
import { usePermissions, usePortal } from './session.ts'
import styles from './shell.module.css'
import { useHost } from './use-host.ts'

export type Place = { readonly to: string; readonly label: string; readonly icon: IconName; readonly key?: string }

/** `needsAll`: the API shows it only to keys with the scope `all`. */
type OperatePlace = Place & { readonly needsAll?: boolean }

/** Where one can go, in the order of the navigation; `key` follows `g`. */
export const PLACES: readonly Place[] = [
  { to: '/', label: shell.nav.overview, icon: 'overview', key: 'o' },
  { to: '/deliveries', label: shell.nav.deliveries, icon: 'deliveries', key: 'd' },
  { to: '/events', label: shell.nav.events, icon: 'events', key: 'e' },
  { to: '/endpoints', label: shell.nav.endpoints, icon: 'endpoints', key: 'p' },
  { to: '/event-types', label: shell.nav.types, icon: 'types', key: 't' },
  { to: '/replays', label: shell.nav.replays, icon: 'replays', key: 'r' },
]

/** In the portal, a customer's own: what they receive comes first. */
const PORTAL_PLACES: readonly Place[] = ['/', '/endpoints', '/deliveries', '/events', '/event-types'].flatMap(path =>
  PLACES.filter(({ to }) => to === path && !isLeftOut(to)),
)

/** Where the pages begin. A portal can be without Overview, but not without pages. */
export const START: Place = (IS_PORTAL ? PORTAL_PLACES : PLACES)[0]!
/** How a customer's developer gets to webhooks that arrive. */
const FIRST_STEPS: Place = { to: '/first-steps', label: shell.nav.firstSteps, icon: 'check', key: 'f' }

/** Of one tenant. Operators have the page below Operate. */
const NOTIFICATIONS: Place = { to: '/notifications', label: shell.nav.notifications, icon: 'bell', key: 'm' }

/** Only for keys that aren't limited to one tenant. */
export const OPERATOR_PLACES: readonly Place[] = [
  { to: '/tenants', label: shell.nav.tenants, icon: 'tenants', key: 'n' },
]

/** Running the installation: first whether it runs, then what got stuck, who has access, and how it is set up. */
export const OPERATE: readonly OperatePlace[] = [
  { to: '/operate/nodes', label: shell.nav.nodes, icon: 'operate', key: 's' },
  { to: '/operate/checks', label: shell.nav.checks, icon: 'check', key: 'c' },
  { to: '/operate/rejected', label: shell.nav.rejected, icon: 'cross', key: 'j' },
  { to: '/operate/set-aside', label: shell.nav.setAside, icon: 'pause', key: 'q' },
  { to: '/operate/audit', label: shell.nav.audit, icon: 'events', key: 'a', needsAll: true },
  { to: '/operate/api-keys', label: shell.nav.apiKeys, icon: 'key', key: 'k', needsAll: true },
  { to: '/operate/sessions', label: shell.nav.sessions, icon: 'key', key: 'w', needsAll: true },
  { to: '/operate/portal', label: shell.nav.portal, icon: 'overview', key: 'l', needsAll: true },
  { to: '/operate/notifications', label: shell.nav.notifications, icon: 'bell', key: 'm' },
  { to: '/operate/egress', label: shell.nav.egress, icon: 'link', key: 'v' },
  { to: '/operate/settings', label: shell.nav.settings, icon: 'operate', key: ',', needsAll: true },
]

/** The places that the session's key can see. */
export function usePlaces(): { readonly main: readonly Place[]; readonly operate: readonly Place[] } {
  const { isOperator, canWrite, canManage } = usePermissions()
  if (!isOperator) {
    const main = IS_PORTAL ? [...PORTAL_PLACES, ...(isLeftOut(FIRST_STEPS.to) ? [] : [FIRST_STEPS])] : PLACES
    // In the portal, the addresses are shown only to those who can change them.
    return { main: IS_PORTAL && !canManage ? main : [...main, NOTIFICATIONS], operate: [] }
  }
  return { main: [...PLACES, ...OPERATOR_PLACES], operate: OPERATE.filter(({ needsAll }) => canWrite || !needsAll) }
}

export function Nav({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const { pathname } = useLocation()
  const { main, operate } = usePlaces()
  const isOperating = pathname.startsWith('/operate')
  const marks = useMarks(isOperating)
  const isCurrent = (to: string) => (to === '/' ? pathname === '/' : pathname === to || pathname.startsWith(`${to}/`))
  const item = (place: Place, isSub = false) => (
    <Link
      key={place.to}
      to={place.to as '/'}
      className={cx(styles.link, isSub && styles.sub)}
      title={place.label}
      activeOptions={{ exact: true, includeSearch: false }}
      {...(isCurrent(place.to) && { 'aria-current': 'page' as const })}
      onClick={onClose}
    >
      {!isSub && <Icon name={place.icon} />}
      <span className={styles.label}>{place.label}</span>
      {isSub && <Mark mark={marks[place.to]} />}
    </Link>
  )
  return (
    <>
      <button
        type="button"
        className={styles.veil}
        data-open={isOpen || undefined}
        aria-label={common.close}
        onClick={onClose}
        tabIndex={-1}
      />
      <nav
        className={styles.nav}
        aria-label={shell.navigation}
        data-open={isOpen || undefined}
        data-fills="nav"
        id="navigation"
      >
        <Link to="/" className={styles.brand} onClick={onClose}>
          <Brand nameClass={cx(styles.label, styles.name)} />
        </Link>
        <Whose />
        {main.slice(0, PLACES.length).map(place => item(place))}
        {operate.length > 0 && <div className={styles.rule} />}
        {main.slice(PLACES.length).map(place => item(place))}
        {operate.length > 0 && (
          <>
            <Link
              to={'/operate' as '/'}
              className={cx(styles.link, isOperating && styles.open)}
              activeOptions={{ exact: true, includeSearch: false }}
              title={shell.nav.operate}
              aria-expanded={isOperating}
              onClick={onClose}
            >
              <Icon name="operate" />
              <span className={styles.label}>{shell.nav.operate}</span>
              <span className={cx(styles.label, styles.fold)}>
                <Icon name={isOperating ? 'down' : 'right'} size={12} />
              </span>
            </Link>
            {isOperating && operate.map(place => item(place, true))}
          </>
        )}
        <Help />
        <WayBack />
      </nav>
    </>
  )
}

/** Whose portal it is: someone can have links to those of several tenants. */
function Whose() {
  const portal = usePortal()
  if (portal === null) return null
  const name = portal.tenant.name ?? portal.tenant.id
  return (
    <div className={cx(styles.label, styles.whose)} title={name}>
      <bdi>{name}</bdi>
    </div>
  )
}

/** The provider's own pages about webhooks. They open next to the portal, which in a frame would be gone. */
function Help() {
  if (LOOKS.help.length === 0) return null
  return (
    <>
      <div className={styles.rule} />
      {LOOKS.help.map(({ label, url }) => (
        <a key={url} href={url} target="_blank" rel="noreferrer" className={styles.link} title={label}>
          <Icon name="link" />
          <span className={cx(styles.label, styles.name)}>{label}</span>
        </a>
      ))}
    </>
  )
}

/** Leads from the portal back to the provider. In a frame, the page around it does so, if it says that it can. */
function WayBack() {
  const url = usePortal()?.returnUrl
  const host = useHost()
  if (IS_FRAMED) {
    return host?.returns === true ? (
      <>
        <div className={styles.rule} />
        <button type="button" className={styles.link} title={shell.portal.return} onClick={askToReturn}>
          <Icon name="left" />
          <span className={styles.label}>{shell.portal.return}</span>
        </button>
      </>
    ) : null
  }
  if (url == null) return null
  const label = shell.portal.back(new URL(url).host)
  return (
    <>
      <div className={styles.rule} />
      <a href={url} rel="noreferrer" className={styles.link} title={label}>
        <Icon name="left" />
        <span className={styles.label}>{label}</span>
      </a>
    </>
  )
}
