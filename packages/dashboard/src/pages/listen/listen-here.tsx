import type { Endpoint } from '@posthorn/client'
import { useState } from 'react'
import { usePermissions } from '../../app/session.ts'
import { Button, type ButtonKind } from '../../kit/button.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { listen as words } from '../../strings/en/listen.ts'
import { makeListener } from './browser.ts'

/** Whether the user can listen: what arrives has payloads, and what is answered decides about deliveries. */
export function useCanListen(): boolean {
  const { canManage, seesPayloads } = usePermissions()
  return canManage && seesPayloads
}

type Props = {
  /** Null: none is chosen yet, and there is no button. */
  readonly tenant: string | null
  readonly kind?: ButtonKind
  readonly onMade: (endpoint: Endpoint) => void
}

/** One click makes a listener. Nothing, if the user can't listen. */
export function ListenHere({ tenant, kind, onMade }: Props) {
  const [isBusy, setBusy] = useState(false)
  const canListen = useCanListen()
  if (!canListen || tenant === null) return null
  const make = async () => {
    setBusy(true)
    try {
      onMade(await makeListener(tenant))
    } catch (error) {
      toast(messageOf(error), { tone: 'error' })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Button {...(kind !== undefined && { kind })} icon="eye" busy={isBusy} onClick={() => void make()}>
      {words.start}
    </Button>
  )
}
