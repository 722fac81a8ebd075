import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react'
import { cx } from '../lib/cx.ts'
import { formatClock, formatCompact, formatNumber } from '../lib/format.ts'
import { useWidth } from '../lib/hooks.ts'
import { locale } from '../lib/language.ts'
import { labelled, niceScale } from '../lib/scale.ts'
import type { Tone } from '../lib/states.ts'
import { common } from '../strings/index.ts'
import styles from './chart.module.css'
import { Hidden } from './kbd.tsx'
import text from './text.module.css'

export type Series = { readonly name: string; readonly tone: Tone; readonly values: readonly (number | null)[] }

type Props = {
  readonly label: string
  /** The start of each step, in milliseconds. */
  readonly times: readonly number[]
  /** The length of a step, in milliseconds. */
  readonly stepMs: number
  readonly series: readonly Series[]
  readonly height?: number
  /** How a value is written. Default: `1,204`. */
  readonly format?: (value: number) => string
  /** A click on a step, or Enter: its bounds in milliseconds. */
  readonly onSelect?: (from: number, to: number) => void
  /** Dragging over steps: their bounds. */
  readonly onZoom?: (from: number, to: number) => void
  readonly legend?: boolean
  /** Least room for the axis, in pixels, so that charts under each other begin at the same place. */
  readonly room?: number
}

/** Room for the axis: at least this if nothing else is asked for, and this for each character of its longest label, in pixels. */
const LEFT = 44
const CHARACTER = 7
const BOTTOM = 20
const TOP = 8
/** Width of a letter of a label, in pixels, at most. */
const LETTER = 6.5
const STROKES: Readonly<Record<Tone, string | undefined>> = {
  green: styles.strokeGreen,
  blue: styles.strokeBlue,
  amber: styles.strokeAmber,
  red: styles.strokeRed,
  violet: styles.strokeViolet,
  grey: styles.strokeGrey,
}

/** Bars stacked by series, from zero. Hover shows the numbers, click opens a step, dragging zooms. */
export function BarChart(props: Props) {
  const { times, series } = props
  const totals = times.map((_, index) => series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0))
  return (
    <Frame {...props} max={Math.max(0, ...totals)}>
      {({ x, y, stepWidth }) =>
        times.flatMap((time, index) => {
          let below = 0
          return series.map(one => {
            const value = one.values[index] ?? 0
            if (value === 0) return null
            const top = y(below + value)
            // At least a pixel, so that one failure among a million is seen.
            const height = Math.max(1, y(below) - top)
            below += value
            const gap = stepWidth > 4 ? 1 : 0
            return (
              <rect
                key={`${time}${one.name}`}
                className={styles[one.tone]}
                x={x(index) + gap / 2}
                y={top}
                width={Math.max(0.5, stepWidth - gap)}
                height={height}
              />
            )
          })
        })
      }
    </Frame>
  )
}

/** Lines over time, such as receivers' p50 and p95. Null is a gap. */
export function LineChart(props: Props) {
  const max = Math.max(0, ...props.series.flatMap(one => one.values.map(value => value ?? 0)))
  return (
    <Frame {...props} max={max}>
      {({ x, y, stepWidth }) =>
        props.series.map(one => (
          <g key={one.name}>
            <path className={cx(styles.line, STROKES[one.tone])} d={pathOf(one.values, i => x(i) + stepWidth / 2, y)} />
            {one.values.map((value, index) =>
              // A point between two gaps would draw nothing.
              value !== null && (one.values[index - 1] ?? null) === null && (one.values[index + 1] ?? null) === null ? (
                <circle
                  key={props.times[index]}
                  className={styles[one.tone]}
                  cx={x(index) + stepWidth / 2}
                  cy={y(value)}
                  r={2}
                />
              ) : null,
            )}
          </g>
        ))
      }
    </Frame>
  )
}

function pathOf(
  values: readonly (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  let path = ''
  let isPen = false
  values.forEach((value, index) => {
    if (value !== null) path += `${isPen ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`
    isPen = value !== null
  })
  return path
}

type Scales = {
  readonly x: (index: number) => number
  readonly y: (value: number) => number
  readonly stepWidth: number
}

function Frame(props: Props & { readonly max: number; readonly children: (scales: Scales) => ReactNode }) {
  const {
    label,
    times,
    stepMs,
    series,
    height = 200,
    max,
    onSelect,
    onZoom,
    legend = true,
    room = LEFT,
    children,
  } = props
  const format = props.format ?? formatNumber
  const [ref, width] = useWidth<HTMLDivElement>()
  const svg = useRef<SVGSVGElement>(null)
  const [at, setAt] = useState<number | null>(null)
  const [from, setFrom] = useState<number | null>(null)
  const { top, lines } = niceScale(max)
  const marks = lines.map(line => (props.format === undefined ? formatCompact(line) : format(line)))
  const start = Math.max(room, 8 + CHARACTER * Math.max(...marks.map(mark => mark.length)))
  const inner = Math.max(0, width - start)
  const stepWidth = times.length === 0 ? 0 : inner / times.length
  const x = (index: number) => start + index * stepWidth
  const y = (value: number) => TOP + (height - BOTTOM - TOP) * (1 - value / top)
  const indexAt = (event: PointerEvent) => {
    const left = svg.current?.getBoundingClientRect().left ?? 0
    return Math.max(0, Math.min(times.length - 1, Math.floor((event.clientX - left - start) / stepWidth)))
  }
  const bounds = (a: number, b: number): [number, number] => [times[Math.min(a, b)]!, times[Math.max(a, b)]! + stepMs]
  const end = (index: number) => {
    if (from !== null && from !== index && onZoom !== undefined) onZoom(...bounds(from, index))
    else if (from !== null) onSelect?.(...bounds(index, index))
    setFrom(null)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const last = times.length - 1
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: Math.max(0, (at ?? last + 1) - 1),
      ArrowRight: Math.min(last, (at ?? last - 1) + 1),
      Home: 0,
      End: last,
    }
    const next = moves[event.key]
    if (next !== undefined) setAt(next)
    else if (event.key === 'Enter' && at !== null) onSelect?.(...bounds(at, at))
    else return
    event.preventDefault()
  }
  const dragged =
    from !== null && at !== null && from !== at ? ([Math.min(from, at), Math.max(from, at)] as const) : null
  return (
    <div className={styles.chart} ref={ref}>
      {legend && <Legend series={series} />}
      <svg
        ref={svg}
        className={styles.canvas}
        height={height}
        role="img"
        aria-label={`${label}. ${onSelect === undefined ? '' : common.chartHelp}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrows move through it
        tabIndex={0}
        onKeyDown={onKeyDown}
        // Dragging would select the labels.
        onMouseDown={event => event.preventDefault()}
        onBlur={() => setAt(null)}
        onPointerMove={event => stepWidth > 0 && setAt(indexAt(event))}
        onPointerLeave={() => {
          setAt(null)
          setFrom(null)
        }}
        onPointerDown={event => event.button === 0 && stepWidth > 0 && setFrom(indexAt(event))}
        onPointerUp={event => stepWidth > 0 && end(indexAt(event))}
      >
        {lines.map((line, index) => (
          <g key={line}>
            <line className={styles.grid} x1={start} x2={width} y1={Math.round(y(line))} y2={Math.round(y(line))} />
            <text x={start - 8} y={y(line) + 4} textAnchor="end">
              {marks[index]}
            </text>
          </g>
        ))}
        {at !== null && (
          <rect className={styles.hover} x={x(at)} y={TOP} width={stepWidth} height={height - BOTTOM - TOP} />
        )}
        {width > 0 && children({ x, y, stepWidth })}
        {dragged !== null && (
          <rect
            className={styles.drag}
            x={x(dragged[0])}
            y={TOP}
            width={(dragged[1] - dragged[0] + 1) * stepWidth}
            height={height - BOTTOM - TOP}
          />
        )}
        {labelled(times.length, inner).map(index => {
          const label = axisLabel(times[index]!, stepMs)
          // The last one would be cut off at the edge: it ends there instead, unless it would then meet the one before.
          const isCut = x(index) + label.length * LETTER > width
          if (isCut && x(index) > width - (label.length * LETTER) / 2) return null
          return (
            <text key={index} x={isCut ? width : x(index)} y={height - 4} textAnchor={isCut ? 'end' : 'start'}>
              {label}
            </text>
          )
        })}
      </svg>
      {at !== null && times[at] !== undefined && (
        <Tip
          left={x(at) + stepWidth > width / 2 ? undefined : x(at) + stepWidth + 8}
          right={x(at) + stepWidth > width / 2 ? width - x(at) + 8 : undefined}
          title={`${formatClock(times[at], Date.now()).replace(/:00$/, '')} – ${formatClock(times[at] + stepMs, Date.now()).replace(/:00$/, '')}`}
          series={series}
          index={at}
          format={format}
        />
      )}
      <AsTable {...props} format={format} />
    </div>
  )
}

function Legend({ series }: { readonly series: readonly Series[] }) {
  return (
    <div className={styles.legend} aria-hidden="true">
      {series.map(one => (
        <span key={one.name}>
          <Swatch tone={one.tone} />
          {one.name}
        </span>
      ))}
    </div>
  )
}

function Swatch({ tone }: { readonly tone: Tone }) {
  return <span className={styles.swatch} style={{ background: `var(--${tone}-solid)` }} />
}

type TipProps = {
  readonly left: number | undefined
  readonly right: number | undefined
  readonly title: string
  readonly series: readonly Series[]
  readonly index: number
  readonly format: (value: number) => string
}

function Tip({ left, right, title, series, index, format }: TipProps) {
  return (
    <div className={styles.tip} style={{ left, right }} role="status">
      <table>
        <caption>{title}</caption>
        <tbody>
          {series.toReversed().map(one => {
            const value = one.values[index] ?? null
            return (
              <tr key={one.name}>
                <th scope="row">
                  <Swatch tone={one.tone} />
                  {one.name}
                </th>
                <td>{value === null ? common.none : format(value)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function AsTable({ label, times, series, format }: Props & { readonly format: (value: number) => string }) {
  return (
    <div className={text.live}>
      <table>
        <caption>
          {label}. <Hidden>{common.asTable}</Hidden>
        </caption>
        <thead>
          <tr>
            <th scope="col">{common.range.from}</th>
            {series.map(one => (
              <th key={one.name} scope="col">
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((time, index) =>
            series.every(one => !one.values[index]) ? null : (
              <tr key={time}>
                <th scope="row">{formatClock(time, Date.now())}</th>
                {series.map(one => (
                  <td key={one.name}>{one.values[index] == null ? common.none : format(one.values[index] ?? 0)}</td>
                ))}
              </tr>
            ),
          )}
        </tbody>
      </table>
    </div>
  )
}

function axisLabel(time: number, stepMs: number): string {
  const clock = formatClock(time, stepMs >= 86_400_000 ? 0 : Date.now())
  if (stepMs >= 86_400_000) return new Date(time).toLocaleDateString(locale(), { day: 'numeric', month: 'short' })
  return clock.replace(/:\d\d$/, '')
}

/** The shape of a figure over time, without numbers. */
export function Sparkline({
  values,
  width = 96,
  height = 28,
}: {
  readonly values: readonly (number | null)[]
  readonly width?: number
  readonly height?: number
}) {
  const known = values.filter(value => value !== null)
  const max = Math.max(...known, 0)
  const min = Math.min(...known, 0)
  const span = max - min || 1
  const x = (index: number) => 1 + (index * (width - 2)) / Math.max(1, values.length - 1)
  const y = (value: number) => height - 2 - ((value - min) / span) * (height - 4)
  return (
    <svg className={styles.spark} width={width} height={height} aria-hidden="true" focusable="false">
      <path d={pathOf(values, x, y)} />
    </svg>
  )
}
