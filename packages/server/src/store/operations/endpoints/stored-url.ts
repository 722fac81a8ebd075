import { sentUrl } from '../../../guard/request-target.ts'
import { text, type Value } from '../../transaction.ts'

/**
 * What the column `url` has for a listener (decision 54). No check of URLs lets it pass, so that it can't be the URL of
 * another endpoint, and a node of a version without listeners dials nothing.
 */
export const NO_URL = 'listener:'

/** The URL that requests are sent to. Null: the endpoint is a listener. */
export function urlOf(stored: Value | undefined): string | null {
  const url = text(stored)
  return url === NO_URL ? null : sentUrl(url)
}

export const storedUrl = (url: string | null): string => url ?? NO_URL
