import type { Endpoint } from '@posthorn/client'

/**
 * Marks listeners that these pages have made. Only to those do they listen without being asked: another one's requests
 * may be forwarded to a receiver by a program, and a page that answers first would hide what that receiver responds.
 */
export const MARK = ['listens', 'browser'] as const

export const isOfBrowser = ({ kind, metadata }: Pick<Endpoint, 'kind' | 'metadata'>): boolean =>
  kind === 'listener' && metadata[MARK[0]] === MARK[1]
