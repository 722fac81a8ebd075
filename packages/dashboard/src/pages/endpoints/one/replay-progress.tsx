import type { Replay } from '@posthorn/client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { usePermissions } from '../../../app/session.ts'
import { Button } from '../../../kit/button.tsx'
import { ConfirmDialog } from '../../../kit/dialog.tsx'
import { Link } from '../../../kit/link.tsx'
import { toast } from '../../../kit/toast.tsx'
import { messageOf } from '../../../lib/errors.ts'
import { endpoint as strings } from '../../../strings/en/endpoint.ts'
import styles from '../one.module.css'

const words = strings.replay

function titleOf({ state, ended, made }: Replay): string {
  if (state === 'paused') return words.isPaused
  if (state === 'running') return words.running
  return ended < made ? words.isMade : words.isDone
}

type Props = { readonly tenant: string; readonly replay: Replay }

/** How far a replay to this endpoint is, while it runs or is paused. */
export function RunningReplay({ tenant, replay }: Props) {
  const { id, state, ended, made, skipped, deliveries } = replay
  const { canRetry } = usePermissions()
  const client = useQueryClient()
  const [isCancelling, setCancelling] = useState(false)
  const all = deliveries === null ? null : Math.max(deliveries - skipped, made)
  const act = async (what: 'pause' | 'resume') => {
    try {
      await posthorn.replays[what](tenant, id)
    } catch (error) {
      toast(messageOf(error), { tone: 'error' })
    }
    await client.invalidateQueries({ queryKey: ['replays'] })
  }
  const cancel = async () => {
    await posthorn.replays.cancel(tenant, id)
    toast(words.cancelled)
    await client.invalidateQueries({ queryKey: ['replays'] })
  }
  return (
    <div className={styles.replay}>
      <span>
        <b>{titleOf(replay)}</b> · {words.progress(ended, all)}
      </span>
      <progress
        className={styles.progress}
        aria-label={words.running}
        max={all ?? undefined}
        value={all === null ? undefined : ended}
      />
      <Link to={'/replays/$tenant/$id' as '/'} params={{ tenant, id } as never}>
        {words.open}
      </Link>
      {canRetry && state !== 'done' && (
        <>
          <Button small onClick={() => void act(state === 'paused' ? 'resume' : 'pause')}>
            {state === 'paused' ? words.resume : words.pause}
          </Button>
          <Button small onClick={() => setCancelling(true)}>
            {words.cancel}
          </Button>
        </>
      )}
      <ConfirmDialog
        open={isCancelling}
        onClose={() => setCancelling(false)}
        title={words.cancelTitle}
        action={words.cancel}
        danger
        onConfirm={cancel}
      >
        {words.cancelText(made)}
      </ConfirmDialog>
    </div>
  )
}
