import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Checkbox } from '../../kit/choices.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { Link } from '../../kit/link.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { events } from '../../strings/en/events.ts'
import styles from './detail.module.css'
import { againCountQuery, sendAgain } from './queries.ts'

const words = events.again

type Props = { readonly tenant: string; readonly event: string; readonly onClose: () => void }

/** Counts what sending an event again would create, then creates it: a replay of this event alone. */
export function SendAgain({ tenant, event, onClose }: Props) {
  const [missing, setMissing] = useState(false)
  const client = useQueryClient()
  const again = { tenant, event, missing }
  const count = useQuery(againCountQuery(again))
  const n = count.data
  const confirm = async () => {
    const { id, deliveries } = await sendAgain(again)
    toast(words.done(deliveries), {
      action: (
        <Link to={'/replays/$tenant/$id' as '/'} params={{ tenant, id } as never}>
          {words.see}
        </Link>
      ),
    })
    await Promise.all(['event', 'deliveries', 'replays'].map(name => client.invalidateQueries({ queryKey: [name] })))
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.title}
      action={n === undefined ? words.counting : words.action(n)}
      disabled={n === undefined || n === 0}
      onConfirm={confirm}
    >
      <div className={styles.dialog}>
        <p>{words.text}</p>
        <Checkbox label={words.missing} checked={missing} onChange={setMissing} />
        <p role="status">
          {count.isError && messageOf(count.error)}
          {n === 0 && (missing ? words.noneAtAll : words.none)}
        </p>
      </div>
    </ConfirmDialog>
  )
}
