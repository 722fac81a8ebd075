import { lazy, type ReactNode, Suspense } from 'react'
import { loadCode } from '../lib/code.ts'
import { type Trigger, useOpener } from './opener.ts'

export type PopoverContent = {
  readonly label: string
  readonly align?: 'start' | 'center' | 'end'
  readonly children: ReactNode
}

type Props = PopoverContent & {
  readonly trigger: Trigger
  readonly open?: boolean
  readonly onOpenChange?: (open: boolean) => void
}

const load = () => loadCode(() => import('./popover-surface.tsx'))
const PopoverSurface = lazy(load)

/** A small surface next to its trigger, for a few fields. Esc and a click elsewhere close it. */
export function Popover({ trigger, open, onOpenChange, ...content }: Props) {
  const { button, isOpen, surface } = useOpener(trigger, { opens: 'dialog', open, onOpenChange, load })
  return (
    <>
      {button}
      <Suspense fallback={null}>{isOpen && <PopoverSurface {...content} {...surface} />}</Suspense>
    </>
  )
}
