import { useEffect, useRef, useState } from 'react'
import { useHotkeys } from '../app/hotkeys.ts'
import { TextField } from './field.tsx'

type Props = {
  readonly label: string
  /** What is in the URL. */
  readonly value: string
  /** Called a moment after something was typed. */
  readonly onChange: (text: string) => void
}

/** How long after the last letter it is searched, in milliseconds. */
const SETTLE_MS = 200

/** A field that searches the list below as one types. `/` goes to it, Esc empties it. */
export function SearchField({ label, value, onChange }: Props) {
  const [text, setText] = useState(value)
  const box = useRef<HTMLDivElement>(null)
  const latest = useRef(onChange)
  latest.current = onChange
  useHotkeys({ '/': () => box.current?.querySelector('input')?.focus() })
  // After going back, what is in the URL is shown here as well.
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => latest.current(text), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [text, value])
  return (
    <div ref={box}>
      <TextField
        label={label}
        hideLabel
        type="search"
        placeholder={label}
        value={text}
        onChange={setText}
        aria-keyshortcuts="/"
        onKeyDown={event => {
          if (event.key !== 'Escape' || text === '') return
          event.stopPropagation()
          setText('')
        }}
      />
    </div>
  )
}
