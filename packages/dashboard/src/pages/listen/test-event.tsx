import type { Endpoint, EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { catalogueQuery } from '../../app/catalogue.ts'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Select } from '../../kit/choices.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { messageOf } from '../../lib/errors.ts'
import { fits } from '../../lib/type-pattern.ts'
import { listen as words } from '../../strings/en/listen.ts'
import styles from './listener.module.css'

/** The types of which an endpoint can get a test event: those in use, and of those for all, none of Posthorn's own. */
export function typesFor(catalogue: readonly EventType[], wanted: Endpoint['types']): readonly EventType[] {
  return catalogue.filter(
    ({ name, archivedAt, operational }) =>
      archivedAt === null && (wanted === null ? !operational : wanted.some(type => fits(name, type))),
  )
}

type Props = {
  readonly endpoint: Endpoint
  readonly hasSent: boolean
  /** Called with the id of the delivery. */
  readonly onSent: (delivery: string) => void
}

/** Sends the example of a type to the endpoint. */
export function TestEvent({ endpoint: { tenant, id, types }, hasSent, onSent }: Props) {
  const { data } = useQuery(catalogueQuery)
  const [chosen, setChosen] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  if (data === undefined) return null
  const wanted = typesFor(data, types)
  const type = chosen ?? wanted[0]?.name
  if (type === undefined) return <p className={styles.muted}>{words.noTypes}</p>
  const send = async () => {
    setBusy(true)
    setFailure(null)
    try {
      onSent((await posthorn.endpoints.test(tenant, id, { type })).delivery)
    } catch (error) {
      setFailure(messageOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <div className={styles.test}>
        {wanted.length > 1 && (
          <Select
            label={words.type}
            value={type}
            options={wanted.map(({ name }) => ({ value: name, label: name }))}
            onChange={setChosen}
          />
        )}
        <Button kind={hasSent ? 'secondary' : 'primary'} icon="play" busy={isBusy} onClick={() => void send()}>
          {hasSent ? words.another : words.test}
        </Button>
      </div>
      {failure !== null && <Banner tone="error">{failure}</Banner>}
    </>
  )
}
