import { useState } from 'react'
import { conditionOf, filterFor } from '../lib/payload-filter.ts'
import { payload as words } from '../strings/en/payload.ts'
import { common } from '../strings/index.ts'
import { Button } from './button.tsx'
import { TextArea, TextField } from './field.tsx'
import styles from './filter-bar.module.css'
import type { EditorProps } from './filter-bar.tsx'

/** Chooses a condition on a member of the payload: its path and value, or a whole filter as JSON. */
export function PayloadFilter({ value, onApply }: EditorProps) {
  const condition = value === undefined ? null : conditionOf(value)
  const [isJson, setJson] = useState(value !== undefined && condition === null)
  const [path, setPath] = useState(condition?.path ?? '')
  const [wanted, setWanted] = useState(condition?.value ?? '')
  const [json, setText] = useState(value ?? '')
  const [error, setError] = useState<string | null>(null)
  const submit = () => {
    if (!isJson) return onApply(path.trim() === '' ? undefined : filterFor({ path, value: wanted }))
    if (json.trim() === '') return onApply(undefined)
    try {
      onApply(JSON.stringify(JSON.parse(json)))
    } catch {
      setError(words.notJson)
    }
  }
  return (
    <form
      className={styles.form}
      onSubmit={event => {
        event.preventDefault()
        submit()
      }}
    >
      {isJson ? (
        <TextArea
          label={words.filter}
          help={words.filterHelp}
          error={error}
          mono
          autoFocus
          value={json}
          onChange={setText}
        />
      ) : (
        <>
          <TextField label={words.path} help={words.pathHelp} mono autoFocus value={path} onChange={setPath} />
          <TextField label={words.value} help={words.valueHelp} mono value={wanted} onChange={setWanted} />
        </>
      )}
      <div className={styles.actions}>
        <Button
          kind="quiet"
          small
          onClick={() => {
            if (!isJson) setText(path.trim() === '' ? json : filterFor({ path, value: wanted }))
            setJson(!isJson)
          }}
        >
          {isJson ? words.asField : words.asJson}
        </Button>
        <Button type="submit" kind="primary" small>
          {common.apply}
        </Button>
      </div>
    </form>
  )
}
