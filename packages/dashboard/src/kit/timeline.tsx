import { type ReactNode, useEffect, useRef } from 'react'
import { cx } from '../lib/cx.ts'
import type { Tone } from '../lib/states.ts'
import { Icon, type IconName } from './icon.tsx'
import styles from './timeline.module.css'

export type Step = {
  readonly id: string
  readonly tone: Tone
  readonly icon: IconName
  /** What happened, in a word: `503`. */
  readonly label: ReactNode
  /** How long after the step before: `+30 s`. */
  readonly note?: ReactNode
  /** The whole of it, for screen readers. */
  readonly title: string
  /** Whether it has yet to come. */
  readonly isFuture?: boolean
  readonly onSelect?: () => void
  readonly isSelected?: boolean
}

/** What happened, from left to right. Steps are equally far apart: the waits between them range from seconds to hours. */
export function Timeline({ label, steps }: { readonly label: string; readonly steps: readonly Step[] }) {
  const list = useRef<HTMLOListElement>(null)
  const selected = steps.find(step => step.isSelected)?.id
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was selected is brought into sight
  useEffect(() => {
    const rail = list.current
    const dot = rail?.querySelector('[aria-current]')
    if (!rail || !dot) return
    const { left, width } = rail.getBoundingClientRect()
    rail.scrollLeft += dot.getBoundingClientRect().left - left - width / 2
  }, [selected])
  return (
    <ol className={styles.timeline} aria-label={label} ref={list}>
      {steps.map(step => (
        <li key={step.id} className={cx(styles.step, step.isFuture && styles.future)}>
          {step.onSelect === undefined ? (
            <span className={cx(styles.dot, styles[step.tone])} role="img" aria-label={step.title}>
              <Icon name={step.icon} size={14} />
            </span>
          ) : (
            <button
              type="button"
              className={cx(styles.dot, styles[step.tone])}
              aria-label={step.title}
              aria-current={step.isSelected ? 'step' : undefined}
              onClick={step.onSelect}
            >
              <Icon name={step.icon} size={14} />
            </button>
          )}
          <span className={styles.label}>{step.label}</span>
          <span className={styles.note}>{step.note}</span>
        </li>
      ))}
    </ol>
  )
}
