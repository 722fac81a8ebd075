import { Tooltip as Base } from '@base-ui/react/tooltip'
import type { ReactNode, RefObject } from 'react'
import styles from './popup.module.css'

type Props = {
  readonly anchor: RefObject<HTMLElement | null>
  readonly onClose: () => void
  readonly onPointerEnter: () => void
  readonly onPointerLeave: () => void
  readonly children: ReactNode
}

/** What a tooltip shows. */
export default function TooltipSurface({ anchor, onClose, onPointerEnter, onPointerLeave, children }: Props) {
  return (
    <Base.Root open onOpenChange={next => !next && onClose()}>
      <Base.Portal>
        <Base.Positioner className={styles.positioner} anchor={anchor} sideOffset={6}>
          <Base.Popup className={styles.tooltip} onPointerEnter={onPointerEnter} onPointerLeave={onPointerLeave}>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
