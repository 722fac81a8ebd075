import { Menu as Base } from '@base-ui/react/menu'
import { cx } from '../lib/cx.ts'
import { Icon } from './icon.tsx'
import type { MenuContent } from './menu.tsx'
import { isOwnPress, type Surface } from './opener.ts'
import styles from './popup.module.css'

/** The name of the button that opened it. */
const nameOf = ({ anchor: { current } }: Surface): string => current?.ariaLabel ?? current?.textContent ?? ''

/** What a menu opens. */
export default function MenuSurface({ entries, align = 'end', header, ...surface }: MenuContent & Surface) {
  return (
    <Base.Root
      open
      onOpenChange={(next, change) => {
        if (!isOwnPress(surface, change)) surface.onOpenChange(next)
      }}
    >
      {/* A landmark, as what the menu lies over is hidden while it is open. */}
      <Base.Portal render={<section aria-label={nameOf(surface)} />}>
        <Base.Positioner
          className={styles.positioner}
          anchor={surface.anchor}
          sideOffset={4}
          align={align}
          collisionPadding={8}
        >
          <Base.Popup className={styles.popup} finalFocus={surface.anchor}>
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
