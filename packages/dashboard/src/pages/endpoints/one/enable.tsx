import type { Endpoint } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { Button } from '../../../kit/button.tsx'
import { Dialog, DialogActions } from '../../../kit/dialog.tsx'
import { toast } from '../../../kit/toast.tsx'
import { messageOf } from '../../../lib/errors.ts'
import { endpoint as strings } from '../../../strings/en/endpoint.ts'
import { common } from '../../../strings/index.ts'
import styles from '../one.module.css'
import { useChanged } from './changed.ts'
import { heldQuery } from './queries.ts'

const words = strings.enable

type Props = { readonly endpoint: Endpoint }

/** Enables the endpoint, and asks what to do with what is held meanwhile. */
export function EnableButton({ endpoint }: Props) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button kind="primary" icon="play" onClick={() => setOpen(true)}>
        {words.action}
      </Button>
      {isOpen && <EnableDialog endpoint={endpoint} onClose={() => setOpen(false)} />}
    </>
  )
}

type DialogProps = { readonly endpoint: Endpoint; readonly onClose: () => void }

function EnableDialog({ endpoint: { tenant, id }, onClose }: DialogProps) {
  const changed = useChanged(tenant, id)
  const query = useQuery(heldQuery(tenant, id))
  const [busy, setBusy] = useState<'release' | 'cancel' | null>(null)
  const [error, setError] = useState<string | null>(null)
  const held = query.data
  const enable = async (what: 'release' | 'cancel') => {
    setBusy(what)
    setError(null)
    try {
      const endpoint = await posthorn.endpoints.enable(tenant, id, { held: what })
      onClose()
      if (held === 0 || held === undefined) toast(words.done)
      else toast(what === 'release' ? words.doneReleased(held) : words.doneCancelled(held))
      await changed(endpoint)
    } catch (failure) {
      setError(messageOf(failure))
    } finally {
      setBusy(null)
    }
  }
  const isSimple = held === 0 || query.error !== null
  return (
    <Dialog open onClose={onClose} title={words.title} wide={!isSimple}>
      <p className={styles.muted}>
        {held === undefined ? (query.error === null ? words.counting : '') : held === 0 ? words.none : words.text(held)}
      </p>
      <div role="alert" className={styles.error} hidden={error === null}>
        {error}
      </div>
      <DialogActions>
        <Button onClick={onClose}>{common.cancel}</Button>
        {!isSimple && held !== undefined && (
          <Button busy={busy === 'cancel'} disabled={busy !== null} onClick={() => void enable('cancel')}>
            {words.cancel(held)}
          </Button>
        )}
        <Button
          kind="primary"
          busy={busy === 'release'}
          disabled={busy !== null || query.isPending}
          onClick={() => void enable('release')}
        >
          {isSimple || held === undefined ? words.plain : words.release(held)}
        </Button>
      </DialogActions>
    </Dialog>
  )
}
