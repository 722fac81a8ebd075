import type { Notification } from '@posthorn/client'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { notifications as words } from '../../strings/en/notifications.ts'
import { keyOf } from './queries.ts'
import { reasonText } from './said.ts'

/** How long to wait for a test's end, in milliseconds. */
const MOST_MS = 60_000

/** A notification as it was when its test was asked for. */
export type Testing = Pick<Notification, 'id' | 'tenant' | 'address' | 'lastSentAt' | 'lastFailure'>

export function useTesting() {
  const client = useQueryClient()
  const [testing, setTesting] = useState<Testing | null>(null)
  const test = async (notification: Notification) => {
    setTesting(notification)
    try {
      await posthorn.notifications.test(notification.tenant, notification.id)
      await client.invalidateQueries({ queryKey: keyOf(notification.tenant) })
    } catch (error) {
      setTesting(null)
      toast(messageOf(error), { tone: 'error' })
    }
  }
  useEffect(() => {
    if (testing === null) return
    const timer = setTimeout(() => setTesting(null), MOST_MS)
    return () => clearTimeout(timer)
  }, [testing])
  return { testing, test, end: () => setTesting(null) }
}

/** Says how the test ended, once the list does. */
export function useTested(rows: readonly Notification[] | undefined, testing: Testing | null, end: () => void): void {
  useEffect(() => {
    const now = testing === null ? undefined : rows?.find(({ id }) => id === testing.id)
    if (testing === null || now === undefined) return
    if (now.lastSentAt !== testing.lastSentAt) toast(words.tested(now.address))
    else if (now.lastFailure !== null && now.lastFailure.at !== testing.lastFailure?.at) {
      toast(words.testFailed(reasonText(now.lastFailure.reason)), { tone: 'error' })
    } else return
    end()
  }, [rows, testing, end])
}
