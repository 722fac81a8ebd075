import { useSyncExternalStore } from 'react'
import { LOOKS } from '../lib/portal.ts'

export type Theme = 'light' | 'dark' | 'system'

const KEY = 'posthorn.theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

/** The theme of this name. Null if it isn't one of them. */
export const themeNamed = (name: string | null): Theme | null =>
  (['light', 'dark', 'system'] as const).find(each => each === name) ?? null

/** What a link to the portal says, and what was chosen since. It holds until the page is left. */
let given: Theme | null = null

export function setGivenTheme(theme: Theme | null): void {
  given = theme
  show()
}

function read(): Theme {
  if (given !== null) return given
  try {
    const chosen = localStorage.getItem(KEY)
    return chosen === 'light' || chosen === 'dark' || chosen === 'system' ? chosen : LOOKS.theme
  } catch {
    return LOOKS.theme
  }
}

function show(): void {
  const theme = read()
  document.documentElement.dataset.theme = theme === 'system' ? (system.matches ? 'dark' : 'light') : theme
  for (const listener of listeners) listener()
}

system.addEventListener('change', show)

/** Chooses a theme and remembers it in this browser. */
export function setTheme(theme: Theme): void {
  if (given !== null) {
    given = theme
    show()
    return
  }
  try {
    // The portal's own theme stays the one that is shown until another is chosen.
    if (theme === LOOKS.theme) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // Storage is blocked: it holds until the page is left.
    document.documentElement.dataset.theme = theme === 'system' ? '' : theme
    return
  }
  show()
}

export function useTheme(): Theme {
  return useSyncExternalStore(listener => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, read)
}
