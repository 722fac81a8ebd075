/** The dashboard's built files, in memory: paths are looked up in a table, so none leads out of the folder. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'

/** Content codings (RFC 9110 §8.4.1), in the order of preference, with the ending of files that have them. */
const CODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const
export type Coding = (typeof CODINGS)[number][0]

/** A file as it is sent. */
export type Served = {
  readonly type: string
  readonly bytes: Buffer
  readonly coded: ReadonlyMap<Coding, Buffer>
  readonly etag: string
  /** Whether its name changes with its content, so that browsers can keep it. */
  readonly isImmutable: boolean
}

export type Bundle = {
  /** The page, which every path of the dashboard's own gets. */
  readonly page: Served
  /** The page as it was built, without `<base>`. */
  readonly html: string
  /** By path, from `/`. */
  readonly files: ReadonlyMap<string, Served>
}

/** Where the portal's pages are, relative to the dashboard. */
export const PORTAL_PATH = 'portal/'
export const PAGE_FILE = 'index.html'
/** What the build notes for itself. */
const BUILD_FILE = 'build.json'
/** Names of the files in here contain a hash of their content. */
export const ASSETS = '/assets/'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

/**
 * Reads the build in a folder. Rejects if it isn't complete.
 *
 * @param basePath what relative URLs of the page are relative to, with a slash at both ends
 */
export async function loadBundle(folder: string, basePath: string): Promise<Bundle> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
  const files = new Map<string, Served>()
  for (const name of names) {
    if (name === PAGE_FILE || name === BUILD_FILE || CODINGS.some(([, ending]) => name.endsWith(ending))) continue
    files.set(`/${name.split(sep).join('/')}`, await loadFile(folder, name, names))
  }
  const html = await readFile(join(folder, PAGE_FILE), 'utf8')
  return { page: await pageWithBase(html, `<base href="${basePath}">`), html, files }
}

async function loadFile(folder: string, name: string, names: readonly string[]): Promise<Served> {
  const coded = new Map<Coding, Buffer>()
  for (const [coding, ending] of CODINGS) {
    if (names.includes(`${name}${ending}`)) coded.set(coding, await readFile(join(folder, `${name}${ending}`)))
  }
  const bytes = await readFile(join(folder, name))
  const type = TYPES[extname(name)] ?? 'application/octet-stream'
  return { type, bytes, coded, etag: etagOf(bytes), isImmutable: `/${name}`.startsWith(ASSETS) }
}

/** The page with a `<base>`. It is compressed here, because what it is relative to depends on the settings. */
export async function pageWithBase(html: string, base: string): Promise<Served> {
  const bytes = Buffer.from(withBase(html, base))
  const coded = new Map<Coding, Buffer>([
    ['br', await promisify(brotliCompress)(bytes)],
    ['gzip', await promisify(gzip)(bytes)],
  ])
  return { type: TYPES['.html']!, bytes, coded, etag: etagOf(bytes), isImmutable: false }
}

/** Fills in `<base>`, or adds it before everything else that has a URL. */
function withBase(html: string, base: string): string {
  const known = /<base\b[^>]*>/i
  // By a function: in a text, `$&` would stand for what was found.
  return known.test(html) ? html.replace(known, () => base) : html.replace(/<head\b[^>]*>/i, head => head + base)
}

const etagOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16)

/** The best coding that a file has and the client takes (RFC 9110 §12.5.3). Undefined: none. */
export function chooseCoding(accepted: string | undefined, { coded }: Served): Coding | undefined {
  const taken = new Set<string>()
  for (const item of (accepted ?? '').split(',')) {
    const [name = '', ...parameters] = item.split(';').map(part => part.trim().toLowerCase())
    if (!parameters.some(parameter => /^q=0(?:\.0*)?$/.test(parameter))) taken.add(name)
  }
  return CODINGS.map(([coding]) => coding).find(coding => taken.has(coding) && coded.has(coding))
}
