import {
  cloneElement,
  type HTMLAttributes,
  lazy,
  type ReactElement,
  type ReactNode,
  Suspense,
  useEffect,
  useRef,
  useState,
} from 'react'
import { loadCode } from '../lib/code.ts'

const load = () => loadCode(() => import('./tooltip-surface.tsx'))
const TooltipSurface = lazy(load)

/** How long the pointer rests on something before its tooltip is shown, in milliseconds. */
const OPEN_MS = 300
/** How long the tooltip stays when the pointer has left, so that the pointer can move onto it (WCAG 1.4.13). */
const CLOSE_MS = 120

type Handlers = Pick<
  HTMLAttributes<HTMLElement>,
  'onPointerEnter' | 'onPointerLeave' | 'onPointerDown' | 'onFocus' | 'onBlur' | 'onKeyDown'
>

/** Shows `text` when its child is hovered or focused. The child has to have a name of its own. */
export function Tooltip({ text, children }: { readonly text: ReactNode; readonly children: ReactElement<Handlers> }) {
  const [isOpen, setOpen] = useState(false)
  const anchor = useRef<HTMLElement | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const set = (next: boolean, afterMs: number) => {
    clearTimeout(timer.current)
    if (afterMs === 0) setOpen(next)
    else timer.current = setTimeout(() => setOpen(next), afterMs)
  }
  const given = children.props
  const child = cloneElement(children, {
    onPointerEnter: event => {
      given.onPointerEnter?.(event)
      if (event.pointerType === 'touch') return
      anchor.current = event.currentTarget
      void load().catch(() => undefined)
      set(true, OPEN_MS)
    },
    onPointerLeave: event => {
      given.onPointerLeave?.(event)
      set(false, CLOSE_MS)
    },
    onPointerDown: event => {
      given.onPointerDown?.(event)
      set(false, 0)
    },
    onFocus: event => {
      given.onFocus?.(event)
      if (!event.currentTarget.matches(':focus-visible')) return
      anchor.current = event.currentTarget
      set(true, 0)
    },
    onBlur: event => {
      given.onBlur?.(event)
      set(false, 0)
    },
    onKeyDown: event => {
      given.onKeyDown?.(event)
      if (event.key === 'Enter' || event.key === ' ') set(false, 0)
    },
  })
  return (
    <>
      {child}
      <Suspense fallback={null}>
        {isOpen && (
          <TooltipSurface
            anchor={anchor}
            onClose={() => set(false, 0)}
            onPointerEnter={() => clearTimeout(timer.current)}
            onPointerLeave={() => set(false, CLOSE_MS)}
          >
            {text}
          </TooltipSurface>
        )}
      </Suspense>
    </>
  )
}
