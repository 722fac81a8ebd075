/**
 * The portal's page: the dashboard's, with what it needs before its first paint in its `<base>`. Asked for by a script,
 * the looks would come after the page has been seen without them.
 */
import { type Bundle, PORTAL_PATH, pageWithBase, type Served } from './bundle.ts'

/** How the portal looks, as `GET /portal/v1/portal-looks` returns it. Rejects while it isn't known. */
export type ReadLooks = () => Promise<{ readonly publicTypes: boolean }>

/** `types`: the public pages about event types, which have the portal's looks and files, but no session. */
export type PortalPages = 'portal' | 'types'

export class PortalPage {
  readonly #basePath: string
  readonly #frames: string
  readonly #pages: PortalPages
  #bundle: Bundle | undefined
  #base = ''
  #served: Promise<Served> | undefined

  /**
   * @param basePath where the dashboard is, with a slash at both ends
   * @param frames the origins of pages that can show the portal in a frame
   */
  constructor(basePath: string, frames: readonly string[], pages: PortalPages = 'portal') {
    this.#basePath = basePath
    this.#frames = frames.join(' ')
    this.#pages = pages
  }

  /** Compressed once for each build and looks. Without looks while those aren't known. */
  async served(bundle: Bundle, readLooks: ReadLooks): Promise<Served> {
    const looks = await readLooks().catch(() => undefined)
    const base = this.#baseWith(looks)
    if (this.#served === undefined || bundle !== this.#bundle || base !== this.#base) {
      this.#bundle = bundle
      this.#base = base
      this.#served = pageWithBase(bundle.html, base)
    }
    return this.#served
  }

  #baseWith(looks: object | undefined): string {
    // The address alone doesn't tell a portal from a dashboard whose own path ends with `/portal/`.
    const attributes = [`href="${this.#basePath}${PORTAL_PATH}"`, `data-pages="${this.#pages}"`]
    if (this.#frames !== '') attributes.push(`data-frames="${escaped(this.#frames)}"`)
    if (looks !== undefined) attributes.push(`data-looks="${escaped(JSON.stringify(looks))}"`)
    return `<base ${attributes.join(' ')}>`
  }
}

const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, each => `&#${each.charCodeAt(0)};`)
