import type { Event } from '@posthorn/client'
import { Badge } from '../../kit/badge.tsx'
import type { Column } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { cx } from '../../lib/cx.ts'
import { withoutControls } from '../../lib/json-lines.ts'
import { events as words } from '../../strings/en/events.ts'
import styles from './list.module.css'

/** How much of a payload stands in a row, in characters. */
const PREVIEW = 240

const previews = new WeakMap<Event, string>()

/** The beginning of a payload, in one line. Written once: a payload can have a megabyte. */
function previewOf(row: Event): string {
  let text = previews.get(row)
  if (text === undefined) {
    text = withoutControls((JSON.stringify(row.payload) ?? '').slice(0, PREVIEW))
    previews.set(row, text)
  }
  return text
}

function Payload({ row }: { readonly row: Event }) {
  if (row.payloadHidden) return null
  if (row.payloadRemoved) return <span className={styles.muted}>{words.payloadNotKept}</span>
  return <bdi className={cx(styles.mono, styles.muted)}>{previewOf(row)}</bdi>
}

function Type({ row }: { readonly row: Event }) {
  return (
    <span className={styles.type}>
      <bdi className={cx(styles.mono, styles.clip)} title={row.type}>
        {row.type}
      </bdi>
      {row.test && <Badge>{words.test}</Badge>}
      {row.rejected !== null && (
        <Badge tone="red" icon="cross">
          {words.rejected}
        </Badge>
      )}
    </span>
  )
}

function Key({ row }: { readonly row: Event }) {
  if (row.key === null) return <span className={styles.muted}>{words.noKey}</span>
  return (
    <bdi className={styles.mono} title={row.key}>
      {row.key}
    </bdi>
  )
}

export function columnsFor(showTenant: boolean, isCompact: boolean): readonly Column<Event>[] {
  const all: (Column<Event> | false)[] = [
    {
      id: 'time',
      title: words.columns.time,
      width: '116px',
      cell: row => <Time at={row.createdAt} as="clock" focusable={false} />,
    },
    { id: 'type', title: words.columns.type, width: 'minmax(120px, 1.3fr)', cell: row => <Type row={row} /> },
    showTenant && {
      id: 'tenant',
      title: words.columns.tenant,
      width: 'minmax(72px, 0.6fr)',
      cell: row => <bdi title={row.tenant}>{row.tenant}</bdi>,
    },
    { id: 'key', title: words.columns.key, width: 'minmax(96px, 1.1fr)', cell: row => <Key row={row} /> },
    !isCompact && {
      id: 'payload',
      title: words.columns.payload,
      width: 'minmax(120px, 2.4fr)',
      cell: row => <Payload row={row} />,
    },
  ]
  return all.filter(column => column !== false)
}

/** An event in two lines, on narrow screens. */
export function NarrowRow({ row, showTenant }: { readonly row: Event; readonly showTenant: boolean }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <Type row={row} />
        <span className={styles.muted}>
          <Time at={row.createdAt} as="clock" focusable={false} />
        </span>
      </div>
      <div className={styles.line}>
        <span className={styles.clip}>
          <Key row={row} />
        </span>
        {showTenant && <bdi className={cx(styles.muted, styles.clip)}>{row.tenant}</bdi>}
      </div>
    </div>
  )
}
