import { Popover as Base } from '@base-ui/react/popover'
import { cx } from '../lib/cx.ts'
import { isOwnPress, type Surface } from './opener.ts'
import type { PopoverContent } from './popover.tsx'
import styles from './popup.module.css'

/** What a popover opens. */
export default function PopoverSurface({ label, align = 'start', children, ...surface }: PopoverContent & Surface) {
  return (
    <Base.Root
      open
      onOpenChange={(next, change) => {
        if (!isOwnPress(surface, change)) surface.onOpenChange(next)
      }}
    >
      <Base.Portal>
        <Base.Positioner
          className={styles.positioner}
          anchor={surface.anchor}
          sideOffset={4}
          align={align}
          collisionPadding={8}
        >
          <Base.Popup className={cx(styles.popup, styles.roomy)} aria-label={label} finalFocus={surface.anchor}>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
