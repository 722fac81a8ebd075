import { type ComponentProps, cloneElement, type ReactElement, useRef, useState } from 'react'

/** A button, or a component that passes everything on to one. */
export type Trigger = ReactElement<ComponentProps<'button'>>

type Options = {
  readonly opens: 'menu' | 'dialog'
  /** Controlled from outside if given. */
  readonly open?: boolean | undefined
  readonly onOpenChange?: ((open: boolean) => void) | undefined
  /** Loads the surface: when the pointer or the focus comes near, so that it is there when it is wanted. */
  readonly load: () => Promise<unknown>
}

/** It fails again, and says so, when the surface is wanted. */
const begin = (load: Options['load']) => void load().catch(() => undefined)

/**
 * The button that opens a surface. The surface is loaded when it is needed, not with the first page, and the button's
 * element stays the same all along, so that neither the focus nor a click is lost.
 */
export function useOpener(trigger: Trigger, { opens, open, onOpenChange, load }: Options) {
  const anchor = useRef<HTMLElement | null>(null)
  const [isOwnOpen, setOwnOpen] = useState(false)
  const isOpen = open ?? isOwnOpen
  const change = (next: boolean) => {
    setOwnOpen(next)
    onOpenChange?.(next)
  }
  const button = cloneElement(trigger, {
    'aria-haspopup': opens,
    'aria-expanded': isOpen,
    onPointerEnter: () => begin(load),
    onFocus: () => begin(load),
    onClick: event => {
      anchor.current = event.currentTarget
      change(!isOpen)
    },
    ...(opens === 'menu' && {
      onKeyDown: event => {
        if (isOpen || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp')) return
        event.preventDefault()
        anchor.current = event.currentTarget
        change(true)
      },
    }),
  })
  return { button, isOpen, surface: { anchor, onOpenChange: change } }
}

/** What a surface needs to know of the button that opened it. */
export type Surface = ReturnType<typeof useOpener>['surface']

type Change = { readonly reason: string; readonly event: Event }

/** A press of the button closes the surface by itself: taken as one outside of it, it would close and open again. */
export const isOwnPress = ({ anchor }: Surface, { reason, event }: Change): boolean =>
  reason === 'outside-press' && event.target instanceof Node && anchor.current?.contains(event.target) === true
