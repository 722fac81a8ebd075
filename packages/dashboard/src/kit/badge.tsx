import type { ReactNode } from 'react'
import { cx } from '../lib/cx.ts'
import { type ShownState, TONES, type Tone } from '../lib/states.ts'
import { common } from '../strings/index.ts'
import styles from './badge.module.css'
import { Icon, type IconName } from './icon.tsx'

type Props = { readonly tone?: Tone; readonly icon?: IconName; readonly children: ReactNode }

/** A word with a colour, and a shape so that the colour isn't needed. */
export function Badge({ tone = 'grey', icon, children }: Props) {
  return (
    <span className={cx(styles.badge, styles[tone], icon === undefined && styles.plain)}>
      {icon !== undefined && <Icon name={icon} size={13} />}
      {children}
    </span>
  )
}

export const STATE_ICONS: Readonly<Record<ShownState, IconName>> = {
  delivered: 'check',
  pending: 'clock',
  retrying: 'retry',
  exhausted: 'cross',
  held: 'pause',
  cancelled: 'minus',
}

/** The state of a delivery: the same shape, word and colour on every page. */
export function StateBadge({ state }: { readonly state: ShownState }) {
  return (
    <Badge tone={TONES[state]} icon={STATE_ICONS[state]}>
      {common.states[state]}
    </Badge>
  )
}
