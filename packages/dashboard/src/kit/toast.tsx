import { type ReactNode, useSyncExternalStore } from 'react'
import { cx } from '../lib/cx.ts'
import { onForget } from '../lib/forget.ts'
import { common, shell } from '../strings/index.ts'
import { IconButton } from './button.tsx'
import { Icon } from './icon.tsx'
import styles from './toast.module.css'

type Toast = {
  readonly id: number
  readonly tone: 'done' | 'error'
  readonly text: string
  readonly action?: ReactNode
}

let toasts: readonly Toast[] = []
let nextId = 1
const listeners = new Set<() => void>()

function set(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}

// What failed stays, and names what the next session might not see.
onForget(() => set([]))

/** Says what was done or what failed, at the edge of the page. What failed stays until it is dismissed. */
export function toast(
  text: string,
  options: { readonly tone?: Toast['tone']; readonly action?: ReactNode } = {},
): void {
  const one: Toast = { id: nextId++, tone: 'done', text, ...options }
  set([...toasts.slice(-2), one])
  if (one.tone === 'done') setTimeout(() => set(toasts.filter(({ id }) => id !== one.id)), 6_000)
}

/** The place where toasts appear; once in a page. */
export function Toasts() {
  const shown = useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => toasts,
  )
  return (
    <section className={styles.toasts} aria-live="polite" aria-label={shell.notices}>
      {shown.map(({ id, tone, text, action }) => (
        <div key={id} className={cx(styles.toast, styles[tone])}>
          <Icon name={tone === 'done' ? 'check' : 'warning'} />
          <span>{text}</span>
          {action}
          <IconButton
            icon="cross"
            small
            label={common.dismiss}
            onClick={() => set(toasts.filter(one => one.id !== id))}
          />
        </div>
      ))}
    </section>
  )
}
