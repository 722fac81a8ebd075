import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { TextField } from '../../kit/field.tsx'
import { messageOf } from '../../lib/errors.ts'
import { tenants } from '../../strings/en/tenants.ts'
import { extentQuery } from './queries.ts'

const words = tenants.one

/** Erases a tenant. It can't be undone, so its id is typed. */
export function EraseTenant({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const client = useQueryClient()
  const [typed, setTyped] = useState('')
  const { data: extent, error } = useQuery(extentQuery(id))
  const erase = async () => {
    const erasure = await posthorn.tenants.erase(id)
    client.setQueryData(['erasure', id], erasure)
    client.setQueryData(['tenant', id], null)
    await client.invalidateQueries({ queryKey: ['tenants'] })
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.eraseTitle(id)}
      action={extent === undefined ? words.counting : words.eraseAction(extent.deliveries)}
      danger
      disabled={extent === undefined || typed !== id}
      onConfirm={erase}
    >
      <p role="status">
        {extent !== undefined &&
          (extent.endpoints === 0 && extent.deliveries === 0
            ? words.eraseNothing
            : words.eraseText(extent.endpoints, extent.deliveries))}
        {extent === undefined && (error === null ? words.counting : messageOf(error))}{' '}
        {extent !== undefined && extent.waiting !== 0 && words.erasePending(extent.waiting)}
      </p>
      <p>{words.eraseFinal}</p>
      <TextField label={words.eraseType(id)} value={typed} onChange={setTyped} mono dir="auto" />
    </ConfirmDialog>
  )
}
