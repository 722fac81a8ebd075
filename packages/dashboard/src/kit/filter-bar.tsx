import { type ReactNode, useRef, useState } from 'react'
import { cx } from '../lib/cx.ts'
import { type Search, valuesOf } from '../lib/search.ts'
import { common } from '../strings/index.ts'
import { Button } from './button.tsx'
import { Checkbox, type Option } from './choices.tsx'
import { TextField } from './field.tsx'
import styles from './filter-bar.module.css'
import { useHotkeys } from './hotkeys.ts'
import { Icon } from './icon.tsx'
import { Popover } from './popover.tsx'

export type Filter = {
  /** The parameter's name, in the URL as in the API. */
  readonly name: string
  readonly label: string
  /** The values to choose from, several at a time. Without them, a text is typed. */
  readonly options?: readonly Option[]
  /** Only one of the options. */
  readonly single?: boolean
  /** Whether a value that isn't among the options can be typed as well; its label. */
  readonly own?: string
  readonly help?: string
  readonly mono?: boolean
  /** How a value reads in the chip. Default: its options' labels, or the value. */
  readonly show?: (value: string) => string
  /** What the value is chosen with, in place of options or a text. */
  readonly editor?: (props: EditorProps) => ReactNode
}

export type EditorProps = {
  readonly value: string | undefined
  /** Changes the value and closes. Undefined removes it. */
  readonly onApply: (value: string | undefined) => void
}

type Props = {
  readonly filters: readonly Filter[]
  readonly search: Search
  /** Changes the URL. Undefined removes a parameter. */
  readonly onChange: (changes: Record<string, string | undefined>) => void
  /** At the start of the row: a `SearchField`, which `/` then goes to. */
  readonly lead?: ReactNode
  /** At the end of the row, such as the switch for live updates. */
  readonly children?: ReactNode
}

/** The filters of a list as chips in one row. What is chosen is in the URL, so reload, back and a pasted link keep it. */
export function FilterBar({ filters, search, onChange, lead, children }: Props) {
  const bar = useRef<HTMLElement>(null)
  useHotkeys(lead === undefined ? { '/': () => bar.current?.querySelector('button')?.focus() } : {})
  const isFiltered = filters.some(({ name }) => search[name] !== undefined)
  return (
    <search className={styles.bar} ref={bar} aria-label={common.filter}>
      {lead}
      <div className={styles.chips}>
        {filters.map(filter => (
          <Chip key={filter.name} filter={filter} value={search[filter.name]} onChange={onChange} />
        ))}
        {isFiltered && (
          <Button
            kind="quiet"
            small
            onClick={() => onChange(Object.fromEntries(filters.map(({ name }) => [name, undefined])))}
          >
            {common.clearFilters}
          </Button>
        )}
      </div>
      {children && <div className={styles.end}>{children}</div>}
    </search>
  )
}

type ChipProps = { readonly filter: Filter; readonly value: string | undefined; readonly onChange: Props['onChange'] }

function Chip({ filter, value, onChange }: ChipProps) {
  const [isOpen, setOpen] = useState(false)
  const { name, label, editor } = filter
  const text = value === undefined ? '' : shownAs(value, filter)
  const chip = (
    <button type="button" className={cx(styles.chip, value !== undefined && styles.set)}>
      {label}
      {value === undefined ? <Icon name="down" size={14} /> : <b>{text}</b>}
    </button>
  )
  return (
    <span className={styles.group}>
      <Popover trigger={chip} label={label} open={isOpen} onOpenChange={setOpen}>
        {editor === undefined ? (
          <Choices
            filter={filter}
            value={value}
            onChange={next => onChange({ [name]: next, cursor: undefined })}
            onClose={() => setOpen(false)}
          />
        ) : (
          editor({
            value,
            onApply: next => {
              setOpen(false)
              onChange({ [name]: next, cursor: undefined })
            },
          })
        )}
      </Popover>
      {value !== undefined && (
        <button
          type="button"
          className={styles.remove}
          aria-label={common.removeFilter(label)}
          onClick={() => onChange({ [name]: undefined, cursor: undefined })}
        >
          <Icon name="cross" size={12} />
        </button>
      )}
    </span>
  )
}

function shownAs(value: string, { options, show }: Filter): string {
  if (show !== undefined) return show(value)
  // A text can have commas of its own.
  if (options === undefined) return value
  const shown = valuesOf(value).map(one => options.find(option => option.value === one)?.label ?? one)
  return shown.length > 2 ? common.selected(shown.length) : shown.join(', ')
}

type ChoicesProps = {
  readonly filter: Filter
  readonly value: string | undefined
  readonly onChange: (value: string | undefined) => void
  readonly onClose: () => void
}

function Choices({ filter, value, onChange, onClose }: ChoicesProps) {
  const { label, options, single, own, help, mono } = filter
  const values = valuesOf(value)
  const [text, setText] = useState(options === undefined ? (value ?? '') : '')
  const toggle = (one: string) => {
    const isSet = values.includes(one)
    const next = single ? (isSet ? [] : [one]) : isSet ? values.filter(other => other !== one) : [...values, one]
    onChange(next.length === 0 ? undefined : next.join(','))
    if (single) onClose()
  }
  const typed = values.filter(one => options?.every(option => option.value !== one))
  return (
    <form
      className={styles.form}
      onSubmit={event => {
        event.preventDefault()
        const written = text.trim()
        if (options === undefined) onChange(written === '' ? undefined : written)
        else if (written !== '') onChange([...values, written].join(','))
        onClose()
      }}
    >
      {options !== undefined && (
        <div className={styles.options}>
          {[...options, ...typed.map(one => ({ value: one, label: one }))].map(option => (
            <Checkbox
              key={option.value}
              label={option.label}
              checked={values.includes(option.value)}
              onChange={() => toggle(option.value)}
            />
          ))}
        </div>
      )}
      {(options === undefined || own !== undefined) && (
        <>
          <TextField
            label={own ?? label}
            help={help}
            mono={mono}
            value={text}
            onChange={setText}
            autoFocus={!options}
          />
          <div className={styles.actions}>
            <Button type="submit" kind="primary" small>
              {common.apply}
            </Button>
          </div>
        </>
      )}
    </form>
  )
}
