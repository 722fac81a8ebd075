import type { SchedulePreview } from '@posthorn/client'
import { formatDuration } from '../../../lib/format.ts'
import { useWidth } from '../../../lib/hooks.ts'
import { placesOf } from '../../../lib/schedule.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import styles from './schedule-axis.module.css'

const words = endpointChange.retries

const HEIGHT = 92
const SIDE = 28
const RAIL = 34
const DOT = 10
/** How far labels are apart at least, in pixels. */
const ROOM = 84

/** Attempts on a time axis, which is logarithmic as waits mostly double; the same as a table below. */
export function ScheduleAxis({ preview: { retries } }: { readonly preview: SchedulePreview }) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const times = [0, ...retries.map(retry => retry.earliestSeconds)]
  const latest = [0, ...retries.map(retry => retry.latestSeconds)]
  // The latest times stand on the same axis, so it ends at the last of them.
  const places = placesOf([...times, latest.at(-1) ?? 0])
  const lastPlaces = latest.map(at => placesOf([...times.slice(0, 2), at, latest.at(-1) ?? 0])[2] ?? 0)
  const x = (place: number) => SIDE + place * Math.max(0, width - 2 * SIDE)
  let labelledTo = Number.NEGATIVE_INFINITY
  return (
    <>
      <div ref={ref}>
        <svg className={styles.axis} height={HEIGHT} role="img" aria-label={words.chart}>
          {width > 0 && (
            <>
              <line className={styles.rail} x1={x(0)} x2={x(places.at(-1) ?? 0)} y1={RAIL} y2={RAIL} />
              {times.map((at, index) => {
                const left = x(places[index] ?? 0)
                const isLast = index === times.length - 1
                const isLabelled = index === 0 || isLast || (left - labelledTo >= ROOM && x(1) - left >= ROOM)
                if (isLabelled) labelledTo = left
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: an attempt is its number
                  <g key={index}>
                    <line
                      className={styles.spread}
                      x1={left}
                      x2={Math.max(left, x(lastPlaces[index] ?? 0))}
                      y1={RAIL}
                      y2={RAIL}
                    />
                    <circle className={styles.dot} cx={left} cy={RAIL} r={DOT} />
                    <text className={styles.number} x={left} y={RAIL + 4} textAnchor="middle">
                      {index + 1}
                    </text>
                    {isLabelled && (
                      <text className={styles.label} {...labelPlace(left, index, isLast)} y={RAIL + 32}>
                        {index === 0 ? words.first : `+${formatDuration(at * 1_000)}`}
                      </text>
                    )}
                  </g>
                )
              })}
            </>
          )}
        </svg>
      </div>
      {retries.length > 0 && <Numbers retries={retries} />}
    </>
  )
}

/** The first and the last label stay within the axis. */
function labelPlace(x: number, index: number, isLast: boolean) {
  if (index === 0) return { x: x - DOT, textAnchor: 'start' as const }
  return isLast ? { x: x + SIDE, textAnchor: 'end' as const } : { x, textAnchor: 'middle' as const }
}

function Numbers({ retries }: Pick<SchedulePreview, 'retries'>) {
  const { columns } = words
  return (
    <table className={styles.numbers}>
      <thead>
        <tr>
          {Object.values(columns).map(title => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {retries.map(({ attempt, waitSeconds, earliestSeconds, latestSeconds }) => (
          <tr key={attempt}>
            <th scope="row">{attempt}</th>
            {[waitSeconds, earliestSeconds, latestSeconds].map((seconds, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns don't move
              <td key={index}>{formatDuration(seconds * 1_000)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
