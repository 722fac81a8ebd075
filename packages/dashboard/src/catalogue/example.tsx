import { useMemo } from 'react'
import { Copy } from '../kit/copy.tsx'
import { JsonView } from '../kit/json-view.tsx'
import { cx } from '../lib/cx.ts'
import { type JsonLine, linesOf } from '../lib/json-lines.ts'
import { catalogue as words } from '../strings/en/catalogue.ts'
import styles from './example.module.css'

/** Examples with more lines are shown as any payload is: folded, and without marks. */
const MAX_LINES = 400
const MAX_TEXT = 2_000

type Props = {
  readonly value: unknown
  /** Where the member stands that is pointed at in the outline: `*` is any item or name. */
  readonly marked?: readonly string[] | null
}

/** An example of a payload. What is pointed at in the outline is marked in it. */
export function Example({ value, marked = null }: Props) {
  const lines = useMemo(() => linesOf(value), [value])
  const paths = useMemo(() => pathsOf(lines), [lines])
  if (lines.length > MAX_LINES) return <JsonView value={value} label={words.example} />
  return (
    <figure className={styles.example} aria-label={words.example}>
      <figcaption className={styles.bar}>
        <span>{words.example}</span>
        <Copy text={JSON.stringify(value, null, 2)} what={words.example} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className={styles.lines} tabIndex={0} dir="ltr">
        {lines.map((line, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its position
            key={index}
            className={cx(styles.line, fits(paths[index] ?? [], marked) && styles.marked)}
            style={{ paddingInlineStart: 12 + line.depth * 16 }}
          >
            {line.key !== undefined && `${line.key}: `}
            <bdi className={line.kind === 'open' || line.kind === 'close' ? undefined : styles[line.kind]}>
              {line.text.length > MAX_TEXT ? `${line.text.slice(0, MAX_TEXT)}…` : line.text}
            </bdi>
            {line.kind !== 'open' && line.comma && ','}
            {'\n'}
          </span>
        ))}
      </pre>
    </figure>
  )
}

/** Where each line stands: the names and positions that lead to it. A closing bracket stands where its opening one does. */
export function pathsOf(lines: readonly JsonLine[]): readonly (readonly string[])[] {
  const above: { readonly path: readonly string[]; readonly isArray: boolean; count: number }[] = []
  return lines.map(line => {
    if (line.kind === 'close') return above.pop()?.path ?? []
    const parent = above.at(-1)
    const name = line.key === undefined ? String(parent?.count ?? 0) : (JSON.parse(line.key) as string)
    if (parent !== undefined) parent.count++
    const path = parent === undefined ? [] : [...parent.path, name]
    if (line.kind === 'open') above.push({ path, isArray: line.isArray, count: 0 })
    return path
  })
}

/** Whether a place is the marked one, or in it. */
function fits(path: readonly string[], marked: readonly string[] | null): boolean {
  if (marked === null || marked.length === 0 || path.length < marked.length) return false
  return marked.every((part, index) => part === '*' || part === path[index])
}
