import { Icon, type IconName } from './icon.tsx'
import styles from './text.module.css'

/** Keys that are drawn: not every font has them. */
const DRAWN: Readonly<Record<string, IconName>> = { '↑': 'up', '↓': 'down' }

/** A key of the keyboard. */
export function Kbd({ children }: { readonly children: string }) {
  const icon = DRAWN[children]
  if (icon === undefined) return <kbd className={styles.kbd}>{children}</kbd>
  return (
    <kbd className={styles.kbd} title={children}>
      <Icon name={icon} size={10} />
    </kbd>
  )
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
