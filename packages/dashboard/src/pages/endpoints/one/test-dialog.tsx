import type { Endpoint, EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { catalogueQuery } from '../../../app/catalogue.ts'
import { posthorn } from '../../../app/client.ts'
import { Button } from '../../../kit/button.tsx'
import { Select } from '../../../kit/choices.tsx'
import { Dialog, DialogActions } from '../../../kit/dialog.tsx'
import { Banner } from '../../../kit/surfaces.tsx'
import { messageOf } from '../../../lib/errors.ts'
import { fits } from '../../../lib/type-pattern.ts'
import { endpoint as strings } from '../../../strings/en/endpoint.ts'
import { common } from '../../../strings/index.ts'
import { TestResult } from '../test-result.tsx'

const words = strings.test

type Props = { readonly endpoint: Endpoint; readonly onClose: () => void }

/** Sends the example of a type, and shows what came back. */
export function TestDialog({ endpoint, onClose }: Props) {
  const { tenant, id, types, state } = endpoint
  const catalogue = useQuery(catalogueQuery)
  const offered = offer(catalogue.data ?? [], types)
  const [chosen, setChosen] = useState<string | null>(null)
  const [sent, setSent] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const type = chosen ?? offered[0]?.name
  const send = async () => {
    if (type === undefined) return
    setBusy(true)
    setError(null)
    try {
      const { delivery } = await posthorn.endpoints.test(tenant, id, { type })
      setSent(delivery)
    } catch (failure) {
      setError(messageOf(failure))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog open onClose={onClose} title={words.title} wide>
      {state === 'disabled' && <Banner tone="warning">{words.disabled}</Banner>}
      {type === undefined ? (
        <p>{catalogue.isPending ? common.loading : words.noTypes}</p>
      ) : (
        <Select
          label={words.type}
          help={words.text}
          value={type}
          options={offered.map(({ name }) => ({ value: name, label: name }))}
          onChange={setChosen}
        />
      )}
      {error !== null && <Banner tone="error">{error}</Banner>}
      {sent !== null && <TestResult key={sent} tenant={tenant} delivery={sent} />}
      <DialogActions>
        <Button onClick={onClose}>{common.close}</Button>
        <Button
          kind="primary"
          icon="play"
          busy={isBusy}
          disabled={type === undefined || state === 'disabled'}
          onClick={() => void send()}
        >
          {sent === null ? words.send : words.again}
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** The types in use: first those that the endpoint wants. */
function offer(catalogue: readonly EventType[], types: readonly string[] | null): EventType[] {
  const isWanted = ({ name, operational }: EventType) =>
    types === null ? !operational : types.some(one => fits(name, one))
  const usable = catalogue.filter(type => type.archivedAt === null)
  return [...usable.filter(isWanted), ...usable.filter(type => !isWanted(type) && !type.operational)]
}
