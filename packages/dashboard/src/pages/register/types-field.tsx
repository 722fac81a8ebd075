import type { EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { Button, IconButton } from '../../kit/button.tsx'
import { Checkbox, SegmentedControl } from '../../kit/choices.tsx'
import { TextField } from '../../kit/field.tsx'
import { Icon } from '../../kit/icon.tsx'
import { ErrorState } from '../../kit/surfaces.tsx'
import { register as words } from '../../strings/en/register.ts'
import { typesQuery } from './queries.ts'
import styles from './register.module.css'
import { groupsOf, matches } from './types.ts'

const { what } = words

/** From this many types on they can be searched. */
const MANY = 9

type Props = {
  /** Names and patterns; null for all types. */
  readonly types: readonly string[] | null
  readonly onChange: (types: readonly string[] | null) => void
  readonly error: string | null
}

/** The types of the catalogue by group, each or a whole group at a time, and patterns; or all. */
export function TypesField({ types, onChange, error }: Props) {
  const id = useId()
  const catalogue = useQuery(typesQuery())
  // Going to "all" and back keeps what was chosen.
  const [kept, setKept] = useState<readonly string[]>(types ?? [])
  const known = catalogue.data ?? []
  const common = known.filter(({ operational }) => !operational)
  return (
    <fieldset
      className={styles.types}
      aria-labelledby={`${id}-label`}
      aria-describedby={error === null ? undefined : `${id}-error`}
    >
      <div className={styles.typesHead}>
        <span id={`${id}-label`} className={styles.label}>
          {what.label}
        </span>
        <SegmentedControl
          label={what.label}
          value={types === null ? 'all' : 'some'}
          options={[
            { value: 'some', label: what.some },
            { value: 'all', label: what.all },
          ]}
          onChange={next => {
            if (types !== null) setKept(types)
            onChange(next === 'all' ? null : kept)
          }}
        />
      </div>
      {types === null && <p className={styles.help}>{what.allText(common.length)}</p>}
      {types !== null && catalogue.error !== null && catalogue.data === undefined && (
        <ErrorState error={catalogue.error} onRetry={() => void catalogue.refetch()} />
      )}
      {types !== null && catalogue.data !== undefined && (
        <Choices known={known} types={types} onChange={onChange} isInvalid={error !== null} />
      )}
      <div role="alert">
        {error !== null && (
          <div id={`${id}-error`} className={styles.error}>
            <Icon name="warning" size={14} />
            {error}
          </div>
        )}
      </div>
    </fieldset>
  )
}

type ChoicesProps = {
  readonly known: readonly EventType[]
  readonly types: readonly string[]
  readonly onChange: (types: readonly string[]) => void
  readonly isInvalid: boolean
}

function Choices({ known, types, onChange, isInvalid }: ChoicesProps) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const found = known.filter(({ name, group, description }) =>
    `${name} ${group} ${description}`.toLowerCase().includes(wanted),
  )
  const names = new Set(known.map(({ name }) => name))
  const others = types.filter(type => !names.has(type))
  const set = (changed: readonly string[], isChosen: boolean) =>
    onChange(isChosen ? [...new Set([...types, ...changed])] : types.filter(type => !changed.includes(type)))
  return (
    <>
      <div className={styles.list} data-invalid={isInvalid || undefined}>
        {known.length > MANY && (
          <div className={styles.find}>
            <TextField label={what.find} hideLabel placeholder={what.find} value={text} onChange={setText} />
          </div>
        )}
        <div className={styles.groups}>
          {known.length === 0 && <p className={styles.help}>{what.none}</p>}
          {known.length > 0 && found.length === 0 && <p className={styles.help}>{what.noMatch}</p>}
          {groupsOf(found).map(({ group, members }) => (
            <Group key={group} group={group} members={members} types={types} set={set} />
          ))}
        </div>
      </div>
      {others.length > 0 && (
        <ul className={styles.patterns} aria-label={what.patterns}>
          {others.map(type => (
            <li key={type}>
              <code>{type}</code>
              <span className={styles.help}>
                {what.matchesNow(known.filter(({ name }) => matches(type, name)).length)}
              </span>
              <IconButton
                icon="cross"
                small
                label={`${words.filter.remove}: ${type}`}
                onClick={() => set([type], false)}
              />
            </li>
          ))}
        </ul>
      )}
      <Pattern onAdd={type => set([type], true)} />
    </>
  )
}

type GroupProps = {
  readonly group: string
  readonly members: readonly EventType[]
  readonly types: readonly string[]
  readonly set: (changed: readonly string[], isChosen: boolean) => void
}

function Group({ group, members, types, set }: GroupProps) {
  const id = useId()
  const names = members.map(({ name }) => name)
  const chosen = names.filter(name => types.includes(name)).length
  const isWhole = chosen === names.length
  return (
    <fieldset className={styles.group} aria-labelledby={id}>
      <div className={styles.groupHead}>
        <Checkbox
          hideLabel
          label={what.wholeGroup(group)}
          checked={isWhole}
          indeterminate={chosen > 0 && !isWhole}
          onChange={() => set(names, !isWhole)}
        />
        <bdi id={id}>{group}</bdi>
      </div>
      {members.map(({ name, description }) => (
        <div key={name} className={styles.type} title={description}>
          <Checkbox label={name} checked={types.includes(name)} onChange={isChosen => set([name], isChosen)} />
          <bdi className={styles.describes}>{description}</bdi>
        </div>
      ))}
    </fieldset>
  )
}

/** A type that isn't in the catalogue yet, or a pattern. Enter adds it, and doesn't send the form. */
function Pattern({ onAdd }: { readonly onAdd: (type: string) => void }) {
  const [text, setText] = useState('')
  const add = () => {
    if (text.trim() === '') return
    onAdd(text.trim())
    setText('')
  }
  return (
    <div className={styles.pattern}>
      <TextField
        label={what.pattern}
        help={what.patternHelp}
        mono
        value={text}
        placeholder="COVER_*"
        onChange={setText}
        onKeyDown={event => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
          event.preventDefault()
          add()
        }}
      />
      <Button onClick={add} disabled={text.trim() === ''}>
        {what.add}
      </Button>
    </div>
  )
}
