/** Statuses of last attempts, as lists of deliveries and replays take them: `503`, `5xx`, or `none` for no response. */

/** Statuses from the first to the last, both included; `none`: the last attempt got no response. */
export type StatusRange = 'none' | { readonly from: number; readonly to: number }

export const STATUS_RULE =
  'Each value must be a status from 200 to 999, such as 500, a class of them, such as 5xx, or none for no response. ' +
  'Statuses from 100 to 199 are never the last one of a response.'

/** Undefined if it is not one. */
export function parseStatusRange(text: string): StatusRange | undefined {
  if (text === 'none') return 'none'
  if (/^[2-9]\d\d$/.test(text)) return { from: Number(text), to: Number(text) }
  const first = /^([2-9])xx$/i.exec(text)?.[1]
  return first === undefined ? undefined : { from: Number(first) * 100, to: Number(first) * 100 + 99 }
}

/** Whether a last attempt with this status (null: no response) is in one of the ranges. */
export const isInRanges = (status: number | null, ranges: readonly StatusRange[]): boolean =>
  ranges.some(range =>
    status === null || range === 'none'
      ? status === null && range === 'none'
      : status >= range.from && status <= range.to,
  )
