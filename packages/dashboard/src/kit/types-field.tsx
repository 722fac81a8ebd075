import type { EventType } from '@posthorn/client'
import { useState } from 'react'
import { cx } from '../lib/cx.ts'
import { fits, isPattern } from '../lib/type-pattern.ts'
import { typesField as words } from '../strings/en/types-field.ts'
import { Button } from './button.tsx'
import { Checkbox, SegmentedControl } from './choices.tsx'
import styles from './types-field.module.css'

type Props = {
  readonly catalogue: readonly EventType[]
  /** Names and patterns. Null for all types. */
  readonly value: readonly string[] | null
  readonly onChange: (value: readonly string[] | null) => void
  readonly error?: string | null
}

/** Which event types an endpoint gets: all, or some, by group, and by patterns. */
export function TypesField({ catalogue, value, onChange, error }: Props) {
  // What was chosen comes back when one goes to "all" and back.
  const [kept, setKept] = useState<readonly string[]>(value ?? [])
  const change = (next: readonly string[]) => {
    setKept(next)
    onChange(next)
  }
  return (
    <fieldset className={styles.field}>
      <legend>{words.label}</legend>
      <div>
        <SegmentedControl
          label={words.label}
          value={value === null ? 'all' : 'chosen'}
          options={[
            { value: 'all', label: words.all },
            { value: 'chosen', label: words.chosen },
          ]}
          onChange={next => onChange(next === 'all' ? null : kept)}
        />
      </div>
      {value === null ? (
        <div className={styles.help}>{words.allHelp}</div>
      ) : (
        <>
          <Chooser catalogue={catalogue} value={value} onChange={change} isWrong={Boolean(error)} />
          <div className={styles.help} aria-live="polite">
            {words.count(value.length)}
          </div>
        </>
      )}
      <div role="alert" className={styles.error}>
        {error}
      </div>
    </fieldset>
  )
}

type ChooserProps = {
  readonly catalogue: readonly EventType[]
  readonly value: readonly string[]
  readonly onChange: (value: readonly string[]) => void
  readonly isWrong: boolean
}

function Chooser({ catalogue, value, onChange, isWrong }: ChooserProps) {
  const [text, setText] = useState('')
  const wanted = text.trim()
  const set = (names: readonly string[], isChosen: boolean) => {
    const rest = value.filter(one => !names.includes(one))
    onChange(isChosen ? [...rest, ...names] : rest)
  }
  const names = new Set(catalogue.map(({ name }) => name))
  const others = value.filter(one => !names.has(one))
  const isFound = (type: EventType) =>
    wanted === '' ||
    (isPattern(wanted) ? fits(type.name, wanted) : type.name.toLowerCase().includes(wanted.toLowerCase()))
  const shown = catalogue.filter(type => isFound(type) && (type.archivedAt === null || value.includes(type.name)))
  // Posthorn's own types are last: few endpoints want them.
  const sorted = shown.toSorted((a, b) => Number(a.operational) - Number(b.operational))
  const groups = Map.groupBy(sorted, ({ group }) => group)
  const canAdd = isPattern(wanted) && !value.includes(wanted)
  const add = () => {
    const exact = catalogue.find(({ name }) => name.toLowerCase() === wanted.toLowerCase())
    const one = canAdd ? wanted : exact?.name
    if (one === undefined) return
    set([one], true)
    setText('')
  }
  return (
    <div className={cx(styles.box, isWrong && styles.wrong)}>
      <div className={styles.find}>
        <input
          type="search"
          aria-label={words.find}
          aria-invalid={isWrong || undefined}
          placeholder={words.find}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={event => setText(event.target.value)}
          onKeyDown={event => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            add()
          }}
        />
      </div>
      {/* The catalogue takes its place before it is there. */}
      <div className={cx(styles.list, catalogue.length === 0 && styles.empty)}>
        {canAdd && (
          <Button small icon="plus" onClick={add}>
            {words.add(wanted)}
          </Button>
        )}
        {others.length > 0 && (
          <div className={styles.group}>
            <span className={styles.note}>{words.patterns}</span>
            {others.map(one => (
              <div key={one} className={styles.one}>
                <Checkbox label={one} checked onChange={() => set([one], false)} />
                <Fits pattern={one} catalogue={catalogue} />
              </div>
            ))}
          </div>
        )}
        {[...groups].map(([group, types]) => (
          <Group key={group} group={group} types={types} value={value} onSet={set} />
        ))}
        {catalogue.length > 0 && shown.length === 0 && !canAdd && <span className={styles.note}>{words.nothing}</span>}
      </div>
    </div>
  )
}

function Fits({ pattern, catalogue }: { readonly pattern: string; readonly catalogue: readonly EventType[] }) {
  // Posthorn's own types are received only by those who name them.
  const isOwn = pattern.startsWith('posthorn.')
  const count = catalogue.filter(type => type.operational === isOwn && fits(type.name, pattern)).length
  return <span className={styles.note}>{count === 0 ? words.fitsNothing : words.fits(count)}</span>
}

type GroupProps = {
  readonly group: string
  readonly types: readonly EventType[]
  readonly value: readonly string[]
  readonly onSet: (names: readonly string[], isChosen: boolean) => void
}

function Group({ group, types, value, onSet }: GroupProps) {
  const names = types.map(({ name }) => name)
  const chosen = names.filter(name => value.includes(name)).length
  return (
    <fieldset className={styles.group} aria-label={group || words.noGroup}>
      <Checkbox
        label={group || words.noGroup}
        checked={chosen === names.length}
        indeterminate={chosen > 0 && chosen < names.length}
        onChange={next => onSet(names, next)}
      />
      <div className={styles.group}>
        {types.map(type => (
          <div key={type.name} className={styles.one}>
            <Checkbox
              label={type.name}
              checked={value.includes(type.name)}
              onChange={next => onSet([type.name], next)}
            />
            {type.archivedAt === null ? (
              <bdi className={styles.about} title={type.description}>
                {type.description}
              </bdi>
            ) : (
              <span className={styles.note}>{words.archived}</span>
            )}
          </div>
        ))}
      </div>
    </fieldset>
  )
}
