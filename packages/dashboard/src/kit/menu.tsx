import { lazy, type ReactNode, Suspense } from 'react'
import { loadCode } from '../lib/code.ts'
import type { IconName } from './icon.tsx'
import { type Trigger, useOpener } from './opener.ts'

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

export type MenuContent = {
  readonly entries: readonly MenuEntry[]
  readonly align?: 'start' | 'end'
  readonly header?: ReactNode
}

const load = () => loadCode(() => import('./menu-surface.tsx'))
const MenuSurface = lazy(load)

/** A menu of actions. */
export function Menu({ trigger, ...content }: MenuContent & { readonly trigger: Trigger }) {
  const { button, isOpen, surface } = useOpener(trigger, { opens: 'menu', load })
  return (
    <>
      {button}
      <Suspense fallback={null}>{isOpen && <MenuSurface {...content} {...surface} />}</Suspense>
    </>
  )
}
