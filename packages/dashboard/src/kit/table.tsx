import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { cx } from '../lib/cx.ts'
import { onForget } from '../lib/forget.ts'
import { useDelayed, useNarrow } from '../lib/hooks.ts'
import { common } from '../strings/index.ts'
import { Button } from './button.tsx'
import { Checkbox } from './choices.tsx'
import { useHotkeys } from './hotkeys.ts'
import { Icon } from './icon.tsx'
import { EmptyState, ErrorState, Skeleton } from './surfaces.tsx'
import styles from './table.module.css'
import { Time } from './time.tsx'

export type Column<Row> = {
  readonly id: string
  readonly title: string
  /** A track of CSS grid: `120px`, `minmax(0, 2fr)`. */
  readonly width: string
  readonly align?: 'end'
  readonly cell: (row: Row) => ReactNode
}

type Props<Row> = {
  readonly label: string
  readonly rows: readonly Row[] | undefined
  readonly columns: readonly Column<Row>[]
  readonly keyOf: (row: Row) => string
  /** The row's name for screen readers where it is ticked. Default: its key. */
  readonly nameOf?: (row: Row) => string
  /** The heading that a row belongs under. Rows come in the order of their groups. */
  readonly groupOf?: (row: Row) => string
  /** Opens a row: by click, or Enter. */
  readonly onOpen?: (row: Row) => void
  /** The key of the row that is open. */
  readonly openKey?: string | null
  /** Below 700 px: the row in two lines, in place of its cells. */
  readonly narrow?: (row: Row) => ReactNode
  readonly ticked?: ReadonlySet<string>
  readonly onTick?: (ticked: ReadonlySet<string>) => void
  /** What failed, if there are no rows for that reason. */
  readonly error?: unknown
  readonly onRetry?: () => void
  /** Whether what is shown belongs to earlier filters, until the new rows are there. */
  readonly isStale?: boolean
  /** Clears the filters; only if there are any. */
  readonly onClearFilters?: () => void
  /** Nothing there yet: what will stand here. */
  readonly empty: ReactNode
  readonly foot?: ReactNode
  /** Takes the height of its rows, in a card, rather than that of the window. */
  readonly inline?: boolean
}

const TICK: string = '20px'
/** The height of a group's heading, in pixels. */
const GROUP = 40

/** Takes what is left of the window: see `embedding.ts`. */
const FILLS = { className: styles.scroll, 'data-fills': 'main' }

/** From this many rows on, those out of sight are not in the page: drawing 100 at once takes a tenth of a second. */
const VIRTUAL_FROM = 60

/**
 * A list of things. Its four states: a skeleton after 150 ms, what failed with "try again", no match with "clear
 * filters", nothing yet. `j` and `k` (or the arrows) go through the rows, Enter opens, `x` or Space ticks. Rows out of sight are
 * not in the page, so that 100,000 of them don't stall it.
 */
export function Table<Row>(props: Props<Row>) {
  const { label, rows, columns, error, onRetry, onClearFilters, empty, foot, inline = false, onTick } = props
  const isNarrow = useNarrow() && props.narrow !== undefined
  const isLate = useDelayed(rows === undefined && !error)
  const template = [onTick && TICK, ...(isNarrow ? ['minmax(0, 1fr)'] : columns.map(column => column.width))]
  const grid = { gridTemplateColumns: template.filter(Boolean).join(' ') }
  let content: ReactNode = null
  if (rows !== undefined && rows.length > 0) {
    content = <Rows {...props} rows={rows} isNarrow={isNarrow} grid={grid} />
  } else if (error) {
    content = <ErrorState error={error} onRetry={onRetry} />
  } else if (rows === undefined) {
    content = isLate ? <Skeletons label={label} isTall={isNarrow} /> : null
  } else if (onClearFilters !== undefined) {
    content = (
      <EmptyState title={common.noMatch} actions={<Button onClick={onClearFilters}>{common.clearFilters}</Button>} />
    )
  } else {
    content = empty
  }
  const isShort = inline || !(rows !== undefined && rows.length > 0)
  return (
    <div className={styles.frame} aria-busy={rows === undefined && !error}>
      {isShort ? <div {...(inline ? {} : FILLS)}>{content}</div> : content}
      {foot !== undefined && <div className={styles.foot}>{foot}</div>}
    </div>
  )
}

type RowsProps<Row> = Props<Row> & {
  readonly rows: readonly Row[]
  readonly isNarrow: boolean
  readonly grid: { readonly gridTemplateColumns: string }
}

/** The row that was opened last in each list, by its label: who comes back goes on from there. */
const lastOpened = new Map<string, string>()
onForget(() => lastOpened.clear())

function Rows<Row>(props: RowsProps<Row>) {
  const { label, rows, columns, keyOf, isNarrow, grid, ticked, onTick, openKey, inline, isStale } = props
  const onOpen =
    props.onOpen &&
    ((row: Row) => {
      lastOpened.set(label, keyOf(row))
      props.onOpen?.(row)
    })
  const scroll = useRef<HTMLDivElement>(null)
  const body = useRef<HTMLTableSectionElement>(null)
  const [current, setCurrent] = useState(-1)
  const isVirtual = !inline && rows.length > VIRTUAL_FROM
  const groupAt = (index: number) => {
    const row = rows[index]
    return row === undefined ? undefined : props.groupOf?.(row)
  }
  const startsGroup = (index: number) => props.groupOf !== undefined && groupAt(index) !== groupAt(index - 1)
  const virtual = useVirtualizer({
    count: isVirtual ? rows.length : 0,
    getScrollElement: () => scroll.current,
    estimateSize: index => (isNarrow ? 60 : 36) + (startsGroup(index) ? GROUP : 0),
    overscan: 12,
    scrollMargin: 0,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of two lines have another height
  useEffect(() => virtual.measure(), [isNarrow])
  const rowAt = (index: number) => body.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)
  const go = (index: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, index))
    setCurrent(next)
    if (isVirtual) virtual.scrollToIndex(next)
    requestAnimationFrame(() => rowAt(next)?.focus())
  }
  const lastKey = openKey ?? lastOpened.get(label)
  const start = lastKey ? rows.findIndex(row => keyOf(row) === lastKey) : -1
  const at = current >= 0 && current < rows.length ? current : start
  // With a detail open, j and k also open the row they come to, as the arrows of a mail reader do.
  const step = (by: number) => {
    go(at + by)
    const row = rows[Math.max(0, Math.min(rows.length - 1, at + by))]
    if (openKey && row !== undefined) onOpen?.(row)
  }
  useHotkeys({ j: () => step(1), k: () => step(-1) })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a row that was opened elsewhere becomes the current one
  useEffect(() => {
    if (openKey) setCurrent(rows.findIndex(row => keyOf(row) === openKey))
  }, [openKey])
  const tick = (key: string) => {
    const next = new Set(ticked)
    if (!next.delete(key)) next.add(key)
    onTick?.(next)
  }
  const onKeyDown = (event: KeyboardEvent, row: Row, index: number) => {
    if (event.target !== event.currentTarget) return
    const last = rows.length - 1
    const moves: Readonly<Record<string, number>> = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: last }
    const move = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined
    const action =
      (move !== undefined && (() => go(move))) ||
      (event.key === 'Enter' && onOpen && (() => onOpen(row))) ||
      ((event.key === 'x' || event.key === ' ') && onTick && (() => tick(keyOf(row)))) ||
      (event.key === ' ' && onOpen && (() => onOpen(row))) ||
      undefined
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    action()
  }
  const renderRow = (row: Row, index: number, top?: number) => {
    const key = keyOf(row)
    const start = top !== undefined && startsGroup(index) ? top + GROUP : top
    return (
      <tr
        key={key}
        data-index={index}
        className={cx(
          styles.cells,
          styles.row,
          isNarrow && styles.tall,
          onOpen && styles.opens,
          start !== undefined && styles.placed,
        )}
        style={start === undefined ? grid : { ...grid, transform: `translateY(${start}px)` }}
        tabIndex={index === Math.max(0, at) ? 0 : -1}
        aria-selected={onOpen === undefined ? undefined : key === openKey}
        aria-rowindex={index + 2}
        onClick={onOpen && (event => !isControl(event.target) && onOpen(row))}
        onFocus={event => event.target === event.currentTarget && setCurrent(index)}
        onKeyDown={event => onKeyDown(event, row, index)}
      >
        {onTick && (
          <td className={cx(styles.cell, styles.tick)}>
            <Checkbox
              hideLabel
              label={common.select(props.nameOf?.(row) ?? key)}
              checked={ticked?.has(key) ?? false}
              onChange={() => tick(key)}
            />
          </td>
        )}
        {isNarrow ? (
          <td className={cx(styles.cell, styles.narrow)}>{props.narrow?.(row)}</td>
        ) : (
          columns.map(column => (
            <td key={column.id} className={cx(styles.cell, column.align && styles.end)}>
              {column.cell(row)}
            </td>
          ))
        )}
      </tr>
    )
  }
  const renderGroup = (index: number, start?: number) =>
    startsGroup(index) && (
      <tr
        key={`group ${index}`}
        className={cx(styles.group, start !== undefined && styles.placed)}
        style={start === undefined ? undefined : { transform: `translateY(${start}px)` }}
      >
        <th scope="rowgroup" colSpan={columns.length}>
          <bdi>{groupAt(index)}</bdi>
        </th>
      </tr>
    )
  const isAll = onTick !== undefined && rows.every(row => ticked?.has(keyOf(row)))
  return (
    <div {...(inline ? {} : FILLS)} ref={scroll}>
      <table
        className={cx(styles.table, isStale && styles.stale)}
        role={onOpen === undefined ? undefined : 'grid'}
        aria-label={label}
        aria-rowcount={rows.length + 1}
      >
        <thead className={styles.head}>
          <tr className={styles.cells} style={grid} aria-rowindex={1}>
            {onTick && (
              <th scope="col" className={cx(styles.cell, styles.tick)}>
                <Checkbox
                  hideLabel
                  label={common.selectAll}
                  checked={isAll}
                  indeterminate={!isAll && (ticked?.size ?? 0) > 0}
                  onChange={next => onTick(new Set(next ? rows.map(keyOf) : []))}
                />
              </th>
            )}
            {isNarrow ? (
              <th scope="col" className={styles.cell}>
                {label}
              </th>
            ) : (
              columns.map(column => (
                <th key={column.id} scope="col" className={cx(styles.cell, column.align && styles.end)}>
                  {column.title}
                </th>
              ))
            )}
          </tr>
        </thead>
        <tbody className={styles.body} ref={body} style={isVirtual ? { height: virtual.getTotalSize() } : undefined}>
          {isVirtual
            ? virtual
                .getVirtualItems()
                .flatMap(({ index, start }) => [renderGroup(index, start), renderRow(rows[index]!, index, start)])
            : rows.flatMap((row, index) => [renderGroup(index), renderRow(row, index)])}
        </tbody>
      </table>
    </div>
  )
}

/** Whether a click on a row was meant for something in it. */
function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a, button, input, label, [role="checkbox"]') !== null
}

function Skeletons({ label, isTall }: { readonly label: string; readonly isTall: boolean }) {
  return (
    <div role="status" aria-label={`${common.loading}: ${label}`}>
      {Array.from({ length: 12 }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders are alike
        <div key={index} className={cx(styles.cells, styles.row, isTall && styles.tall)}>
          <Skeleton width={`${70 - ((index * 17) % 40)}%`} />
        </div>
      ))}
    </div>
  )
}

/** What a `Table` shows of how its rows are read. */
export const statesOf = (list: {
  readonly error: unknown
  readonly isPlaceholderData: boolean
  readonly refetch: () => Promise<unknown>
}) => ({ error: list.error, onRetry: () => void list.refetch(), isStale: list.isPlaceholderData })

type PagerProps = {
  readonly children?: ReactNode
  readonly page: { readonly prevCursor: string | null; readonly nextCursor: string | null } | undefined
  /** The cursor of this page, as the URL has it, so that there is a way back to the first. */
  readonly cursor?: string | undefined
  /** Undefined goes to the first page. */
  readonly onGo: (cursor: string | undefined) => void
  /** What the pages before and after are called. Default: newer and older. */
  readonly names?: { readonly first: string; readonly before: string; readonly after: string }
}

const BY_AGE = { first: common.newest, before: common.newer, after: common.older }

/** The foot of a list: what is said about it, and pages both ways. */
export function Pager({ children, page, cursor, onGo, names = BY_AGE }: PagerProps) {
  const { prevCursor, nextCursor } = page ?? {}
  return (
    <>
      <span>{children}</span>
      <span className={styles.spacer} />
      {cursor !== undefined && (
        <Button kind="quiet" small onClick={() => onGo(undefined)}>
          {names.first}
        </Button>
      )}
      {(prevCursor || nextCursor) && (
        <>
          <Button small icon="left" disabled={!prevCursor} onClick={() => prevCursor && onGo(prevCursor)}>
            {names.before}
          </Button>
          <Button small disabled={!nextCursor} onClick={() => nextCursor && onGo(nextCursor)}>
            {names.after}
            <Icon name="right" />
          </Button>
        </>
      )}
    </>
  )
}

/** How far back a list was searched that ends before everything was looked at; null if it doesn't. */
export function SearchedTo({ at }: { readonly at: string | null | undefined }) {
  if (!at) return null
  return (
    <>
      {' '}
      · {common.searchedTo} <Time at={at} as="clock" />{' '}
    </>
  )
}
