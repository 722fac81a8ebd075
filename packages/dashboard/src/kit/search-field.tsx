import { useEffect, useRef, useState } from 'react'
import { useHotkeys } from './hotkeys.ts'
import { Icon } from './icon.tsx'
import styles from './search-field.module.css'

type Props = {
  readonly label: string
  /** What the list is searched for, as the URL has it. */
  readonly value: string | undefined
  /** Called when one has stopped typing for a moment. Undefined for nothing. */
  readonly onChange: (value: string | undefined) => void
}

/** How long after the last key the list is searched, in milliseconds. */
const SETTLE_MS = 250

/** Searches a list while one types, such as in the `lead` of a filter bar. `/` goes to it, Esc clears it. */
export function SearchField({ label, value = '', onChange }: Props) {
  const input = useRef<HTMLInputElement>(null)
  useHotkeys({ '/': () => input.current?.focus() })
  const [text, setText] = useState(value)
  const [sent, setSent] = useState(value)
  // The URL changed by other means, such as "clear filters" or back.
  if (value !== sent) {
    setSent(value)
    setText(value)
  }
  const latest = useRef(onChange)
  latest.current = onChange
  useEffect(() => {
    const wanted = text.trim()
    if (wanted === sent) return
    const timer = setTimeout(() => {
      setSent(wanted)
      latest.current(wanted === '' ? undefined : wanted)
    }, SETTLE_MS)
    return () => clearTimeout(timer)
  }, [text, sent])
  return (
    <span className={styles.field}>
      <Icon name="search" size={14} />
      <input
        ref={input}
        type="search"
        className={styles.input}
        aria-label={label}
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => {
          if (event.key !== 'Escape') return
          if (text === '') input.current?.blur()
          else setText('')
        }}
      />
    </span>
  )
}
