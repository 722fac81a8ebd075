import styles from './text.module.css'

/** A key of the keyboard. */
export function Kbd({ children }: { readonly children: string }) {
  return <kbd className={styles.kbd}>{children}</kbd>
}

/** Text for screen readers only. */
export function Hidden({ children, live = false }: { readonly children: string; readonly live?: boolean }) {
  return (
    <span className={styles.live} aria-live={live ? 'polite' : undefined}>
      {children}
    </span>
  )
}

/** Whether the keyboard has ⌘ rather than Ctrl. */
export const IS_APPLE = /Mac|iPhone|iPad/.test(navigator.platform)
