import { randomUUID } from 'node:crypto'
import { getPosthorn } from '../../posthorn'

export const runtime = 'nodejs'

/** The customer that this shop sends to. A real one has many. */
const TENANT = 'acme'

export async function POST(request: Request): Promise<Response> {
  const { item } = (await request.json()) as { item: string }
  const order = { CoverId: randomUUID(), item }
  const posthorn = await getPosthorn()
  // Stored once this resolves, whatever happens to this process then.
  const { id } = await posthorn.publish(TENANT, 'COVER_REFERENCE', order, { key: order.CoverId })
  return Response.json({ ...order, event: id }, { status: 201 })
}
