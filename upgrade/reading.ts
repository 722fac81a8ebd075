/** Reads everything that the API returns about an installation, so that two versions can be compared. */

export type Readings = ReadonlyMap<string, Reading>
export type Reading = { readonly status: number; readonly body: unknown }

/** A server's address and its root API key. */
export type Api = { readonly url: string; readonly apiKey: string }

type Operation = { readonly parameters?: readonly { readonly name: string; readonly in: string }[] }
type Item = Readonly<Record<string, unknown>>

/** Paths that are not read, by the reason. */
const LEFT_OUT: Readonly<Record<string, readonly RegExp[]>> = {
  'about the process, not the installation': [
    /^\/healthz$/,
    /^\/readyz/,
    /^\/metrics$/,
    /^\/openapi\.json$/,
    /^\/v1\/(nodes|settings|checks)$/,
  ],
  endless: [/\/stream$/],
  'read by the holder of a session or a link, in installation.ts': [
    /^\/v1\/(portal-)?session(-state)?$/,
    /^\/notification-links\//,
  ],
  'about all tenants, and so about the load': [/^\/v1\/(overview|stats|tenant-stats)$/],
}

const DAY_MS = 86_400_000
const dayOf = (offset: number) => new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10)
const PERIOD = `from=${dayOf(-1)}&to=${dayOf(2)}&step=day`

/** Queries of calls that need one, or that would return the load's rows. */
const queriesFor = (tenant: string): Readonly<Record<string, string>> => ({
  '/v1/audit': `tenant=${tenant}`,
  '/v1/deliveries': `tenant=${tenant}`,
  '/v1/endpoints': `tenant=${tenant}`,
  '/v1/events': `tenant=${tenant}`,
  '/v1/rejected-events': `tenant=${tenant}`,
  '/v1/schedule-preview': 'schedule=30,60',
  '/v1/search': 'q=order-1',
  '/v1/tenants/{tenant}/search': 'q=order-1',
  '/v1/tenants/{tenant}/stats': PERIOD,
})

/**
 * Calls every GET of the server's own OpenAPI document about one tenant, with each id that a list returned.
 * @param document the OpenAPI document to take the paths from: for the second reading, the old version's
 */
export async function readAll(api: Api, tenant: string, document: Document): Promise<Readings> {
  const queries = queriesFor(tenant)
  const readings = new Map<string, Reading>()
  const read = async (path: string, query: string) => {
    const key = query === '' ? path : `${path}?${query}`
    const known = readings.get(key)
    if (known !== undefined) return known
    const reading = await get(api, key)
    readings.set(key, reading)
    return reading
  }
  /** The paths that a template stands for. */
  const expand = async (template: string): Promise<string[]> => {
    const match = /\{(\w+)\}/.exec(template)
    if (match === null) return [template]
    const values = match[1] === 'tenant' ? [tenant] : idsIn(await read(...listOf(template.slice(0, match.index - 1))))
    const filled = values.map(value => template.replace(match[0], encodeURIComponent(value)))
    return (await Promise.all(filled.map(expand))).flat()
  }
  const queryOf = (template: string) => {
    const takesLimit = document.paths[template]?.get?.parameters?.some(({ name }) => name === 'limit')
    return [queries[template], takesLimit ? 'limit=100' : undefined].filter(each => each !== undefined).join('&')
  }
  /** The list that an id comes from; its own template is the one that matches it. */
  const listOf = (path: string): [string, string] => {
    const template = Object.keys(document.paths).find(each => patternOf(each).test(path)) ?? path
    return [path, queryOf(template)]
  }
  for (const template of templatesOf(document)) {
    for (const path of await expand(template)) await read(path, queryOf(template))
  }
  return readings
}

export type Document = { readonly paths: Readonly<Record<string, { readonly get?: Operation }>> }

export async function readDocument(api: Api): Promise<Document> {
  return (await get(api, '/openapi.json')).body as Document
}

/** Paths that are compared, those without ids first. */
function templatesOf({ paths }: Document): string[] {
  const leftOut = Object.values(LEFT_OUT).flat()
  return Object.keys(paths)
    .filter(path => paths[path]!.get !== undefined && !leftOut.some(each => each.test(path)))
    .sort((a, b) => a.split('{').length - b.split('{').length || (a < b ? -1 : 1))
}

const patternOf = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`)

function idsIn({ body }: Reading): string[] {
  const { data } = (body ?? {}) as { data?: readonly Item[] }
  return (data ?? []).map(item => item.id ?? item.name).filter(id => typeof id === 'string')
}

/** Paths of the document that are served under another prefix, to anyone. */
const prefixOf = (path: string) => {
  if (/^\/v1\/(portal-looks|public-event-types)/.test(path)) return '/portal'
  return path === '/v1/sign-in-options' ? '/session' : ''
}

async function get({ url, apiKey }: Api, path: string): Promise<Reading> {
  const response = await fetch(url + prefixOf(path) + path, { headers: { authorization: `Bearer ${apiKey}` } })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  // An export is a line of JSON for each row.
  if (isJson && !text.includes('\n')) return { status: response.status, body: JSON.parse(text) }
  return { status: response.status, body: text.split('\n').map(parseLine) }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}

/** Values that can differ although nothing was lost: cursors, which only the version that made them reads, and when the call was made. */
const VOLATILE = [
  /\.(next|prev)Cursor$/,
  /\/export\.body\[0\]\.at$/,
  /\/overview\.body\.(at|backlog\.countedAt|rejected\.since)$/,
]

/** Returns a line for everything that is in `before` and isn't the same in `after`. New members are no difference. */
export function differencesOf(before: Readings, after: Readings): string[] {
  return [...before].flatMap(([key, reading]) => {
    const other = after.get(key)
    return other === undefined ? [`${key}: is gone`] : compare(key, reading, other)
  })
}

function compare(at: string, before: unknown, after: unknown): string[] {
  if (VOLATILE.some(each => each.test(at))) return []
  if (Array.isArray(before)) {
    if (!Array.isArray(after) || after.length !== before.length) return [`${at}: ${show(before)} → ${show(after)}`]
    return before.flatMap((each, index) => compare(`${at}[${index}]`, each, after[index]))
  }
  if (typeof before === 'object' && before !== null) {
    if (typeof after !== 'object' || after === null) return [`${at}: ${show(before)} → ${show(after)}`]
    return Object.entries(before).flatMap(([name, value]) => compare(`${at}.${name}`, value, (after as Item)[name]))
  }
  return Object.is(before, after) ? [] : [`${at}: ${show(before)} → ${show(after)}`]
}

const LONGEST_SHOWN = 300
const show = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, LONGEST_SHOWN)
