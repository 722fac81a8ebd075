import { type ReactNode, useEffect, useState } from 'react'
import { shortenId } from '../lib/format.ts'
import { common } from '../strings/index.ts'
import { Button, type ButtonProps } from './button.tsx'
import { Icon } from './icon.tsx'
import styles from './text.module.css'

/** Copies a text. Pages without TLS have no clipboard API: then by way of a selection. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    const focused = document.activeElement
    area.value = text
    area.className = styles.live ?? ''
    document.body.append(area)
    area.select()
    const isCopied = document.execCommand('copy')
    area.remove()
    if (focused instanceof HTMLElement) focused.focus()
    return isCopied
  }
}

function useCopied() {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), 1_500)
    return () => clearTimeout(timer)
  }, [isCopied])
  return [isCopied, async (text: string) => setCopied(await copyText(text))] as const
}

/** A small button that copies a text. `what` is read out: an id, or the name of what is copied. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const [isCopied, copy] = useCopied()
  const label = isCopied ? common.copied : common.copyId(what)
  return (
    <button
      type="button"
      className={styles.copy}
      aria-label={label}
      title={label}
      onClick={event => {
        event.stopPropagation()
        void copy(text)
      }}
    >
      <Icon name={isCopied ? 'check' : 'copy'} size={14} />
    </button>
  )
}

type CopyButtonProps = Omit<ButtonProps, 'onClick'> & { readonly text: string | (() => string) }

/** A button with words that copies a text. A function is called when it is pressed. */
export function CopyButton({ text, children, ...rest }: CopyButtonProps) {
  const [isCopied, copy] = useCopied()
  return (
    <Button
      icon={isCopied ? 'check' : 'copy'}
      onClick={() => void copy(typeof text === 'string' ? text : text())}
      {...rest}
    >
      <span aria-live="polite">{isCopied ? common.copied : children}</span>
    </Button>
  )
}

type IdProps = { readonly id: string; readonly whole?: boolean; readonly children?: (shown: string) => ReactNode }

/** An id, shortened in the middle and copied whole. `children` wraps what is shown, for example in a link. */
export function Id({ id, whole = false, children }: IdProps) {
  const shown = whole ? id : shortenId(id)
  return (
    <span className={styles.id}>
      {children === undefined ? <span title={shown === id ? undefined : id}>{shown}</span> : children(shown)}
      <Copy text={id} what={id} />
    </span>
  )
}
