import type { ReactNode } from 'react'
import styles from './register.module.css'

type Props = { readonly title: string; readonly text?: ReactNode; readonly children: ReactNode }

/** A part of the form: what it is about at the left, its fields at the right. */
export function Section({ title, text, children }: Props) {
  return (
    <section className={styles.section}>
      <div className={styles.about}>
        <h2>{title}</h2>
        {text !== undefined && <p>{text}</p>}
      </div>
      <div className={styles.fields}>{children}</div>
    </section>
  )
}
