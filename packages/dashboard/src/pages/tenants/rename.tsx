import type { Tenant } from '@posthorn/client'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog, DialogActions } from '../../kit/dialog.tsx'
import { TextField } from '../../kit/field.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { tenants } from '../../strings/en/tenants.ts'
import { common } from '../../strings/index.ts'
import styles from './tenants.module.css'

const words = tenants.one

type Props = { readonly tenant: Tenant; readonly onClose: () => void }

export function RenameTenant({ tenant, onClose }: Props) {
  const client = useQueryClient()
  const [name, setName] = useState(tenant.name ?? '')
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const save = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      // The call replaces all, so what isn't changed is read just before and given again.
      const { metadata, retention } = await posthorn.tenants.get(tenant.id)
      const saved = await posthorn.tenants.put(tenant.id, { name: name.trim() || null, metadata, retention })
      client.setQueryData(['tenant', tenant.id], saved)
      toast(words.renamed)
      await client.invalidateQueries({ queryKey: ['tenants'] })
      onClose()
    } catch (failure) {
      setError(messageOf(failure))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog open onClose={onClose} title={words.renameTitle(tenant.id)}>
      <form className={styles.form} onSubmit={event => void save(event)}>
        <TextField
          label={tenants.name}
          help={tenants.nameHelp}
          error={error}
          value={name}
          onChange={setName}
          dir="auto"
          autoFocus
        />
        <DialogActions>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" kind="primary" busy={isBusy}>
            {words.save}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
