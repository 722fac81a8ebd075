import { getPosthorn } from '../../../posthorn'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

/** Everything under /hooks/: the API, the dashboard and the portal. */
const handle = async (request: Request): Promise<Response> => (await getPosthorn()).fetch(request)

export { handle as DELETE, handle as GET, handle as HEAD, handle as PATCH, handle as POST, handle as PUT }
