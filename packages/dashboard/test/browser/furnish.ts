/** Fills an installation with what the pages have to show: endpoints in every state, and names of every kind. */
import type { Receiver } from '@posthorn/testkit'
import type { Installation } from './installation.ts'

/** As long as an id can be on a page, with letters only. */
const LONG = 'Compañía Rioplatense de Importación y Exportación de Maquinaria Agrícola, Sucursal Montevideo'
export const ARABIC = 'الأفق للتجارة'
/** What a tenant writes must be shown as it is written. */
export const MARKUP = '<img src=x onerror="document.title=\'run\'"><script>document.title="run"</script>'

const SECRET = 'a-secret-that-is-long-enough-0123'

/** Resolves when every delivery has ended, but for those that are held. */
export async function furnish(installation: Installation): Promise<void> {
  const { api } = installation
  const [good, bad] = await Promise.all([
    installation.receiver({ script: () => ({ status: 200, body: '{"received":true}' }) }),
    installation.receiver({ script: () => ({ status: 503, body: `<h1>Down</h1>${MARKUP}` }) }),
  ])
  const tenants = { acme: 'Acme', rioplatense: LONG, 'al-ofuq': ARABIC }
  await Promise.all(Object.entries(tenants).map(([id, name]) => api.tenants.put(id, { name })))
  const create = (tenant: string, { url }: Receiver, uid: string, body: object = {}) =>
    api.endpoints.create(tenant, { url: `${url}/${uid}`, uid, clientSecret: SECRET, ...body })
  await create('acme', good, 'erp', { name: 'ERP' })
  const failing = await create('acme', bad, 'billing', { name: MARKUP, types: ['GRADE_CHANGED'] })
  await create('rioplatense', bad, 'polizas', { name: LONG })
  await create('al-ofuq', good, 'notices', { name: 'تنبيهات التغطية' })
  const disabled = await create('al-ofuq', good, 'archive', { name: 'الأرشيف' })
  await api.endpoints.disable('al-ofuq', disabled.id)
  for (const tenant of Object.keys(tenants)) await api.events.publish(tenant, eventsFor(tenant))
  await settled(installation)
  await api.replays.create('acme', { endpoint: failing.id, key: 'again' })
  await api.apiKeys.create({ name: `Support ${ARABIC}`, scope: 'read', payloads: false })
  await settled(installation)
}

/** One of each of three types. */
function eventsFor(tenant: string) {
  const status = 'Quoted'
  const coverId = '564200aa-7128-4a26-83a8-cf0201903fcc'
  return [
    { type: 'COVER_REFERENCE', payload: { CoverId: coverId }, key: `${tenant}-order-7` },
    { type: 'COVER_ASSESSMENT_COMPLETED', payload: { coverId, status } },
    {
      type: 'GRADE_CHANGED',
      payload: { ehid: '2670001', change: 'negative', companyUrl: 'https://api.example.com/v3/companies/2670001' },
      key: `${tenant}-grade`,
    },
  ]
}

/** Resolves when nothing of the tenant, or of all, is pending. */
export async function settled({ api }: Pick<Installation, 'api'>, tenant?: string): Promise<void> {
  const query = { state: 'pending', limit: 1 } as const
  for (;;) {
    const page = await (tenant === undefined ? api.deliveries.listAll(query) : api.deliveries.list(tenant, query))
    if (page.data.length === 0) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
