import { useQueryClient } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { toast } from '../../kit/toast.tsx'
import { overview } from '../../strings/en/overview.ts'
import { type Matter, nameOf } from './matters.ts'

const words = overview.attention

type Props = { readonly matter: Matter & { kind: 'failing' }; readonly onClose: () => void }

/** Disables an endpoint that fails, so that nothing is exhausted until it is enabled. */
export default function PauseDialog({ matter, onClose }: Props) {
  const client = useQueryClient()
  const { of, pending } = matter
  const name = nameOf(of)
  const pause = async () => {
    await posthorn.endpoints.disable(of.tenant, of.endpoint)
    toast(words.paused(name))
    await Promise.all(
      ['overview', 'endpoints', 'endpoint', 'deliveries'].map(key => client.invalidateQueries({ queryKey: [key] })),
    )
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.pauseTitle(name)}
      action={words.pauseAction(pending)}
      onConfirm={pause}
    >
      <p>{words.pauseText(pending)}</p>
    </ConfirmDialog>
  )
}
