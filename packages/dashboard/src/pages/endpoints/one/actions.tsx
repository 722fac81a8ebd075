import type { Endpoint } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { usePermissions } from '../../../app/session.ts'
import { Button, IconButton } from '../../../kit/button.tsx'
import { ConfirmDialog } from '../../../kit/dialog.tsx'
import { Menu } from '../../../kit/menu.tsx'
import { toast } from '../../../kit/toast.tsx'
import { endpoint as words } from '../../../strings/en/endpoint.ts'
import { titleOf } from '../health.tsx'
import { useChanged } from './changed.ts'
import { EnableButton } from './enable.tsx'
import { openQuery } from './queries.ts'
import { ReplayDialog } from './replay.tsx'
import { TestDialog } from './test-dialog.tsx'

type Props = { readonly endpoint: Endpoint }

/** What can be done with the endpoint as a whole. */
export function Actions({ endpoint }: Props) {
  const { canTest, canRetry, canManage } = usePermissions()
  const [dialog, setDialog] = useState<'test' | 'disable' | 'replay' | 'delete' | null>(null)
  const close = () => setDialog(null)
  return (
    <>
      {canTest && (
        <Button icon="play" onClick={() => setDialog('test')}>
          {words.test.action}
        </Button>
      )}
      {canRetry && (
        <Button icon="replays" onClick={() => setDialog('replay')}>
          {words.replay.action}
        </Button>
      )}
      {canManage && endpoint.state === 'enabled' && (
        <Button icon="pause" onClick={() => setDialog('disable')}>
          {words.disable.action}
        </Button>
      )}
      {canManage && endpoint.state !== 'enabled' && <EnableButton endpoint={endpoint} />}
      {canManage && (
        <Menu
          trigger={<IconButton icon="more" kind="secondary" label={words.more} />}
          entries={[{ label: words.delete.action, icon: 'trash', danger: true, onSelect: () => setDialog('delete') }]}
        />
      )}
      {dialog === 'test' && <TestDialog endpoint={endpoint} onClose={close} />}
      {dialog === 'replay' && <ReplayDialog endpoint={endpoint} onClose={close} />}
      {dialog === 'disable' && <DisableDialog endpoint={endpoint} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog endpoint={endpoint} onClose={close} />}
    </>
  )
}

type DialogProps = Props & { readonly onClose: () => void }

function DisableDialog({ endpoint: { tenant, id }, onClose }: DialogProps) {
  const changed = useChanged(tenant, id)
  const open = useQuery(openQuery(tenant, id))
  const disable = async () => {
    const endpoint = await posthorn.endpoints.disable(tenant, id)
    toast(words.disable.done)
    await changed(endpoint)
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.disable.title}
      action={words.disable.confirm(open.data === undefined ? 0 : open.data.pending)}
      onConfirm={disable}
    >
      {words.disable.text}
    </ConfirmDialog>
  )
}

function DeleteDialog({ endpoint, onClose }: DialogProps) {
  const { tenant, id, state } = endpoint
  const navigate = useNavigate()
  const changed = useChanged(tenant, id)
  const { data, isPending } = useQuery(openQuery(tenant, id))
  const count = data === undefined ? 0 : data.total
  const remove = async () => {
    await posthorn.endpoints.delete(tenant, id)
    toast(words.delete.done)
    await navigate({ to: '/endpoints' })
    await changed()
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.delete.title(titleOf(endpoint))}
      action={words.delete.confirm(count)}
      danger
      disabled={isPending}
      onConfirm={remove}
    >
      <p>{words.delete.text(count, tenant)}</p>
      {state === 'enabled' && <p>{words.delete.instead}</p>}
    </ConfirmDialog>
  )
}
