import { Badge } from '../../kit/badge.tsx'
import { cx } from '../../lib/cx.ts'
import { formatNumber } from '../../lib/format.ts'
import { replays as words } from '../../strings/en/replays.ts'
import { common } from '../../strings/index.ts'
import styles from './progress.module.css'
import { type AnyReplay, type Parts, partsOf, STAGES, stageOf } from './replay.ts'

export function StageBadge({ replay }: { readonly replay: AnyReplay }) {
  const stage = stageOf(replay)
  const [tone, icon] = STAGES[stage]
  return (
    <Badge tone={tone} icon={icon}>
      {words.states[stage]}
    </Badge>
  )
}

const ORDER = ['ended', 'sending', 'skipped', 'left'] as const satisfies readonly (keyof Parts)[]

/** How far a replay has come, as a bar. */
function Bar({ parts, isThin = false }: { readonly parts: Parts; readonly isThin?: boolean }) {
  const total = ORDER.reduce((sum, part) => sum + (parts[part] ?? 0), 0)
  return (
    <span className={cx(styles.bar, isThin && styles.thin)} aria-hidden="true">
      {total > 0 &&
        ORDER.map(part => {
          const n = parts[part] ?? 0
          if (n === 0) return null
          return <span key={part} className={styles[part]} style={{ flexGrow: n }} />
        })}
    </span>
  )
}

/** In a row: the bar, and how many are created. */
export function SmallProgress({ replay }: { readonly replay: AnyReplay }) {
  return (
    <span className={styles.small}>
      <Bar parts={partsOf(replay)} isThin />
      <span className={styles.figures}>{words.progress(replay.made, replay.deliveries)}</span>
    </span>
  )
}

/** On the page of a replay: the bar, and its parts in numbers. */
export function Progress({ replay }: { readonly replay: AnyReplay }) {
  const parts = partsOf(replay)
  return (
    <div className={styles.progress}>
      <Bar parts={parts} />
      <dl className={styles.parts}>
        {ORDER.map(part => (
          <div key={part} title={part === 'skipped' ? words.partsHelp.skipped : undefined}>
            <dt>
              <span className={cx(styles.swatch, styles[part])} />
              {words.parts[part]}
            </dt>
            <dd>{parts[part] === null ? common.none : formatNumber(parts[part])}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
