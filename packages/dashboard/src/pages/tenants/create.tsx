import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog, DialogActions } from '../../kit/dialog.tsx'
import { TextField } from '../../kit/field.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { toast } from '../../kit/toast.tsx'
import { fieldError, messageOf } from '../../lib/errors.ts'
import { tenants as words } from '../../strings/en/tenants.ts'
import { common } from '../../strings/index.ts'
import styles from './tenants.module.css'

/** Creates a tenant and shows it. */
export function CreateTenant({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [id, setId] = useState('')
  const [name, setName] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [isTaken, setTaken] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const create = async (event: FormEvent) => {
    event.preventDefault()
    const wanted = id.trim()
    setBusy(true)
    setTaken(false)
    setError(null)
    try {
      // The call replaces a tenant that is there: its name would be lost.
      if (await exists(wanted)) return setTaken(true)
      await posthorn.tenants.put(wanted, { name: name.trim() === '' ? null : name.trim() })
      toast(words.created(wanted))
      await client.invalidateQueries({ queryKey: ['tenants'] })
      onClose()
      await navigate({ to: '/tenants/$tenant', params: { tenant: wanted }, search: { tenant: undefined } })
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  const idError = isTaken ? words.idTaken(id.trim()) : fieldError(error, 'tenant')
  const nameError = fieldError(error, 'name')
  return (
    <Dialog open onClose={onClose} title={words.createTitle}>
      <form className={styles.form} onSubmit={event => void create(event)}>
        <TextField label={words.id} help={words.idHelp} error={idError} value={id} onChange={setId} mono autoFocus />
        <TextField
          label={words.name}
          help={words.nameHelp}
          error={nameError}
          value={name}
          onChange={setName}
          dir="auto"
        />
        {error !== null && idError === null && nameError === null && <Banner tone="error">{messageOf(error)}</Banner>}
        <DialogActions>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" kind="primary" busy={isBusy} disabled={id.trim() === ''}>
            {words.create}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

/** Asked by a search: a call for the tenant itself would fail, which browsers write to the console. */
async function exists(id: string): Promise<boolean> {
  const { data } = await posthorn.search.search({ q: id })
  return data.some(found => found.kind === 'tenant' && found.id === id)
}
