import { Dialog } from '@base-ui/react/dialog'
import { useNavigate, useRouter } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import dialog from '../kit/dialog.module.css'
import { Icon } from '../kit/icon.tsx'
import { IS_APPLE, Kbd } from '../kit/kbd.tsx'
import popup from '../kit/popup.module.css'
import { cx } from '../lib/cx.ts'
import { shell } from '../strings/index.ts'
import styles from './palette.module.css'
import { type Entries, type Entry, useEntries } from './palette-entries.ts'

const words = shell.palette

type Props = { readonly onClose: () => void; readonly onShortcuts: () => void }

/** Goes anywhere, does what is done from anywhere, and finds anything by its id, key, uid or name. */
export default function Palette({ onClose, onShortcuts }: Props) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  // Enter was pressed before the server had found what was typed.
  const [isWaiting, setWaiting] = useState<'here' | 'tab' | null>(null)
  const list = useRef<HTMLDivElement>(null)
  const input = useRef<HTMLInputElement>(null)
  const prefix = useId()
  const navigate = useNavigate()
  const router = useRouter()
  const found = useEntries(text, onShortcuts)
  const { entries, isSearching, isId } = found
  const current = Math.min(at, entries.length - 1)
  // biome-ignore lint/correctness/useExhaustiveDependencies: also when the entries change under the mark
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [current, entries])
  const open = (entry: Entry | undefined, where: 'here' | 'tab') => {
    setWaiting(null)
    if (entry === undefined) return
    const { to, search = {}, run } = entry
    if (where === 'tab' && to !== undefined) {
      window.open(router.buildLocation({ to: to as '/', search: search as never }).href, '_blank', 'noopener')
      return
    }
    onClose()
    if (run !== undefined) run()
    else void navigate({ to: to as '/', search: search as never })
  }
  const choose = (where: 'here' | 'tab') => {
    // An id leads to one thing only, and nothing else is meant. So does what nothing here is called.
    if (isSearching && (isId || entries.length === 0)) setWaiting(where)
    else open(entries[current], where)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: the search has ended, and Enter was pressed before
  useEffect(() => {
    if (isWaiting !== null && !isSearching) open(entries[0], isWaiting)
  }, [isWaiting, isSearching])
  const onKeyDown = (event: KeyboardEvent) => {
    const isMod = event.metaKey || event.ctrlKey
    const last = entries.length - 1
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: current === last ? 0 : current + 1,
      ArrowUp: current <= 0 ? last : current - 1,
      PageDown: Math.min(last, current + 8),
      PageUp: Math.max(0, current - 8),
    }
    const move = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined
    if (event.nativeEvent.isComposing) return
    if (move !== undefined) setAt(move)
    else if (event.key === 'Enter') choose(isMod ? 'tab' : 'here')
    else if (isMod && event.key.toLowerCase() === 'k') onClose()
    else return
    event.preventDefault()
  }
  return (
    <Dialog.Root open onOpenChange={next => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={dialog.backdrop} />
        <Dialog.Popup className={cx(dialog.dialog, styles.palette)} aria-label={words.title} initialFocus={input}>
          <div className={styles.head}>
            <Icon name="search" />
            <input
              ref={input}
              className={styles.input}
              role="combobox"
              aria-label={words.title}
              aria-expanded="true"
              aria-autocomplete="list"
              aria-controls={`${prefix}list`}
              aria-activedescendant={entries.length === 0 ? undefined : `${prefix}${current}`}
              placeholder={words.placeholder}
              autoComplete="off"
              spellCheck={false}
              value={text}
              onKeyDown={onKeyDown}
              onChange={event => {
                setText(event.target.value)
                setAt(0)
                setWaiting(null)
              }}
            />
          </div>
          <div className={styles.list} id={`${prefix}list`} role="listbox" aria-label={words.title} ref={list}>
            {groupsOf(entries).map(({ group, first, own }) => (
              // biome-ignore lint/a11y/useSemanticElements: a group of options is no part of a form
              <div key={`${group}${first}`} role="group" aria-labelledby={`${prefix}${group}${first}`}>
                <div className={popup.group} id={`${prefix}${group}${first}`}>
                  {words.groups[group]}
                </div>
                {own.map((entry, index) => (
                  <Row
                    key={entry.id}
                    entry={entry}
                    id={`${prefix}${first + index}`}
                    isCurrent={first + index === current}
                    onPoint={() => setAt(first + index)}
                    onOpen={where => open(entry, where)}
                  />
                ))}
              </div>
            ))}
          </div>
          <Foot found={found} text={text.trim()} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

type RowProps = {
  readonly entry: Entry
  readonly id: string
  readonly isCurrent: boolean
  readonly onPoint: () => void
  readonly onOpen: (where: 'here' | 'tab') => void
}

function Row({ entry: { icon, label, hint, keys }, id, isCurrent, onPoint, onOpen }: RowProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isCurrent}
      data-highlighted={isCurrent || undefined}
      className={cx(popup.item, styles.item)}
      onPointerMove={isCurrent ? undefined : onPoint}
      onClick={event => onOpen(event.metaKey || event.ctrlKey ? 'tab' : 'here')}
    >
      <Icon name={icon} />
      <bdi className={styles.label}>{label}</bdi>
      {hint !== undefined && <bdi className={styles.hint}>{hint}</bdi>}
      {keys !== undefined && (
        <span className={styles.keys}>
          {keys.map(key => (
            <Kbd key={key}>{key}</Kbd>
          ))}
        </span>
      )}
    </div>
  )
}

/** What the server is doing, or the keys of the palette. */
function Foot({ found, text }: { readonly found: Entries; readonly text: string }) {
  const { entries, isSearching, isIncomplete } = found
  const said = isSearching
    ? words.searching
    : entries.length === 0
      ? words.nothing(text)
      : isIncomplete
        ? words.incomplete
        : ''
  return (
    <div className={styles.foot}>
      <span role="status" className={styles.said}>
        {said}
      </span>
      {(said === '' || entries.length > 0) && (
        <span className={styles.help} aria-hidden="true">
          <Kbd>↑</Kbd>
          <Kbd>↓</Kbd> {words.help.move}
          <Kbd>Enter</Kbd> {words.help.open}
          <Kbd>{IS_APPLE ? '⌘ Enter' : 'Ctrl Enter'}</Kbd> {words.help.tab}
          <Kbd>Esc</Kbd> {words.help.close}
        </span>
      )}
    </div>
  )
}

/** Entries under the headings that they come with, and the place of the first of each. */
function groupsOf(entries: readonly Entry[]) {
  const groups: { readonly group: Entry['group']; readonly first: number; readonly own: Entry[] }[] = []
  entries.forEach((entry, index) => {
    const last = groups.at(-1)
    if (last?.group === entry.group) last.own.push(entry)
    else groups.push({ group: entry.group, first: index, own: [entry] })
  })
  return groups
}
