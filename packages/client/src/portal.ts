/**
 * Shows the portal of a tenant in a frame on a page of the provider. What the two pages tell each other is in decision 57
 * of Posthorn.
 */

export type PortalOptions = {
  /**
   * Asks your backend for a link to the portal, and returns its `url`. Called at first, and when the frame needs another:
   * browsers keep no session in a frame on another site, so a reload ends it.
   */
  readonly getLink: () => Promise<string>
  /** What screen readers say the frame is. Default: `Webhooks`. */
  readonly title?: string
  /** The least height of the frame, in CSS pixels. It grows with its content. Default: 480. */
  readonly minHeight?: number
  /** Called when the user wants to leave the portal. Default: nothing happens. */
  readonly onReturn?: () => void
  /** Called when no link could be had, or it is not a link to a portal. Default: the console shows the error. */
  readonly onError?: (error: unknown) => void
}

export type MountedPortal = { unmount(): void }

/** An element of the page, such as a `div`. */
export type PortalTarget = { readonly ownerDocument: unknown; append(...nodes: never[]): void }

/** Of what browsers have, what is used here: this package is for runtimes without a document too. */
type Message = { readonly source: unknown; readonly origin: string; readonly data: unknown }
type Page = {
  addEventListener(kind: 'message', listener: (message: Message) => void): void
  removeEventListener(kind: 'message', listener: (message: Message) => void): void
}
type Frame = {
  src: string
  title: string
  allow: string
  readonly style: { border: string; display: string; width: string; height: string }
  readonly contentWindow: { postMessage(data: unknown, origin: string): void } | null
  addEventListener(kind: 'load', listener: () => void): void
  setAttribute(name: string, value: string): void
  remove(): void
}
type Document = { readonly defaultView: Page | null; createElement(name: 'iframe'): Frame }

const MAX_HEIGHT = 20_000
/**
 * The frame runs its own scripts, keeps nothing (its origin is another), and opens links to you and to your help. It
 * navigates your page only when its user clicks.
 */
const SANDBOX = [
  'allow-scripts',
  'allow-same-origin',
  'allow-forms',
  'allow-downloads',
  'allow-popups',
  'allow-popups-to-escape-sandbox',
  'allow-top-navigation-by-user-activation',
].join(' ')

/** Shows the portal in an element, until `unmount`. Throws TypeError where there is no document. */
export function mountPortal(target: PortalTarget, options: PortalOptions): MountedPortal {
  const document = target.ownerDocument as Document
  const page = document.defaultView
  if (page === null) throw new TypeError('The portal can only be mounted in a page that is shown.')
  const portal = new MountedFrame(document.createElement('iframe'), options)
  target.append(portal.frame as never)
  page.addEventListener('message', portal.hear)
  void portal.open()
  return {
    unmount() {
      page.removeEventListener('message', portal.hear)
      portal.close()
    },
  }
}

class MountedFrame {
  readonly frame: Frame
  readonly #options: PortalOptions
  /** Where the portal is. Undefined until there is a link. */
  #at: { readonly origin: string; readonly path: string } | undefined
  #isAsking = false
  #isClosed = false

  constructor(frame: Frame, options: PortalOptions) {
    this.frame = frame
    this.#options = options
    frame.title = options.title ?? 'Webhooks'
    frame.allow = 'clipboard-write'
    frame.setAttribute('sandbox', SANDBOX)
    Object.assign(frame.style, { border: '0', display: 'block', width: '100%', height: `${this.#minHeight}px` })
    // Its answers go to the page that said this, so that the frame needs no list of who can show it.
    frame.addEventListener('load', () => this.#send({ kind: 'hello' }))
  }

  get #minHeight(): number {
    return this.#options.minHeight ?? 480
  }

  /** Shows the portal with a new link. */
  async open(): Promise<void> {
    const link = await this.#link()
    if (link === undefined) return
    this.#at = { origin: link.origin, path: link.pathname }
    this.frame.src = link.href
  }

  close(): void {
    this.#isClosed = true
    this.frame.remove()
  }

  /** Only of this frame, and only while the portal is in it: a page that it was led to has another origin. */
  readonly hear = ({ source, origin, data }: Message): void => {
    if (source !== this.frame.contentWindow || origin !== this.#at?.origin) return
    const { posthorn, kind, height } = (data ?? {}) as { posthorn?: unknown; kind?: unknown; height?: unknown }
    if (posthorn !== 'portal') return
    if (kind === 'size' && typeof height === 'number' && Number.isFinite(height)) {
      this.frame.style.height = `${Math.min(Math.max(Math.ceil(height), this.#minHeight), MAX_HEIGHT)}px`
    } else if (kind === 'link-wanted') void this.#renew()
    else if (kind === 'return') this.#options.onReturn?.()
  }

  async #renew(): Promise<void> {
    const link = await this.#link()
    if (link === undefined) return
    if (link.origin !== this.#at?.origin || link.pathname !== this.#at.path) {
      this.#at = { origin: link.origin, path: link.pathname }
      this.frame.src = link.href
    } else this.#send({ kind: 'link', token: tokenOf(link) })
  }

  /** One at a time, so that a frame that asks again and again gets no more links than your backend is willing to make. */
  async #link(): Promise<URL | undefined> {
    if (this.#isAsking) return undefined
    this.#isAsking = true
    try {
      const link = readLink(await this.#options.getLink())
      return this.#isClosed ? undefined : link
    } catch (error) {
      if (!this.#isClosed) (this.#options.onError ?? console.error)(error)
      return undefined
    } finally {
      this.#isAsking = false
    }
  }

  #send(message: object): void {
    if (this.#at !== undefined)
      this.frame.contentWindow?.postMessage({ posthorn: 'portal', ...message }, this.#at.origin)
  }
}

const tokenOf = (link: URL): string => link.hash.slice('#token='.length)

/** Anything else, such as `javascript:`, would run in your page or show something that is not the portal. */
function readLink(text: string): URL {
  const link = new URL(text)
  const isWeb = link.protocol === 'https:' || link.protocol === 'http:'
  if (isWeb && /^#token=ppl_[\w-]+$/.test(link.hash)) return link
  throw new TypeError("getLink must return the `url` of a link to a tenant's portal.")
}
