import { Menu as Base } from '@base-ui/react/menu'
import type { ReactElement, ReactNode } from 'react'
import { cx } from '../lib/cx.ts'
import { Icon, type IconName } from './icon.tsx'
import styles from './popup.module.css'

export type MenuEntry =
  | {
      readonly label: ReactNode
      readonly icon?: IconName
      readonly hint?: ReactNode
      readonly danger?: boolean
      readonly disabled?: boolean
      readonly onSelect: () => void
    }
  | 'separator'

type Props = {
  readonly trigger: ReactElement
  readonly entries: readonly MenuEntry[]
  readonly align?: 'start' | 'end'
  readonly header?: ReactNode
}

/** A menu of actions. */
export function Menu({ trigger, entries, align = 'end', header }: Props) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger as ReactElement<Record<string, unknown>>} />
      <Base.Portal>
        <Base.Positioner className={styles.positioner} sideOffset={4} align={align} collisionPadding={8}>
          <Base.Popup className={styles.popup}>
            {header !== undefined && <div className={styles.group}>{header}</div>}
            {entries.map((entry, index) =>
              entry === 'separator' ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: separators have no other name
                <Base.Separator key={index} className={styles.separator} />
              ) : (
                <Base.Item
                  // biome-ignore lint/suspicious/noArrayIndexKey: entries don't move
                  key={index}
                  disabled={entry.disabled ?? false}
                  className={cx(styles.item, entry.danger && styles.danger)}
                  onClick={entry.onSelect}
                >
                  {entry.icon !== undefined && <Icon name={entry.icon} />}
                  {entry.label}
                  {entry.hint !== undefined && <span className={styles.hint}>{entry.hint}</span>}
                </Base.Item>
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
