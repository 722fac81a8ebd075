import { type KeyboardEvent, type ReactNode, useDeferredValue, useId, useMemo, useRef, useState } from 'react'
import { cx } from '../lib/cx.ts'
import { useSettled } from '../lib/hooks.ts'
import { type JsonDocument, type PlacedProblem, readJson } from '../lib/json-document.ts'
import { indent } from '../lib/json-source.ts'
import type { Check } from '../lib/schema-check.ts'
import { json } from '../strings/en/json.ts'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'
import styles from './json-editor.module.css'
import { Hidden } from './kbd.tsx'

const words = json.editor

/** The height of a line, and the space above the first, in pixels. */
const LINE = 20
const TOP = 8
/** How many problems are listed, and how long a line is coloured. */
const LISTED = 6
const COLOURED = 4_000
/** From this length on, a text is read when the typing pauses, and replaced without the browser's own undo. */
const LONG = 100_000
const SETTLE_MS = 300

/** A text and what is wrong with it, read again as it changes, without holding up the typing. */
export function useJson(text: string, check?: Check | null): JsonDocument {
  const rested = useSettled(text, SETTLE_MS)
  const settled = useDeferredValue(text.length > LONG ? rested : text)
  return useMemo(() => readJson(settled, check), [settled, check])
}

type Props = {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  /** What is wrong with it: those of `useJson`, and those that the server found (`place`). */
  readonly problems: readonly PlacedProblem[]
  /** What is said if nothing is wrong. */
  readonly fine?: string
  readonly help?: ReactNode
  /** Next to the button that formats, such as one that puts an example in. */
  readonly actions?: ReactNode
  readonly minLines?: number
  readonly maxLines?: number
  /** ⌘ or Ctrl with Enter. */
  readonly onSubmit?: () => void
}

/**
 * A field for JSON: a plain text area, so that undo, spelling of screen readers and the keys of the system work, with
 * line numbers and colours behind it. Tab leaves it, as any field. Problems are listed below; each leads to its place.
 */
export function JsonEditor(props: Props) {
  const { label, value, onChange, problems, help, actions, fine = words.validSyntax, onSubmit } = props
  const { minLines = 8, maxLines = 24 } = props
  const id = useId()
  const area = useRef<HTMLTextAreaElement>(null)
  const [scroll, setScroll] = useState({ top: 0, left: 0 })
  const lines = useMemo(() => value.split('\n'), [value])
  const shown = Math.max(minLines, Math.min(maxLines, lines.length))
  const count = problems.length
  const state = count === 0 ? fine : words.problems(count)
  const announced = useSettled(count === 0 ? fine : `${state}. ${problems[0]!.text}`, 900)
  const go = ({ from, to, line }: PlacedProblem) => {
    const field = area.current
    if (field === null) return
    field.focus()
    field.setSelectionRange(from, Math.max(from, to))
    field.scrollTop = Math.max(0, (line - Math.ceil(shown / 3)) * LINE)
  }
  const format = () => {
    const field = area.current
    const next = indent(value)
    if (field === null || next === value) return
    if (value.length > LONG) return onChange(next)
    field.focus()
    field.select()
    insert(next)
    field.setSelectionRange(0, 0)
  }
  return (
    <div className={styles.editor}>
      <div className={styles.head}>
        <label htmlFor={id}>{label}</label>
        <span className={styles.spacer} />
        {actions}
        <Button small kind="quiet" disabled={count > 0 && !isJson(value)} onClick={format}>
          {words.format}
        </Button>
      </div>
      <div className={cx(styles.frame, count > 0 && styles.wrong)} style={{ height: shown * LINE + 2 * TOP + 2 }}>
        <Backdrop lines={lines} problems={problems} scroll={scroll} shown={shown} text={value} />
        <textarea
          ref={area}
          id={id}
          className={styles.area}
          value={value}
          dir="ltr"
          wrap="off"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          aria-invalid={count > 0 || undefined}
          aria-describedby={`${id}-keys ${id}-state`}
          onChange={event => onChange(event.target.value)}
          onScroll={({ currentTarget: { scrollTop: top, scrollLeft: left } }) => setScroll({ top, left })}
          onKeyDown={event => onKeyDown(event, onSubmit)}
        />
      </div>
      <div className={cx(styles.state, count > 0 && styles.bad)} id={`${id}-state`}>
        {state !== '' && <Icon name={count === 0 ? 'check' : 'warning'} size={14} />}
        <span>{state}</span>
        {help !== undefined && <span className={styles.help}>{help}</span>}
      </div>
      <span id={`${id}-keys`} hidden>
        {words.help}
      </span>
      <Hidden live>{announced}</Hidden>
      {count > 0 && <Problems problems={problems} onGo={go} />}
    </div>
  )
}

type ProblemsProps = { readonly problems: readonly PlacedProblem[]; readonly onGo: (problem: PlacedProblem) => void }

function Problems({ problems, onGo }: ProblemsProps) {
  return (
    <ul className={styles.problems} aria-label={words.list}>
      {problems.slice(0, LISTED).map(problem => (
        <li key={`${problem.from} ${problem.path} ${problem.text}`} className={styles.problem}>
          <button type="button" onClick={() => onGo(problem)}>
            <span className={styles.where}>{words.place(problem.line, problem.path)}</span>
            <bdi>{problem.text}</bdi>
          </button>
        </li>
      ))}
      {problems.length > LISTED && <li className={styles.more}>{words.more(problems.length - LISTED)}</li>}
    </ul>
  )
}

type BackdropProps = {
  readonly lines: readonly string[]
  readonly problems: readonly PlacedProblem[]
  readonly scroll: { readonly top: number; readonly left: number }
  readonly shown: number
  readonly text: string
}

/** The numbers, colours and marks behind the text: only of the lines in sight. */
function Backdrop({ lines, problems, scroll, shown, text }: BackdropProps) {
  const first = Math.max(0, Math.floor(scroll.top / LINE) - 4)
  const visible = lines.slice(first, first + shown + 10)
  const wrong = new Set(problems.map(({ line }) => line - 1))
  const y = TOP + first * LINE - scroll.top
  return (
    <div className={styles.backdrop} aria-hidden="true" dir="ltr">
      <div className={styles.numbers} style={{ transform: `translateY(${y}px)` }}>
        {visible.map((_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its position
          <div key={first + index} className={cx(wrong.has(first + index) && styles.wrongNumber)}>
            {first + index + 1}
          </div>
        ))}
      </div>
      <div className={styles.sheet}>
        <div style={{ transform: `translate(${-scroll.left}px, ${y}px)` }}>
          {visible.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its position
            <div key={first + index} className={styles.line}>
              {line === '' ? ' ' : <Coloured line={line} />}
              {problems
                .filter(problem => problem.line - 1 === first + index)
                .map(({ from, to, path, text: sentence }) => {
                  const start = text.lastIndexOf('\n', from - 1) + 1
                  return (
                    <span key={`${from} ${path} ${sentence}`} className={styles.mark}>
                      {line.slice(0, from - start)}
                      <u>{line.slice(from - start, Math.max(to - start, from - start + 1)) || ' '}</u>
                    </span>
                  )
                })}
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}

const TOKENS = /"(?:[^"\\]|\\.)*"?(?=(\s*:)?)|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g

function Coloured({ line }: { readonly line: string }) {
  if (line.length > COLOURED) return line
  const pieces: ReactNode[] = []
  let end = 0
  for (const match of line.matchAll(TOKENS)) {
    pieces.push(line.slice(end, match.index))
    end = match.index + match[0].length
    const isText = match[0].startsWith('"')
    const name = isText ? (match[1] === undefined ? styles.string : undefined) : styles.number
    pieces.push(
      <span key={match.index} className={name}>
        {match[0]}
      </span>,
    )
  }
  pieces.push(line.slice(end))
  return pieces
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Types a text where the caret is, so that undo takes it back. */
function insert(text: string): void {
  // Deprecated, and still the only way that keeps the field's undo.
  document.execCommand('insertText', false, text)
}

function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>, onSubmit: (() => void) | undefined): void {
  const { key, currentTarget: field } = event
  const isMod = event.metaKey || event.ctrlKey
  if (event.nativeEvent.isComposing || event.altKey) return
  if (key === 'Enter' && isMod) {
    event.preventDefault()
    onSubmit?.()
    return
  }
  if (isMod || event.shiftKey) return
  const { selectionStart: from, selectionEnd: to, value } = field
  const start = value.lastIndexOf('\n', from - 1) + 1
  const before = value.slice(start, from)
  const space = /^ */.exec(before)?.[0] ?? ''
  if (key === 'Enter') {
    event.preventDefault()
    const opens = /[[{]\s*$/.test(before)
    insert(`\n${space}${opens ? '  ' : ''}`)
    if (opens && /^[\]}]/.test(value.slice(to))) {
      const caret = field.selectionStart
      insert(`\n${space}`)
      field.setSelectionRange(caret, caret)
    }
  } else if ((key === '}' || key === ']') && from === to && before !== '' && before.trim() === '') {
    event.preventDefault()
    field.setSelectionRange(from - Math.min(2, space.length), from)
    insert(key)
  }
}
