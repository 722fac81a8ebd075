import type { ApiKey, NewApiKey } from '@posthorn/client'
import { useState } from 'react'
import { Button } from '../../kit/button.tsx'
import { CodeBlock } from '../../kit/code.tsx'
import { copyText } from '../../kit/copy.tsx'
import { Dialog, DialogActions } from '../../kit/dialog.tsx'
import { access } from '../../strings/en/access.ts'
import { common } from '../../strings/index.ts'
import styles from './api-key-form.module.css'

const words = access.keys.secret

type Props = {
  readonly made: NewApiKey
  readonly replaces: ApiKey | null
  readonly onDone: () => void
  readonly onRevokeOld: () => void
}

/** The secret of a new key, once: it is in this dialog only. Esc and a click next to it don't close it by accident. */
export function NewSecret({ made, replaces, onDone, onRevokeOld }: Props) {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => setCopied(await copyText(made.key))
  return (
    <Dialog open onClose={() => isCopied && onDone()} title={words.title}>
      <div className={styles.form}>
        <p className={styles.muted}>{words.text}</p>
        <div className={styles.secret}>
          <code title={words.label}>{made.key}</code>
          <Button kind="primary" icon={isCopied ? 'check' : 'copy'} autoFocus onClick={() => void copy()}>
            <span aria-live="polite">{isCopied ? common.copied : words.copy}</span>
          </Button>
        </div>
        <p className={styles.muted}>{words.use}</p>
        <CodeBlock code="Authorization: Bearer $KEY" label={words.use} />
        {replaces !== null && (
          <p className={styles.muted}>
            <bdi>{words.replaced(replaces.name)}</bdi>
          </p>
        )}
        <DialogActions>
          {replaces !== null && <Button onClick={onRevokeOld}>{words.revokeOld}</Button>}
          <Button onClick={onDone}>{isCopied ? (replaces === null ? words.done : words.keep) : words.notCopied}</Button>
        </DialogActions>
      </div>
    </Dialog>
  )
}
