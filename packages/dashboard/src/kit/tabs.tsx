import { Tabs as BaseTabs } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'
import styles from './surfaces.module.css'

type TabsProps = {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly tabs: readonly { readonly value: string; readonly label: ReactNode; readonly content: ReactNode }[]
}

/** Parts of a page of which one is seen. */
export function Tabs({ label, value, onChange, tabs }: TabsProps) {
  return (
    <BaseTabs.Root value={value} onValueChange={next => onChange(String(next))}>
      <BaseTabs.List className={styles.tabs} aria-label={label}>
        {tabs.map(tab => (
          <BaseTabs.Tab key={tab.value} value={tab.value} className={styles.tab}>
            {tab.label}
          </BaseTabs.Tab>
        ))}
      </BaseTabs.List>
      {tabs.map(tab => (
        <BaseTabs.Panel key={tab.value} value={tab.value} className={styles.panel}>
          {tab.content}
        </BaseTabs.Panel>
      ))}
    </BaseTabs.Root>
  )
}
