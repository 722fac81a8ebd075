import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, useState } from 'react'
import { cx } from '../lib/cx.ts'
import { formatBytes } from '../lib/format.ts'
import { firstFolds, type JsonLine, linesOf, readLines, visibleLines, withoutControls } from '../lib/json-lines.ts'
import { common } from '../strings/index.ts'
import { Button } from './button.tsx'
import { SegmentedControl } from './choices.tsx'
import styles from './code.module.css'
import { Copy } from './copy.tsx'
import { Icon } from './icon.tsx'

/** A string is cut after this many characters until it is asked for, and a raw line after so many. */
const SHOWN_CHARACTERS = 400
const RAW_LINE = 4_000

type Props = {
  /** The value, or (with `text`) nothing. */
  readonly value?: unknown
  /** The text as it was received; it is parsed if it is JSON. */
  readonly text?: string
  readonly label: string
}

/** A payload or a response: pretty with folding, or raw. Markup in it is text like any other. */
export function JsonView({ value, text, label }: Props) {
  const parsed = useMemo(() => parse(value, text), [value, text])
  const [mode, setMode] = useState<'pretty' | 'raw'>('pretty')
  const isPretty = mode === 'pretty' && parsed.lines !== null
  return (
    <figure className={styles.json} aria-label={label}>
      <div className={styles.bar}>
        <span>{formatBytes(parsed.bytes)}</span>
        <span className={styles.spacer} />
        {parsed.lines !== null && (
          <SegmentedControl
            label={label}
            value={mode}
            options={[
              { value: 'pretty', label: common.pretty },
              { value: 'raw', label: common.raw },
            ]}
            onChange={setMode}
          />
        )}
        <Copy text={parsed.raw} what={label} />
      </div>
      {isPretty ? <Pretty lines={parsed.lines ?? []} /> : <Raw text={parsed.raw} />}
    </figure>
  )
}

function parse(value: unknown, text: string | undefined) {
  let raw = text
  let lines: JsonLine[] | null = null
  try {
    if (text === undefined) {
      raw = JSON.stringify(value) ?? 'null'
      lines = linesOf(value)
    } else {
      const read = readLines(text)
      // A lone number or word reads the same either way.
      if (read.length > 1) lines = read
    }
  } catch {
    // Not JSON: shown as it is.
  }
  const written = raw ?? ''
  return { raw: written, lines, bytes: new TextEncoder().encode(written).length }
}

function Pretty({ lines }: { readonly lines: readonly JsonLine[] }) {
  const [folded, setFolded] = useState(() => firstFolds(lines))
  const [whole, setWhole] = useState<ReadonlySet<number>>(new Set())
  const visible = useMemo(() => visibleLines(lines, folded), [lines, folded])
  const toggle = (index: number) => {
    const next = new Set(folded)
    if (!next.delete(index)) next.add(index)
    setFolded(next)
  }
  return (
    <Lines count={visible.length}>
      {position => {
        const index = visible[position]!
        const line = lines[index]!
        const isFolded = folded.has(index)
        return (
          <>
            {line.kind === 'open' ? (
              <button
                type="button"
                className={styles.fold}
                aria-expanded={!isFolded}
                aria-label={`${isFolded ? common.unfold : common.fold} ${line.key ?? ''}`}
                onClick={() => toggle(index)}
              >
                <Icon name={isFolded ? 'right' : 'down'} size={12} />
              </button>
            ) : (
              <span className={styles.gutter} />
            )}
            <span style={{ paddingInlineStart: line.depth * 16 }}>
              {line.key !== undefined && <span className={styles.key}>{line.key}: </span>}
              <Value line={line} isWhole={whole.has(index)} onMore={() => setWhole(new Set(whole).add(index))} />
              {isFolded && <Folded line={line} />}
              {(line.kind !== 'open' || isFolded) && line.comma && ','}
            </span>
          </>
        )
      }}
    </Lines>
  )
}

function Folded({ line }: { readonly line: JsonLine }) {
  return (
    <>
      <span className={styles.note}> {line.isArray ? common.items(line.size) : common.members(line.size)} </span>
      {line.isArray ? ']' : '}'}
    </>
  )
}

type ValueProps = { readonly line: JsonLine; readonly isWhole: boolean; readonly onMore: () => void }

function Value({ line, isWhole, onMore }: ValueProps) {
  const { text, kind } = line
  const name = kind === 'string' || kind === 'number' || kind === 'literal' ? styles[kind] : undefined
  if (isWhole || text.length <= SHOWN_CHARACTERS) return <bdi className={name}>{text}</bdi>
  return (
    <>
      <bdi className={name}>{text.slice(0, SHOWN_CHARACTERS)}…</bdi>
      <Button kind="quiet" small onClick={onMore}>
        {common.moreCharacters(text.length - SHOWN_CHARACTERS)}
      </Button>
    </>
  )
}

function Raw({ text }: { readonly text: string }) {
  const lines = useMemo(() => {
    const cut: string[] = []
    for (const line of text.split('\n')) {
      for (let at = 0; at === 0 || at < line.length; at += RAW_LINE) cut.push(line.slice(at, at + RAW_LINE))
    }
    return cut
  }, [text])
  return <Lines count={lines.length}>{position => <bdi>{withoutControls(lines[position] || ' ')}</bdi>}</Lines>
}

type LinesProps = { readonly count: number; readonly children: (position: number) => React.ReactNode }

/** Lines of 20 px. Those out of sight are not in the page, unless there are so few that searching in it is worth more. */
function Lines({ count, children }: LinesProps) {
  const scroll = useRef<HTMLDivElement>(null)
  const isVirtual = count > 600
  const virtual = useVirtualizer({
    count: isVirtual ? count : 0,
    getScrollElement: () => scroll.current,
    estimateSize: () => 20,
    overscan: 30,
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div className={styles.scroll} ref={scroll} tabIndex={0} dir="ltr">
      <div className={styles.lines} style={isVirtual ? { height: virtual.getTotalSize() } : undefined}>
        {isVirtual
          ? virtual.getVirtualItems().map(item => (
              <div
                key={item.key}
                className={cx(styles.line, styles.placed)}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {children(item.index)}
              </div>
            ))
          : Array.from({ length: count }, (_, position) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line is its position
              <div key={position} className={styles.line}>
                {children(position)}
              </div>
            ))}
      </div>
    </div>
  )
}
