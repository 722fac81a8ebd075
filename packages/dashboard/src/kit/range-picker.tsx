import { useState } from 'react'
import { formatClock } from '../lib/format.ts'
import { RANGES, type Range, type RangeName } from '../lib/range.ts'
import { common } from '../strings/index.ts'
import { Button } from './button.tsx'
import { TextField } from './field.tsx'
import styles from './filter-bar.module.css'
import { Icon } from './icon.tsx'
import { Popover } from './popover.tsx'
import popup from './popup.module.css'

type Props = { readonly range: Range; readonly onChange: (range: Range) => void; readonly className?: string }

/** A period: one of those with a name, or one between two times. */
export function RangePicker({ range, onChange, className }: Props) {
  const [isOpen, setOpen] = useState(false)
  const choose = (next: Range) => {
    setOpen(false)
    onChange(next)
  }
  const trigger = (
    <Button icon="clock" className={className} aria-label={`${common.range.label}: ${rangeLabel(range)}`}>
      <span>{rangeLabel(range)}</span>
    </Button>
  )
  return (
    <Popover trigger={trigger} label={common.range.label} open={isOpen} onOpenChange={setOpen} align="end">
      <div className={styles.presets}>
        {(Object.keys(RANGES) as RangeName[]).map(name => (
          <button
            key={name}
            type="button"
            className={popup.item}
            aria-pressed={range.name === name}
            onClick={() => choose({ name })}
          >
            <span className={popup.mark}>{range.name === name && <Icon name="check" />}</span>
            {common.range.names[name]}
          </button>
        ))}
      </div>
      <div className={popup.separator} />
      <Custom range={range} onChange={choose} />
    </Popover>
  )
}

function Custom({ range, onChange }: Omit<Props, 'className'>) {
  const [from, setFrom] = useState(range.name === null ? toField(range.from) : '')
  const [to, setTo] = useState(range.name === null && range.to !== null ? toField(range.to) : '')
  const isWrong = from !== '' && to !== '' && from >= to
  return (
    <form
      className={styles.form}
      onSubmit={event => {
        event.preventDefault()
        if (from === '' || isWrong) return
        onChange({
          name: null,
          from: new Date(from).toISOString(),
          to: to === '' ? null : new Date(to).toISOString(),
        })
      }}
    >
      <TextField label={common.range.from} type="datetime-local" step={1} value={from} onChange={setFrom} />
      <TextField
        label={common.range.to}
        type="datetime-local"
        step={1}
        value={to}
        onChange={setTo}
        error={isWrong ? common.range.order : null}
      />
      <div className={styles.actions}>
        <Button type="submit" kind="primary" small disabled={from === '' || isWrong}>
          {common.apply}
        </Button>
      </div>
    </form>
  )
}

/** A period in words, or as its two times. */
export function rangeLabel(range: Range): string {
  if (range.name !== null) return common.range.names[range.name]
  const now = Date.now()
  const from = formatClock(Date.parse(range.from), now)
  return range.to === null ? `${from} –` : `${from} – ${formatClock(Date.parse(range.to), now)}`
}

/** A time as a field of type `datetime-local` has it: local, without a zone. */
function toField(time: string): string {
  const date = new Date(time)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
