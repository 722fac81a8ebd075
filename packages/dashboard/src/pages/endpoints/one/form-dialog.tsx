import { type ReactNode, useState } from 'react'
import { Button } from '../../../kit/button.tsx'
import { Dialog, DialogActions } from '../../../kit/dialog.tsx'
import { Banner } from '../../../kit/surfaces.tsx'
import { isAbout, messageOf } from '../../../lib/errors.ts'
import { common } from '../../../strings/index.ts'
import styles from '../one.module.css'

type Props = {
  readonly title: string
  readonly action: string
  readonly onClose: () => void
  /** The members whose errors the form shows next to its fields. */
  readonly fields: readonly string[]
  /** Whether what is typed can be sent. */
  readonly isReady: boolean
  readonly wide?: boolean
  /** Sends it. If it fails, the dialog stays and says why. */
  readonly onSave: () => Promise<void>
  /** The fields. `error` is what the server said. */
  readonly children: (error: unknown) => ReactNode
}

/** A dialog with a form. */
export function FormDialog({ title, action, onClose, fields, isReady, wide = false, onSave, children }: Props) {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const save = async () => {
    if (!isReady || isBusy) return
    setBusy(true)
    setError(null)
    try {
      await onSave()
      onClose()
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog open onClose={onClose} title={title} wide={wide}>
      <form
        className={styles.form}
        noValidate
        autoComplete="off"
        onSubmit={event => {
          event.preventDefault()
          void save()
        }}
      >
        {children(error)}
        {error !== null && !isAbout(error, fields) && <Banner tone="error">{messageOf(error)}</Banner>}
        <DialogActions>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" kind="primary" busy={isBusy} disabled={!isReady}>
            {action}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
