import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router'
import { loadCode } from '../lib/code.ts'
import { IS_PORTAL, IS_TYPES, isLeftOut } from '../lib/portal.ts'
import type { RangeName } from '../lib/range.ts'
import { only, parseSearch, stringifySearch } from '../lib/search.ts'
import { shell } from '../strings/index.ts'
import { BASE } from './client.ts'
import { Failed, NotFound } from './fallbacks.tsx'
import { START } from './nav.tsx'
import { hasLink } from './portal-session.ts'
import { queryClient } from './query.ts'
import { hasEnded, sessionQuery } from './session.ts'
import { type PageData, Shell } from './shell.tsx'
import './sign-on-response.ts'

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
  interface StaticDataRouteOption {
    title?: string
    hasRange?: boolean
    standardRange?: RangeName
    isGlobal?: boolean
  }
}

const { nav } = shell

/** A component whose code is loaded when it is first shown, or about to be. */
const codeOf: typeof lazyRouteComponent = (load, name) => lazyRouteComponent(() => loadCode(load), name)

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  validateSearch: only('tenant', 'range', 'from', 'to'),
  search: { middlewares: [retainSearchParams(['tenant', 'range', 'from', 'to'])] },
  notFoundComponent: NotFound,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  // Not `to`, which is the end of a period on every page and would be kept.
  validateSearch: only('next', 'ended'),
  staticData: { title: IS_PORTAL ? shell.portal.title : shell.signIn.title },
  component: IS_PORTAL
    ? codeOf(() => import('../pages/portal/enter.tsx'), 'Enter')
    : codeOf(() => import('../pages/sign-in/sign-in.tsx'), 'SignIn'),
})

/** Where issuers of single sign-on lead back to. */
const signedOn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/$issuer',
  staticData: { title: shell.signIn.title },
  component: IS_PORTAL ? NotFound : codeOf(() => import('../pages/sign-in/sign-in.tsx'), 'SignIn'),
})

/** Everything behind the sign-in. Without a session, one signs in first and lands where one wanted to go. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    const session = await context.queryClient.ensureQueryData(sessionQuery).catch(() => undefined)
    // A server that is away is no reason to leave: the page says so, and stays.
    if (session !== null && !hasLink()) {
      // The portal begins with the first page that it has.
      if (location.pathname === '/' && isLeftOut('/')) throw redirect({ to: START.to as '/', replace: true })
      return
    }
    const search = { next: location.href, ...(hasEnded() && { ended: '1' }) }
    throw redirect({ to: '/sign-in', search: search as never, replace: true })
  },
})

type Component = () => React.ReactNode

/** A page with its parameters. Its code is loaded when it is first shown. */
function page<const Path extends string, const Name extends string>(
  path: Path,
  load: () => Promise<{ Page: Component }>,
  data: PageData & { readonly title: string },
  names: readonly Name[] = [],
) {
  return createRoute({
    getParentRoute: () => inside,
    path,
    staticData: data,
    validateSearch: only(...names),
    component: codeOf(load, 'Page'),
  })
}

// One line a page, so that pages built side by side don't meet here.
const overview = page('/', () => import('../pages/overview/overview.tsx'), { title: nav.overview, hasRange: true })
const deliveries = page(
  '/deliveries',
  () => import('../pages/deliveries/list.tsx'),
  { title: nav.deliveries, hasRange: true },
  ['state', 'heldReason', 'status', 'error', 'type', 'endpoint', 'filter', 'text', 'event', 'key', 'cursor'],
)
const delivery = createRoute({
  getParentRoute: () => deliveries,
  path: '$tenant/$id',
  component: codeOf(() => import('../pages/deliveries/detail.tsx'), 'Detail'),
})
const events = page('/events', () => import('../pages/events/list.tsx'), { title: nav.events, hasRange: true }, [
  'type',
  'key',
  'text',
  'filter',
  'cursor',
])
const event = createRoute({
  getParentRoute: () => events,
  path: '$tenant/$id',
  component: codeOf(() => import('../pages/events/detail.tsx'), 'Detail'),
})
const newEvent = page('/events/new', () => import('../pages/events/new.tsx'), { title: shell.palette.publishEvent }, [
  'type',
  'event',
])
const endpoints = page('/endpoints', () => import('../pages/endpoints/list.tsx'), { title: nav.endpoints }, [
  'health',
  'state',
  'type',
  'text',
  'url',
  'uid',
  'cursor',
])
const newEndpoint = page(
  '/endpoints/new',
  () => import('../pages/register/register.tsx'),
  { title: shell.palette.registerEndpoint },
  ['type'],
)
const endpoint = page(
  '/endpoints/$tenant/$id',
  () => import('../pages/endpoints/one.tsx'),
  { title: nav.endpoints, hasRange: true },
  ['tab'],
)
const types = page(
  '/event-types',
  () => import('../pages/event-types/list.tsx'),
  { title: nav.types, isGlobal: true },
  ['q', 'archived', 'create'],
)
const type = page(
  '/event-types/$name',
  () => import('../pages/event-types/one.tsx'),
  { title: nav.types, isGlobal: true },
  ['tab', 'lang'],
)
const replays = page('/replays', () => import('../pages/replays/list.tsx'), { title: nav.replays }, ['state', 'cursor'])
const replay = page('/replays/$tenant/$id', () => import('../pages/replays/one.tsx'), { title: nav.replays })
const replayBatch = page('/replays/$id', () => import('../pages/replays/one.tsx'), { title: nav.replays }, ['cursor'])
const newReplay = page('/replays/new', () => import('../pages/replays/new.tsx'), { title: shell.palette.startReplay }, [
  'type',
  'endpoint',
  'state',
  'missing',
])
const tenants = page('/tenants', () => import('../pages/tenants/list.tsx'), { title: nav.tenants, hasRange: true }, [
  'sort',
  'q',
  'cursor',
])
const tenant = page('/tenants/$tenant', () => import('../pages/tenants/one.tsx'), {
  title: nav.tenants,
  hasRange: true,
})
const notifications = page(
  '/notifications',
  () => import('../pages/notifications/notifications.tsx'),
  { title: nav.notifications },
  ['open'],
)
const firstSteps = page('/first-steps', () => import('../pages/first-steps/first-steps.tsx'), { title: nav.firstSteps })
const operate = createRoute({
  getParentRoute: () => inside,
  path: '/operate',
  beforeLoad: () => {
    throw redirect({ to: '/operate/nodes' as '/', search: ((before: object) => before) as never, replace: true })
  },
})
const nodes = page('/operate/nodes', () => import('../pages/operate/nodes.tsx'), { title: nav.nodes, isGlobal: true }, [
  'node',
])
const checks = page('/operate/checks', () => import('../pages/operate/checks.tsx'), {
  title: nav.checks,
  isGlobal: true,
})
const rejected = page('/operate/rejected', () => import('../pages/operate/rejected.tsx'), { title: nav.rejected }, [
  'key',
  'cursor',
  'open',
])
const setAside = page('/operate/set-aside', () => import('../pages/operate/set-aside.tsx'), { title: nav.setAside }, [
  'cursor',
])
const audit = page(
  '/operate/audit',
  () => import('../pages/operate/audit.tsx'),
  { title: nav.audit, hasRange: true, standardRange: '30d' },
  ['actor', 'action', 'target', 'targetId', 'cursor', 'open'],
)
const apiKeys = page('/operate/api-keys', () => import('../pages/operate/api-keys.tsx'), { title: nav.apiKeys }, [
  'q',
  'state',
  'scope',
  'open',
])
const sessions = page(
  '/operate/sessions',
  () => import('../pages/operate/sessions.tsx'),
  { title: nav.sessions, isGlobal: true },
  ['key', 'open'],
)
const portalLooks = page('/operate/portal', () => import('../pages/operate/portal.tsx'), {
  title: nav.portal,
  isGlobal: true,
})
const operateNotifications = page(
  '/operate/notifications',
  () => import('../pages/operate/notifications.tsx'),
  { title: nav.notifications },
  ['open'],
)
const egress = page('/operate/egress', () => import('../pages/operate/egress.tsx'), {
  title: nav.egress,
  isGlobal: true,
})
const settings = page(
  '/operate/settings',
  () => import('../pages/operate/settings.tsx'),
  { title: nav.settings, isGlobal: true },
  ['q', 'source'],
)

const pages = [
  overview,
  deliveries.addChildren([delivery]),
  newEvent,
  events.addChildren([event]),
  newEndpoint,
  endpoints,
  endpoint,
  types,
  type,
  replays,
  newReplay,
  replay,
  replayBatch,
  notifications,
  firstSteps,
  tenants,
  tenant,
  operate,
  nodes,
  checks,
  rejected,
  setAside,
  audit,
  apiKeys,
  sessions,
  portalLooks,
  operateNotifications,
  egress,
  settings,
] as const

/** What the portal has none of: other tenants, and the installation. */
const OPERATORS = /^\/?(tenants|operate)\b|^\/?events\/new$|^\/?replays\/\$id$/
/** What only the portal has. */
const CUSTOMERS = /^\/?first-steps$/
const isThere = ({ options }: (typeof pages)[number]): boolean => {
  const { path = '' } = options as { readonly path?: string }
  if (!IS_PORTAL) return !CUSTOMERS.test(path)
  return !OPERATORS.test(path) && (path === '/' || !isLeftOut(`/${path.replace(/^\//, '')}`))
}

/** Every other path. Within the frame, so that there is a way on. */
const unknown = createRoute({
  getParentRoute: () => inside,
  path: '$',
  staticData: { title: shell.notFound.title },
  component: NotFound,
})

/** The public pages about event types, which need no session. They are all that there is where they are. */
const publicPages = createRoute({
  getParentRoute: () => root,
  id: 'public',
  component: codeOf(() => import('../pages/types/frame.tsx'), 'Frame'),
})
const publicTree = () =>
  root.addChildren([
    publicPages.addChildren([
      createRoute({
        getParentRoute: () => publicPages,
        path: '/types',
        validateSearch: only('q'),
        component: codeOf(() => import('../pages/types/list.tsx'), 'Page'),
      }),
      createRoute({
        getParentRoute: () => publicPages,
        path: '/types/$name',
        validateSearch: only('lang'),
        component: codeOf(() => import('../pages/types/one.tsx'), 'Page'),
      }),
      createRoute({
        getParentRoute: () => publicPages,
        path: '$',
        component: codeOf(() => import('../pages/types/frame.tsx'), 'Closed'),
      }),
    ]),
  ])

const insideTree = () =>
  root.addChildren([
    signIn,
    signedOn,
    inside.addChildren([...(pages.filter(isThere) as unknown as typeof pages), unknown]),
  ])

export const router = createRouter({
  routeTree: IS_TYPES ? (publicTree() as unknown as ReturnType<typeof insideTree>) : insideTree(),
  // The public pages are next to the portal, and have its files.
  basepath: IS_TYPES ? new URL('..', BASE).pathname : BASE.pathname,
  context: { queryClient },
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  // Nothing is shown while a page's code loads: what was there stays.
  defaultPendingMs: 60_000,
  defaultErrorComponent: Failed,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: false,
})
