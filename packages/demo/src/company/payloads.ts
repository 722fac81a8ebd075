/** Makes events of the starter catalogue's types, as the company's own systems would publish them. */
import { pick, pickByWeight, type Random, uuid } from './random.ts'

export type NewEvent = { readonly type: string; readonly payload: unknown; readonly key: string }

type Maker = (random: Random) => { readonly payload: unknown; readonly key: string }

const COVER_STATUS = ['Quoted', 'Refused', 'Expired', 'Claimed', 'TimeBarred']
const SEARCH_STATUS = ['PENDING', 'ANSWERED', 'REJECTED']

const MAKERS: readonly { readonly type: string; readonly weight: number; readonly make: Maker }[] = [
  {
    type: 'COVER_ASSESSMENT_COMPLETED',
    weight: 4,
    make: random => {
      const coverId = uuid(random)
      const status = random() < 0.8 ? 'Quoted' : 'Refused'
      return { payload: { coverId, status }, key: `cover-${coverId.slice(0, 8)}-assessed` }
    },
  },
  {
    type: 'COVER_STATUS_CHANGED',
    weight: 5,
    make: random => {
      const [coverId, status] = [uuid(random), pick(random, COVER_STATUS)]
      const payload = {
        coverId,
        status,
        notificationId: uuid(random),
        notificationTimestamp: new Date().toISOString(),
      }
      return { payload, key: `cover-${coverId.slice(0, 8)}-${status.toLowerCase()}` }
    },
  },
  {
    type: 'COVER_REFERENCE',
    weight: 3,
    make: random => {
      const CoverId = uuid(random)
      return { payload: { CoverId }, key: `cover-${CoverId.slice(0, 8)}` }
    },
  },
  {
    type: 'GRADE_CHANGED',
    weight: 3,
    make: random => {
      const ehid = String(2_670_000 + Math.floor(random() * 9_000))
      const change = random() < 0.6 ? 'positive' : 'negative'
      const payload = { ehid, change, companyUrl: `https://api.example.com/v3/companies/${ehid}` }
      return { payload, key: `grade-${ehid}-${uuid(random).slice(0, 4)}` }
    },
  },
  {
    type: 'COMPANY_SEARCH_UPDATED',
    weight: 2,
    make: random => {
      const confirmationId = uuid(random)
      return {
        payload: { confirmationId, status: pick(random, SEARCH_STATUS) },
        key: `search-${confirmationId.slice(0, 8)}`,
      }
    },
  },
]

export function makeEvent(random: Random): NewEvent {
  const { type, make } = pickByWeight(random, MAKERS)
  return { type, ...make(random) }
}
