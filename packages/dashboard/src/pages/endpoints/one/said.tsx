import { Time } from '../../../kit/time.tsx'
import { formatDay } from '../../../lib/format.ts'

/** A sentence of the server, with its times written as the pages write them. */
export function Said({ children }: { readonly children: string }) {
  return children.split(/(\d{4}-\d\d-\d\dT[\d:.]+Z)/).map((part, index) =>
    index % 2 === 0 ? (
      // A day, not a minute, is named.
      part.replace(/ at $/, ' on ')
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence have no other name
      <span key={index}>
        {formatDay(Date.parse(part))} (<Time at={part} />)
      </span>
    ),
  )
}
