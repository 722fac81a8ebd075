/** Serves the dashboard: its page for every path of its own, its files, and a word while there are none. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ASSETS, type Bundle, chooseCoding, PORTAL_PATH, type Served } from './bundle.ts'
import { DashboardFiles, type DashboardState, type FilesOptions } from './files.ts'
import { building, missing, type Placeholder, unavailable } from './placeholders.ts'
import { PortalPage, type ReadLooks } from './portal-page.ts'

/** First segments of paths that are never a page's, so that a mistyped path of the API is not answered with a page. */
export const RESERVED: ReadonlySet<string> = new Set([
  'v1',
  'session',
  'metrics',
  'healthz',
  'readyz',
  'openapi.json',
  '.well-known',
])

/** First segment of the public pages about event types. They belong to the portal, and are next to it. */
const TYPES = 'types'

/** First segments of pages whose paths contain ids and names that callers have chosen, with dots in them. */
const NAMING: ReadonlySet<string> = new Set([
  'deliveries',
  'endpoints',
  'event-types',
  'events',
  'operate',
  'replays',
  'tenants',
])

/**
 * Nothing of another origin, nothing inline, nothing evaluated. Images as `data:` are what a build makes of
 * small ones, and of the icon that shows a state; they run nothing.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
].join('; ')

const policyWith = (frames: readonly string[]): string =>
  `${POLICY}; frame-ancestors ${frames.length === 0 ? "'none'" : frames.join(' ')}`

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

const UNFRAMED = { 'content-security-policy': policyWith([]), 'x-frame-options': 'DENY' }

/** Until a browser asks again whether a file that has no hash in its name has changed. */
const FILE_SECONDS = 3_600
const YEAR_SECONDS = 31_536_000

export type PagesOptions = FilesOptions & {
  /** The origins of pages that can show the portal in a frame. */
  readonly portalFrames: readonly string[]
}

export class Pages {
  readonly #files: DashboardFiles
  readonly #basePath: string
  readonly #framing: Readonly<Record<string, string>>
  readonly #portalPage: PortalPage
  readonly #typesPage: PortalPage

  constructor({ portalFrames, ...options }: PagesOptions) {
    this.#files = new DashboardFiles(options)
    this.#basePath = options.basePath
    this.#portalPage = new PortalPage(options.basePath, portalFrames)
    this.#typesPage = new PortalPage(options.basePath, [], 'types')
    this.#framing = portalFrames.length === 0 ? UNFRAMED : { 'content-security-policy': policyWith(portalFrames) }
  }

  /** Whether the dashboard is built. */
  async isThere(): Promise<boolean> {
    return typeof (await this.#files.current()) !== 'string'
  }

  /** Whether a path that is none of the API's can be the dashboard's. */
  takes(path: string): boolean {
    const own = inPortal(path)
    const segments = (own ?? path).split('/')
    const [, first = ''] = segments
    return (
      !RESERVED.has(first) &&
      !(own !== undefined && first === TYPES) &&
      !segments.some(segment => segment.startsWith('.'))
    )
  }

  /**
   * Answers a GET or HEAD.
   *
   * @param path without query and base path
   * @param refuse answers for a file that doesn't exist
   * @param readLooks how the portal looks
   */
  async answer(
    path: string,
    request: FastifyRequest,
    reply: FastifyReply,
    refuse: () => void,
    readLooks: ReadLooks,
  ): Promise<void> {
    const state = await this.#files.current()
    if (isTypesPath(path)) return this.#answerTypes(state, request, reply, readLooks)
    const ownPath = inPortal(path)
    const isPortal = ownPath !== undefined
    reply.headers(SECURITY_HEADERS).headers(isPortal ? this.#framing : UNFRAMED)
    const served =
      typeof state === 'string' ? undefined : await this.#servedOf(state, ownPath ?? path, isPortal, readLooks)
    if (served !== undefined) send(served, request, reply)
    else if (!isPagePath(ownPath ?? path)) refuse()
    else sendPlaceholder(isPortal ? unavailable(this.#basePath) : placeholderOf(state, this.#basePath), reply)
  }

  /** Where the operator doesn't want these pages, the page says so in words, with status 404. */
  async #answerTypes(
    state: DashboardState,
    request: FastifyRequest,
    reply: FastifyReply,
    readLooks: ReadLooks,
  ): Promise<void> {
    reply.headers(SECURITY_HEADERS).headers(UNFRAMED)
    const looks = await readLooks().catch(() => undefined)
    if (typeof state === 'string' || looks === undefined) sendPlaceholder(unavailable(this.#basePath), reply)
    else {
      const served = await this.#typesPage.served(state, async () => looks)
      send(served, request, reply, looks.publicTypes ? 200 : 404)
    }
  }

  async #servedOf(bundle: Bundle, path: string, isPortal: boolean, readLooks: ReadLooks): Promise<Served | undefined> {
    const file = bundle.files.get(path) ?? (path.startsWith(ASSETS) ? this.#files.before?.files.get(path) : undefined)
    if (file !== undefined || !isPagePath(path)) return file
    return isPortal ? this.#portalPage.served(bundle, readLooks) : bundle.page
  }
}

/** What a path of the portal would be in the dashboard. Undefined: it is none of the portal's. */
function inPortal(path: string): string | undefined {
  const own = `/${PORTAL_PATH}`
  if (path === own.slice(0, -1)) return '/'
  return path.startsWith(own) ? path.slice(own.length - 1) : undefined
}

const isTypesPath = (path: string): boolean => path === `/${TYPES}` || path.startsWith(`/${TYPES}/`)

/** Whose session the page at a path is for: the address that the request arrived at has to have it. */
export const sessionKindOf = (path: string): 'session' | 'portal' =>
  inPortal(path) !== undefined || isTypesPath(path) ? 'portal' : 'session'

/** A last segment with a dot names a file, but for those pages whose paths contain names. */
function isPagePath(path: string): boolean {
  if (path.startsWith(ASSETS)) return false
  const segments = path.split('/')
  return !segments.at(-1)!.includes('.') || (segments.length > 2 && NAMING.has(segments[1]!))
}

function send(served: Served, { headers, method }: FastifyRequest, reply: FastifyReply, status: 200 | 404 = 200): void {
  const { type, isImmutable } = served
  const coding = chooseCoding(headers['accept-encoding'], served)
  const etag = `"${served.etag}${coding === undefined ? '' : `-${coding}`}"`
  const isPage = type.startsWith('text/html')
  reply.code(status).header('vary', 'Accept-Encoding')
  if (status === 404) reply.header('cache-control', 'no-store')
  else reply.header('etag', etag).header('cache-control', cacheOf(isPage, isImmutable))
  const known = headers['if-none-match']?.split(',').map(each => each.trim().replace(/^W\//, '')) ?? []
  if (status === 200 && known.includes(etag)) {
    reply.code(304).send()
    return
  }
  const bytes = coding === undefined ? served.bytes : served.coded.get(coding)!
  if (coding !== undefined) reply.header('content-encoding', coding)
  reply.header('content-type', type).header('content-length', bytes.length)
  reply.send(method === 'HEAD' ? null : bytes)
}

function cacheOf(isPage: boolean, isImmutable: boolean): string {
  if (isPage) return 'no-cache'
  return isImmutable ? `public, max-age=${YEAR_SECONDS}, immutable` : `public, max-age=${FILE_SECONDS}`
}

function placeholderOf(state: DashboardState, basePath: string): Placeholder {
  return (state === 'building' ? building : missing)(basePath)
}

/** With status 200: a browser would log anything else as an error. */
function sendPlaceholder({ html, refreshSeconds }: Placeholder, reply: FastifyReply): void {
  reply
    .header('refresh', String(refreshSeconds))
    .header('cache-control', 'no-store')
    .header('content-type', 'text/html; charset=utf-8')
    .send(Buffer.from(html))
}
