import { Popover as Base } from '@base-ui/react/popover'
import type { ReactElement, ReactNode } from 'react'
import { cx } from '../lib/cx.ts'
import styles from './popup.module.css'

type Props = {
  readonly trigger: ReactElement
  readonly label: string
  readonly open?: boolean
  readonly onOpenChange?: (open: boolean) => void
  readonly align?: 'start' | 'center' | 'end'
  readonly children: ReactNode
}

/** A small surface next to its trigger, for a few fields. Esc and a click elsewhere close it. */
export function Popover({ trigger, label, open, onOpenChange, align = 'start', children }: Props) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange && (next => onOpenChange(next))}>
      <Base.Trigger render={trigger as ReactElement<Record<string, unknown>>} />
      <Base.Portal>
        <Base.Positioner className={styles.positioner} sideOffset={4} align={align} collisionPadding={8}>
          <Base.Popup className={cx(styles.popup, styles.roomy)} aria-label={label}>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
