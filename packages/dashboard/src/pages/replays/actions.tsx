import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../../kit/button.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { replays as words } from '../../strings/en/replays.ts'
import { type Action, act, replayQuery } from './queries.ts'
import { type AnyReplay, partsOf } from './replay.ts'

type Props = { readonly tenant: string | null; readonly replay: AnyReplay }

/** Pause, resume and cancel, as far as the replay's state allows. */
export function Actions({ tenant, replay }: Props) {
  const client = useQueryClient()
  const [busy, setBusy] = useState<Action | null>(null)
  const [isCancelling, setCancelling] = useState(false)
  const { id, state } = replay
  const { left, sending } = partsOf(replay)
  const run = async (action: Action, done: string) => {
    const next = await act(action, tenant, id)
    client.setQueryData(replayQuery(tenant, id).queryKey, next)
    toast(done)
    await client.invalidateQueries({ queryKey: ['replays'] })
  }
  const press = async (action: 'pause' | 'resume', done: string) => {
    setBusy(action)
    try {
      await run(action, done)
    } catch (error) {
      toast(messageOf(error), { tone: 'error' })
    } finally {
      setBusy(null)
    }
  }
  const canCancel = state !== 'cancelled' && (state !== 'done' || sending > 0)
  return (
    <>
      {state === 'running' && (
        <Button icon="pause" busy={busy !== null} onClick={() => void press('pause', words.paused)}>
          {words.pause}
        </Button>
      )}
      {state === 'paused' && (
        <Button kind="primary" icon="play" busy={busy !== null} onClick={() => void press('resume', words.resumed)}>
          {words.resume}
        </Button>
      )}
      {canCancel && <Button onClick={() => setCancelling(true)}>{words.cancel}</Button>}
      <ConfirmDialog
        open={isCancelling}
        onClose={() => setCancelling(false)}
        title={words.cancelTitle}
        action={words.cancelAction(sending + (left ?? 0))}
        dismiss={words.cancelKeep}
        danger
        onConfirm={() => run('cancel', words.cancelled)}
      >
        {words.cancelText(left, sending)}
      </ConfirmDialog>
    </>
  )
}
