/**
 * Shows the portal of a tenant in a frame on a page of the provider. What the two pages tell each other is in decision 57
 * of Posthorn.
 */

export type PortalOptions = {
  /**
   * Asks your backend for a link to the portal, and returns its `url`. Called at first, and when the frame needs another:
   * when its session has ended, or it was reloaded.
   */
  readonly getLink: () => Promise<string>
  /** What screen readers say the frame is. Default: `Webhooks`. */
  readonly title?: string
  /** Least height of the frame, in CSS pixels. Default: 480. */
  readonly minHeight?: number
  /**
   * Greatest height of the frame, in CSS pixels. Beyond it, the portal scrolls in the frame. Default: the height of the
   * window, so that dialogs of the portal are never out of sight.
   */
  readonly maxHeight?: number
  /** Called when the user wants to leave the portal, for which it then has a link. Default: it has none. */
  readonly onReturn?: () => void
  /** Called when the portal's session has ended, before `getLink` is called for another. Default: nothing happens. */
  readonly onSessionEnd?: () => void
  /** Called when no link could be had, or it is not a link to a portal. Default: the console shows the error. */
  readonly onError?: (error: unknown) => void
}

export type MountedPortal = {
  /** Removes the frame, and ends with it the session that only the frame has. */
  unmount(): void
}

/** An element of the page, such as a `div`. */
export type PortalTarget = { readonly ownerDocument: unknown; append(...nodes: never[]): void }

// Of what browsers have, what is used here: this package is for runtimes without a document too.
type Message = { readonly source: unknown; readonly origin: string; readonly data: unknown }
type Window = {
  readonly innerHeight: number
  addEventListener(kind: 'message', listener: (message: Message) => void): void
  addEventListener(kind: 'resize', listener: () => void): void
  removeEventListener(kind: 'message', listener: (message: Message) => void): void
  removeEventListener(kind: 'resize', listener: () => void): void
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
type Document = { readonly defaultView: Window | null; createElement(name: 'iframe'): Frame }

/** The frame runs its own scripts, and opens your help in another tab. It can't navigate your page. */
const SANDBOX = [
  'allow-scripts',
  'allow-same-origin',
  'allow-forms',
  'allow-downloads',
  'allow-popups',
  'allow-popups-to-escape-sandbox',
].join(' ')

/** Shows the portal in an element, until `unmount`. Throws TypeError where there is no document. */
export function mountPortal(target: PortalTarget, options: PortalOptions): MountedPortal {
  const document = target.ownerDocument as Document | undefined
  const page = document?.defaultView
  if (document === undefined || page == null) {
    throw new TypeError('The portal can only be mounted in a page that is shown.')
  }
  const portal = new MountedFrame(document.createElement('iframe'), page, options)
  target.append(portal.frame as never)
  page.addEventListener('message', portal.hear)
  page.addEventListener('resize', portal.resize)
  void portal.open()
  return {
    unmount() {
      page.removeEventListener('message', portal.hear)
      page.removeEventListener('resize', portal.resize)
      portal.close()
    },
  }
}

class MountedFrame {
  readonly frame: Frame
  readonly #page: Window
  readonly #options: PortalOptions
  /** Where the portal is. Undefined until there is a link. */
  #at: { readonly origin: string; readonly path: string } | undefined
  /** The height of what the frame shows. */
  #height = 0
  #isAsking = false
  #isClosed = false

  constructor(frame: Frame, page: Window, options: PortalOptions) {
    this.frame = frame
    this.#page = page
    this.#options = options
    frame.title = options.title ?? 'Webhooks'
    frame.allow = 'clipboard-write'
    Object.assign(frame.style, { border: '0', display: 'block', width: '100%' })
    this.resize()
    // Its answers go to the page that said this.
    frame.addEventListener('load', () => this.#send({ kind: 'hello', returns: options.onReturn !== undefined }))
  }

  /** Shows the portal with a new link. */
  async open(): Promise<void> {
    const link = await this.#link()
    if (link === undefined) return
    this.#at = { origin: link.origin, path: link.pathname }
    // Not before: browsers would warn of the empty frame, which is of your page's origin.
    this.frame.setAttribute('sandbox', SANDBOX)
    this.frame.src = link.href
  }

  close(): void {
    this.#isClosed = true
    this.frame.remove()
  }

  readonly resize = (): void => {
    const { minHeight = 480, maxHeight = this.#page.innerHeight } = this.#options
    this.frame.style.height = `${Math.max(Math.min(Math.ceil(this.#height), maxHeight), minHeight)}px`
  }

  /** Only of this frame, and only while the portal is in it: a page that it was led to has another origin. */
  readonly hear = ({ source, origin, data }: Message): void => {
    if (this.#at === undefined || source !== this.frame.contentWindow || origin !== this.#at.origin) return
    const { posthorn, kind, height, hasEnded } = (data ?? {}) as Readonly<Record<string, unknown>>
    if (posthorn !== 'portal') return
    if (kind === 'size' && typeof height === 'number' && Number.isFinite(height)) {
      this.#height = height
      this.resize()
    } else if (kind === 'link-wanted') {
      if (hasEnded === true) this.#options.onSessionEnd?.()
      void this.#renew()
    } else if (kind === 'return') this.#options.onReturn?.()
  }

  async #renew(): Promise<void> {
    const link = await this.#link()
    if (link === undefined) return
    if (link.origin !== this.#at?.origin || link.pathname !== this.#at.path) {
      this.#at = { origin: link.origin, path: link.pathname }
      this.frame.src = link.href
    } else this.#send({ kind: 'link', fragment: link.hash.slice(1) })
  }

  /** One at a time, so that a frame that asks again and again gets no more links than your backend is willing to make. */
  async #link(): Promise<URL | undefined> {
    if (this.#isAsking || this.#isClosed) return undefined
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

  /** Only to where the link leads: another page in the frame doesn't get it. */
  #send(message: object): void {
    if (this.#at === undefined) return
    this.frame.contentWindow?.postMessage({ posthorn: 'portal', ...message }, this.#at.origin)
  }
}

/** Anything else, such as `javascript:`, would run in your page or show something that is not the portal. */
function readLink(text: unknown): URL {
  if (typeof text === 'string' && /^https?:[^#]+#token=ppl_[\w-]+(?:&|$)/i.test(text) && URL.canParse(text))
    return new URL(text)
  // Without the text itself: it can contain a token.
  throw new TypeError("getLink must return the `url` of a link to a tenant's portal.")
}
