import { type ReactNode, useEffect, useRef } from 'react'
import { cx } from '../lib/cx.ts'
import { common } from '../strings/index.ts'
import { IconButton } from './button.tsx'
import styles from './drawer.module.css'
import { useHotkeys } from './hotkeys.ts'

type SplitProps = {
  /** The detail, usually the router's `<Outlet />`. */
  readonly detail: ReactNode
  readonly isOpen: boolean
  readonly children: ReactNode
}

/** A list and, next to it, what was opened in it. */
export function Split({ detail, isOpen, children }: SplitProps) {
  return (
    <div className={styles.split}>
      <div className={cx(styles.list, isOpen && styles.covered)}>{children}</div>
      {detail}
    </div>
  )
}

type DrawerProps = {
  readonly label: string
  readonly title: ReactNode
  readonly actions?: ReactNode
  readonly onClose: () => void
  /** What it shows: when it changes, the focus goes to the drawer and it scrolls to its top. */
  readonly subject: string
  readonly children: ReactNode
}

/** The detail next to a list. Its address is its own; Esc closes it. */
export function Drawer({ label, title, actions, onClose, subject, children }: DrawerProps) {
  const body = useRef<HTMLDivElement>(null)
  useHotkeys({ Escape: onClose })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another subject begins at the top
  useEffect(() => {
    body.current?.scrollTo(0, 0)
    // Below 900 px it takes the place of the list, where the focus was.
    if (matchMedia('(max-width: 899px)').matches) body.current?.focus()
  }, [subject])
  return (
    <aside className={styles.drawer} aria-label={label}>
      <div className={styles.head}>
        <div className={styles.title}>{title}</div>
        {actions}
        <IconButton icon="cross" label={common.close} onClick={onClose} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div className={styles.body} ref={body} tabIndex={0} data-fills="drawer">
        {children}
      </div>
    </aside>
  )
}
