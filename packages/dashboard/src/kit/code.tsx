import { cx } from '../lib/cx.ts'
import styles from './code.module.css'
import { Copy } from './copy.tsx'

type Props = {
  readonly code: string
  /** What it is, for screen readers and the copy button. */
  readonly label: string
  readonly wrap?: boolean
}

/** Code or any text in monospace, as it is, with a button that copies it. */
export function CodeBlock({ code, label, wrap = false }: Props) {
  return (
    <figure className={cx(styles.block, wrap && styles.wrap)} aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} dir="ltr">
        {code}
      </pre>
      <div className={styles.copy}>
        <Copy text={code} what={label} />
      </div>
    </figure>
  )
}
