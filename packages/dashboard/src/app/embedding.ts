/**
 * What the portal and the page around its frame tell each other (decision 57): how high the portal is, that it needs
 * another link, and that its user wants to leave. Nothing without a frame.
 */
import { FRAMES, IS_FRAMED } from '../lib/portal.ts'
import { changed, takeFragment } from './portal-session.ts'

/** How long a page has to say hello, and to answer that it has another link; how often it is asked without a click. */
const HELLO_MS = 2_000
const ANSWER_MS = 15_000
const ASK_EVERY_MS = 30_000

/** The page around the frame. */
export type Host = {
  readonly origin: string
  /** Whether it has somewhere to return to. */
  readonly returns: boolean
}

let host: Host | null = null
let wanted: { readonly hasEnded: boolean } | null = null
let askedAt = Number.NEGATIVE_INFINITY
const listeners = new Set<() => void>()

/** Has to be called before anything is waited for, so that the page's hello isn't missed. */
export function listenToHost(): void {
  if (IS_FRAMED) addEventListener('message', hear)
}

/** The browser enforces the list of origins, too: a page of another gets no frame. */
function hear({ source, origin, data }: MessageEvent<unknown>): void {
  if (source !== window.parent || !FRAMES.includes(origin)) return
  const { posthorn, kind, returns, fragment } = (data ?? {}) as Readonly<Record<string, unknown>>
  if (posthorn !== 'portal') return
  if (kind === 'hello') {
    host = { origin, returns: returns === true }
    if (wanted !== null) send({ kind: 'link-wanted', ...wanted })
    report()
    for (const listener of listeners) listener()
  } else if (kind === 'link' && wanted !== null && origin === host?.origin && typeof fragment === 'string') {
    // What has no token in it is no link: the page is still waiting for one.
    if (takeFragment(fragment)) wanted = null
  }
}

function send(message: object): void {
  if (host !== null) window.parent.postMessage({ posthorn: 'portal', ...message }, host.origin)
}

/**
 * Asks the page for another link, which comes as any link does. Resolves if none has come for a while, or if it was asked
 * a moment ago: a link that doesn't work would be followed by the next without end.
 */
export async function askForLink(hasEnded: boolean, { isClick = false } = {}): Promise<void> {
  if (!IS_FRAMED || (!isClick && performance.now() - askedAt < ASK_EVERY_MS)) return
  askedAt = performance.now()
  wanted = { hasEnded }
  send({ kind: 'link-wanted', hasEnded })
  await new Promise<void>(resolve => {
    const hello = setTimeout(() => host === null && end(), HELLO_MS)
    const answer = setTimeout(() => end(), ANSWER_MS)
    const end = () => {
      clearTimeout(hello)
      clearTimeout(answer)
      resolve()
    }
    changed.addEventListener('link', end, { once: true })
  })
}

export const askToReturn = (): void => send({ kind: 'return' })

/** The page around the frame. Null until it has said hello. */
export const hostNow = (): Host | null => host

/** Calls a listener when the page has said hello, until the returned function is called. */
export function onHost(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

let reported = -1
let isDue = false

/** Says how high the frame would have to be for nothing in it to scroll, whenever that changes. */
export function reportHeight(): void {
  if (!IS_FRAMED) return
  const soon = () => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      report()
    })
  }
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true, characterData: true })
  addEventListener('resize', soon)
  // What is loaded late, such as the logo.
  addEventListener('load', soon, { capture: true })
  soon()
}

function report(): void {
  const height = naturalHeight()
  if (host === null || height === reported) return
  reported = height
  send({ kind: 'size', height })
}

/**
 * The height of the window in which nothing scrolls: elements with `data-fills` take what is left of it, and those of the
 * same name are in each other. Zero while there are none. What they contain doesn't depend on the height there is.
 */
function naturalHeight(): number {
  const missing = new Map<string, number>()
  for (const element of document.querySelectorAll<HTMLElement>('[data-fills]')) {
    const { clientHeight, dataset, lastElementChild, scrollTop } = element
    if (clientHeight === 0 || lastElementChild === null) continue
    const bottom = lastElementChild.getBoundingClientRect().bottom - element.getBoundingClientRect().top + scrollTop
    const content = bottom + Number.parseFloat(getComputedStyle(element).paddingBottom)
    missing.set(dataset.fills!, (missing.get(dataset.fills!) ?? 0) + content - clientHeight)
  }
  return missing.size === 0 ? 0 : Math.ceil(innerHeight + Math.max(...missing.values()))
}
