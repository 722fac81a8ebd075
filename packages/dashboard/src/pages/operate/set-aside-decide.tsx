import type { Delivery } from '@posthorn/client'
import { useQueryClient } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { toast } from '../../kit/toast.tsx'
import { forEach } from '../../lib/for-each.ts'
import { operate } from '../../strings/en/operate.ts'

const words = operate.setAside

export type Decision = { readonly do: 'retry' | 'cancel'; readonly rows: readonly Delivery[] }

type Props = { readonly decision: Decision; readonly onClose: () => void; readonly onDone: () => void }

/** Confirms what is to become of set-aside deliveries, and carries it out. */
export function Decide({ decision, onClose, onDone }: Props) {
  const client = useQueryClient()
  const { rows } = decision
  const n = rows.length
  const isRetry = decision.do === 'retry'
  const [only] = rows
  const confirm = async () => {
    const act = ({ tenant, id }: Delivery) =>
      isRetry ? posthorn.deliveries.retry(tenant, id) : posthorn.deliveries.cancel(tenant, id)
    const { done, failures } = await forEach(rows, act)
    await Promise.all(
      ['deliveries', 'delivery', 'overview'].map(name => client.invalidateQueries({ queryKey: [name] })),
    )
    // Of one, or if none succeeded, the dialog stays and says why.
    if (done === 0) throw failures[0]
    if (failures.length > 0) toast(words.some(done, failures.length), { tone: 'error' })
    else toast(isRetry ? words.retried(done) : words.cancelled(done))
    onDone()
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={isRetry ? words.retryTitle(n) : words.cancelTitle(n)}
      action={isRetry ? words.retryMany(n) : words.cancelMany(n)}
      danger={!isRetry}
      {...(!isRetry && { dismiss: words.keep(n) })}
      onConfirm={confirm}
    >
      <p>{isRetry ? words.retryText(n) : words.cancelText(n)}</p>
      {n === 1 && only !== undefined && (
        <p>
          <bdi>{only.type}</bdi> <bdi>{words.to(only.tenant)}</bdi>
        </p>
      )}
    </ConfirmDialog>
  )
}
