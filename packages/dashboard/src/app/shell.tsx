import { useQuery } from '@tanstack/react-query'
import { Outlet, useMatches, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { flushSync } from 'react-dom'
import favicon from '../icons/favicon.svg'
import faviconAway from '../icons/favicon-away.svg'
import faviconFailing from '../icons/favicon-failing.svg'
import { IconButton } from '../kit/button.tsx'
import { useHotkeys } from '../kit/hotkeys.ts'
import { Icon } from '../kit/icon.tsx'
import { Hidden, IS_APPLE, Kbd } from '../kit/kbd.tsx'
import { Menu } from '../kit/menu.tsx'
import { RangePicker } from '../kit/range-picker.tsx'
import { Banner } from '../kit/surfaces.tsx'
import { Toasts } from '../kit/toast.tsx'
import { loadCode } from '../lib/code.ts'
import { PING_MS, useAway } from '../lib/connection.ts'
import { shortenId } from '../lib/format.ts'
import { IS_PORTAL, LOOKS } from '../lib/portal.ts'
import { type RangeName, searchOf } from '../lib/range.ts'
import { shell } from '../strings/index.ts'
import { brandName } from './brand.tsx'
import { useLeave } from './leave.ts'
import { startLive } from './live.ts'
import { Nav, usePlaces } from './nav.tsx'
import { changed, type PortalSession } from './portal-session.ts'
import { ended, ping } from './query.ts'
import { useRecent } from './recent.ts'
import { useFilters, useRange } from './scope.ts'
import { sessionQuery, usePermissions, usePortal } from './session.ts'
import styles from './shell.module.css'
import { TenantPicker } from './tenant-picker.tsx'
import { setTheme, useTheme } from './theme.ts'

const FIND_KEYS = IS_APPLE ? '⌘K' : 'Ctrl K'

const Palette = lazy(() => loadCode(() => import('./palette.tsx')))
const Shortcuts = lazy(() => loadCode(() => import('./shortcuts.tsx')))

/**
 * What a route says of its page. `hasRange`: the period at the top applies to it; without a choice, `standardRange`.
 * `isGlobal`: it is about no tenant.
 */
export type PageData = {
  readonly title?: string
  readonly hasRange?: boolean
  readonly standardRange?: RangeName
  readonly isGlobal?: boolean
}

/** The frame around every page but the one where one signs in. */
export function Shell() {
  const [isNavOpen, setNavOpen] = useState(false)
  const [overlay, setOverlay] = useState<'palette' | 'shortcuts' | null>(null)
  const { isOperator, tenant } = usePermissions()
  const portal = usePortal()?.id
  const navigate = useNavigate()
  const isAway = useAway()
  const page = usePage()
  const [isOver, setOver] = useState(false)
  useRecent()
  const close = () => setOverlay(null)
  const { main, operate } = usePlaces()
  const places = [...main, ...operate].filter(({ key }) => key !== undefined)
  const goUp = useGoUp()
  useHotkeys(
    {
      'mod+k': () => setOverlay('palette'),
      '?': () => setOverlay('shortcuts'),
      Escape: goUp,
      ...Object.fromEntries(places.map(({ key, to }) => [`g ${key}`, () => void navigate({ to: to as '/' })])),
    },
    { isFallback: true },
  )
  useEffect(() => {
    if (isOver) return
    const controller = new AbortController()
    startLive(tenant, portal, controller.signal)
    return () => controller.abort()
  }, [tenant, portal, isOver])
  useEffect(() => {
    if (!isAway) return
    const timer = setInterval(() => void ping(), PING_MS)
    return () => clearInterval(timer)
  }, [isAway])
  useEffect(() => {
    const leave = () => {
      // Several calls are refused at the same time; the first has left already.
      if (location.pathname === new URL('sign-in', document.baseURI).pathname) return
      const next = `${location.pathname.slice(new URL(document.baseURI).pathname.length - 1)}${location.search}`
      // Before anything on the page reads what the session no longer allows.
      flushSync(() => setOver(true))
      void navigate({ to: '/sign-in', search: { next, ended: '1' } as never, replace: true })
    }
    const enter = () => void navigate({ to: '/sign-in' })
    ended.addEventListener('ended', leave)
    changed.addEventListener('link', enter)
    return () => {
      ended.removeEventListener('ended', leave)
      changed.removeEventListener('link', enter)
    }
  }, [navigate])
  useFavicon(isAway)
  return (
    <div className={styles.shell}>
      <button type="button" className={styles.skip} onClick={skip}>
        {shell.skip}
      </button>
      <Nav isOpen={isNavOpen} onClose={() => setNavOpen(false)} />
      <header className={styles.bar}>
        <IconButton
          icon="menu"
          label={shell.openNavigation}
          className={styles.burger}
          aria-expanded={isNavOpen}
          aria-controls="navigation"
          onClick={() => setNavOpen(!isNavOpen)}
        />
        <div className={styles.title}>{page.title}</div>
        <button
          type="button"
          className={styles.find}
          aria-label={`${shell.find} ${FIND_KEYS}`}
          onClick={() => setOverlay('palette')}
        >
          <Icon name="search" />
          <span>{shell.find}</span>
          <Kbd>{FIND_KEYS}</Kbd>
        </button>
        {isOperator && !page.isGlobal && <TenantPicker />}
        {page.hasRange && <TopRange standard={page.standardRange} />}
        <Account onShortcuts={() => setOverlay('shortcuts')} />
      </header>
      <main className={styles.main} id="content" tabIndex={-1}>
        <Hidden live>{isAway ? shell.away : ''}</Hidden>
        {isAway && (
          <div className={styles.away}>
            <Banner tone="warning">{shell.away}</Banner>
          </div>
        )}
        <div className={styles.content} data-fills="main">
          {!isOver && <Outlet />}
        </div>
      </main>
      <Toasts />
      <Suspense fallback={null}>
        {overlay === 'palette' && <Palette onClose={close} onShortcuts={() => setOverlay('shortcuts')} />}
        {overlay === 'shortcuts' && <Shortcuts onClose={close} />}
      </Suspense>
    </div>
  )
}

/** A button, as a link to a fragment would leave the page: `<base href>` applies to it. */
function skip(): void {
  document.getElementById('content')?.focus()
}

/** Leaves the page of one thing for the list that it is in. Out of a field, it only leaves the field. */
function useGoUp(): () => void {
  const match = useMatches().at(-1)
  const navigate = useNavigate()
  return () => {
    const focused = document.activeElement
    if (focused instanceof HTMLElement && focused.matches('input, textarea, select')) return focused.blur()
    const path = match?.fullPath ?? ''
    const [list = ''] = path.split('/$')
    if (list !== path) void navigate({ to: list as '/' })
  }
}

function usePage(): PageData {
  const matches = useMatches()
  const data = Object.assign({}, ...matches.map(match => match.staticData)) as PageData
  const { id, name, tenant } = (matches.at(-1)?.params ?? {}) as Readonly<Record<string, string | undefined>>
  const subject = id === undefined ? (name ?? tenant) : shortenId(id)
  const title = [subject, data.title, brandName()].filter(part => part !== undefined).join(' · ')
  useEffect(() => {
    document.title = title
  }, [title])
  // What had the focus is often gone with the page before: the keyboard then goes on in the new one.
  const path = matches.at(-1)?.pathname
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each page
  useEffect(() => {
    if (document.activeElement === document.body) document.getElementById('content')?.focus({ preventScroll: true })
  }, [path])
  return data
}

/** The icon in the tab has a dot: red while endpoints fail, grey while the server is away. */
function useFavicon(isAway: boolean): void {
  const { data } = useQuery<{ failing?: number } | undefined>({
    queryKey: ['overview', 'failing'],
    queryFn: () => undefined,
    enabled: false,
  })
  const href = LOOKS.logo ?? (isAway ? faviconAway : (data?.failing ?? 0) > 0 ? faviconFailing : favicon)
  useEffect(() => {
    document.querySelector('#favicon')?.setAttribute('href', href)
  }, [href])
}

function TopRange({ standard }: { readonly standard: RangeName | undefined }) {
  const range = useRange(standard)
  const [, change] = useFilters()
  return (
    <RangePicker
      className={styles.range}
      range={range}
      onChange={next => change({ ...searchOf(next), cursor: undefined })}
    />
  )
}

function Account({ onShortcuts }: { readonly onShortcuts: () => void }) {
  const theme = useTheme()
  const { data: session } = useQuery(sessionQuery)
  const leave = useLeave()
  return (
    <Menu
      trigger={<IconButton icon={theme === 'dark' ? 'moon' : 'sun'} label={`${shell.theme}, ${shell.account}`} />}
      header={
        !session?.portal ? (
          <>
            {session?.person ? shell.signedInAs : shell.signedInWith}{' '}
            <bdi>{session?.person?.name ?? session?.apiKey.name ?? shell.rootKey}</bdi>
          </>
        ) : (
          <Whose portal={session.portal} />
        )
      }
      entries={[
        ...(['light', 'dark', 'system'] as const).map(one => ({
          label: shell.themes[one],
          icon: theme === one ? ('check' as const) : ('minus' as const),
          onSelect: () => setTheme(one),
        })),
        'separator',
        { label: shell.shortcuts, hint: <Kbd>?</Kbd>, onSelect: onShortcuts },
        { label: IS_PORTAL ? shell.portal.leave : shell.signOut, onSelect: () => void leave() },
      ]}
    />
  )
}

/** Whose portal it is, and for whom the link was made. */
function Whose({ portal: { tenant, user } }: { readonly portal: PortalSession }) {
  return (
    <>
      <bdi>{tenant.name ?? tenant.id}</bdi>
      {user !== null && (
        <>
          {' · '}
          <bdi>{user}</bdi>
        </>
      )}
    </>
  )
}
