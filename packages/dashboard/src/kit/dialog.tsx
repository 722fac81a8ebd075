import { Dialog as Base } from '@base-ui/react/dialog'
import { type ReactNode, useRef, useState } from 'react'
import { cx } from '../lib/cx.ts'
import { messageOf } from '../lib/errors.ts'
import { common } from '../strings/index.ts'
import { Button } from './button.tsx'
import styles from './dialog.module.css'

type Props = {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly wide?: boolean
  readonly children: ReactNode
}

/** A dialog that keeps the focus until it is closed. */
export function Dialog({ open, onClose, title, wide = false, children }: Props) {
  const focused = useFocusedBefore(open)
  return (
    <Base.Root open={open} onOpenChange={next => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={cx(styles.dialog, wide && styles.wide)} finalFocus={focused}>
          <Base.Title>{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** Where the focus was when the dialog opened: `autoFocus` moves it before Base UI looks. */
function useFocusedBefore(isOpen: boolean) {
  const focused = useRef<HTMLElement | null>(null)
  const wasOpen = useRef(false)
  if (isOpen && !wasOpen.current) focused.current = document.activeElement as HTMLElement | null
  wasOpen.current = isOpen
  return focused
}

/** The buttons at a dialog's end: the action last. */
export function DialogActions({ children }: { readonly children: ReactNode }) {
  return <div className={styles.actions}>{children}</div>
}

type ConfirmProps = {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  /** What will happen, to whom, and how many. */
  readonly children: ReactNode
  /** The verb with its number: `Resend 214 deliveries`. */
  readonly action: string
  /** The other button. Default: `Cancel`, which says too little where something is cancelled. */
  readonly dismiss?: string
  readonly danger?: boolean
  readonly disabled?: boolean
  /** Carries it out. If it fails, the dialog stays and says why. */
  readonly onConfirm: () => Promise<void>
}

/** Says what will happen before it happens. Nothing is asked twice. */
export function ConfirmDialog(props: ConfirmProps) {
  const { open, onClose, title, children, action, dismiss = common.cancel, danger, disabled, onConfirm } = props
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const close = () => {
    setError(null)
    onClose()
  }
  const confirm = async () => {
    setBusy(true)
    setError(null)
    try {
      await onConfirm()
      onClose()
    } catch (failure) {
      setError(messageOf(failure))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog open={open} onClose={close} title={title}>
      <div className={styles.text}>{children}</div>
      <div role="alert" className={styles.error} hidden={error === null}>
        {error}
      </div>
      <DialogActions>
        <Button onClick={close}>{dismiss}</Button>
        <Button
          kind={danger ? 'danger' : 'primary'}
          busy={isBusy}
          disabled={disabled === true}
          onClick={() => void confirm()}
        >
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  )
}
