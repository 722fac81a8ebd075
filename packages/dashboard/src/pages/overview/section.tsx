import type { ReactNode } from 'react'
import styles from './overview.module.css'

type Props = {
  readonly title: ReactNode
  /** At the end of the title's line: a link, a legend. */
  readonly end?: ReactNode
  readonly children: ReactNode
}

/** A part of the page: a title, and what is below it, without a frame. */
export function Section({ title, end, children }: Props) {
  return (
    <section className={styles.section}>
      <div className={styles.head}>
        <h2>{title}</h2>
        {end !== undefined && <div className={styles.headEnd}>{end}</div>}
      </div>
      {children}
    </section>
  )
}
