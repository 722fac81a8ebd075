import type { Endpoint } from '@posthorn/client'
import { useState } from 'react'
import { Button } from '../../../kit/button.tsx'
import { ConfirmDialog } from '../../../kit/dialog.tsx'
import { toast } from '../../../kit/toast.tsx'
import { endpoint as words } from '../../../strings/en/endpoint.ts'
import { retryMatching } from '../../deliveries/retries.ts'
import { useChanged } from './changed.ts'

type Props = { readonly endpoint: Endpoint; readonly pending: number }

/** Makes the next attempt of everything pending now: for when the receiver has been mended. */
export function RetryPending({ endpoint: { tenant, id }, pending }: Props) {
  const [isOpen, setOpen] = useState(false)
  const changed = useChanged(tenant, id)
  const retry = async () => {
    const { sent } = await retryMatching(tenant, { endpoint: id, state: 'pending' }, { dryRun: false })
    toast(words.retried(sent))
    await changed()
  }
  return (
    <>
      <Button small icon="retry" onClick={() => setOpen(true)}>
        {words.retryPending(pending)}
      </Button>
      <ConfirmDialog
        open={isOpen}
        onClose={() => setOpen(false)}
        title={words.retryPendingTitle}
        action={words.retryPending(pending)}
        onConfirm={retry}
      >
        {words.retryPendingText(pending)}
      </ConfirmDialog>
    </>
  )
}
