import { useEffect, useRef } from 'react'

type Handlers = Readonly<Record<string, (event: KeyboardEvent) => void>>

/** What was put on the page last gets a key first. */
const stack: { current: Handlers }[] = []
let prefix = ''
let prefixTimer: ReturnType<typeof setTimeout> | undefined

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const isMod = event.metaKey || event.ctrlKey
  const isTyping =
    event.target instanceof HTMLElement && event.target.closest('input, textarea, select, [contenteditable]')
  // An open dialog or menu has its own keys.
  if (document.querySelector('[role="dialog"][data-open], [role="menu"][data-open], [role="listbox"][data-open]'))
    return
  if ((isTyping && !isMod && event.key !== 'Escape') || event.altKey) return
  const pressed = keyOf(event)
  const key = isMod ? `mod+${pressed.toLowerCase()}` : pressed
  // A key that is held down repeats: going through rows is meant then, sending a delivery many times isn't.
  if (event.repeat && !REPEATING.has(key)) return
  const name = prefix === '' ? key : `${prefix} ${key}`
  clearTimeout(prefixTimer)
  prefix = ''
  for (const { current } of stack.toReversed()) {
    const handler = current[name]
    if (handler === undefined) continue
    event.preventDefault()
    handler(event)
    return
  }
  if (name === 'g') {
    prefix = 'g'
    prefixTimer = setTimeout(() => {
      prefix = ''
    }, 1_200)
  }
}

const REPEATING = new Set(['j', 'k'])

/**
 * The key as it is called here: in lower case with Caps Lock, and by its place on the keyboard where letters are other
 * than Latin.
 */
function keyOf({ key, code, shiftKey }: KeyboardEvent): string {
  const letter = /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase()
  if (letter !== undefined && key.length === 1 && key > '\u007f') return letter
  return /^[A-Z]$/.test(key) && !shiftKey ? key.toLowerCase() : key
}

type Options = {
  /** Only if nothing else on the page wants the key, whichever came first. */
  readonly isFallback?: boolean
}

/**
 * Keys of the page while the component is there: `j`, `?`, `Escape`, `mod+k` (⌘ or Ctrl), `g d` (one after the other).
 * They rest while something is typed.
 */
export function useHotkeys(handlers: Handlers, { isFallback = false }: Options = {}): void {
  const latest = useRef(handlers)
  latest.current = handlers
  useEffect(() => {
    if (stack.length === 0) addEventListener('keydown', onKeyDown)
    if (isFallback) stack.unshift(latest)
    else stack.push(latest)
    return () => {
      stack.splice(stack.indexOf(latest), 1)
      if (stack.length === 0) removeEventListener('keydown', onKeyDown)
    }
  }, [isFallback])
}
