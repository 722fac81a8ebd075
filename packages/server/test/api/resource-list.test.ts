import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireComponents } from '../../src/api/http/routes.ts'
import { RESOURCES } from '../../src/api/resource-list.ts'
import { ApiBench } from './setup.ts'

const FOLDER = new URL('../../src/api/resources/', import.meta.url)

/** The file of each resource: in the folder itself, or in a subfolder of the same name. */
const files = readdirSync(FOLDER, { withFileTypes: true })
  .map(entry => (entry.isDirectory() ? `${entry.name}/${entry.name}.ts` : entry.name))
  .filter(name => name.endsWith('.ts'))

const bench = new ApiBench()
beforeAll(() => bench.openApi())
afterAll(() => bench.closeApi())

describe('the list of resources', () => {
  it.each(files)('includes the resource in resources/%s', async file => {
    const exported: Record<string, unknown> = await import(new URL(file, FOLDER).href)
    const names = Object.keys(exported).filter(name => name.endsWith('Resource'))
    expect(names, `api/resources/${file} exports one const …Resource = resource({ … })`).toHaveLength(1)
    const isListed = RESOURCES.some(listed => listed === exported[names[0]!])
    expect(isListed, `${names[0]} is missing in RESOURCES (api/resource-list.ts)`).toBe(true)
  })

  it('includes nothing else', () => {
    expect(RESOURCES).toHaveLength(files.length)
  })

  it('has components with names', () => {
    for (const { components } of RESOURCES) {
      for (const component of components) expect(component, JSON.stringify(component)).toHaveProperty('$id')
    }
  })

  it('produces these tags in this order', () => {
    expect(bench.document.tags.map(({ name }: { name: string }) => name)).toMatchInlineSnapshot(`
      [
        "Event types",
        "Tenants",
        "Endpoints",
        "Events",
        "Deliveries",
        "Listeners",
        "Replays",
        "Search",
        "Stream",
        "Overview",
        "Retries",
        "API keys",
        "Sessions",
        "Portal",
        "Portal looks",
        "Notifications",
        "Audit",
        "Operations",
        "Egress",
        "Health",
      ]
    `)
  })
})

describe('a route', () => {
  it('is refused if it refers to a component that no resource lists', () => {
    const getSchema = (id: string) => (id === 'Known' ? {} : undefined)
    requireComponents({ getSchema }, 'GET /v1/widgets', { $ref: 'Known#' })
    expect(() => requireComponents({ getSchema }, 'GET /v1/widgets', { items: { $ref: 'Widget#' } })).toThrow(
      'GET /v1/widgets refers to Widget, which no resource lists: add WidgetSchema to the components of its resource',
    )
  })

  it('is refused if it does not say which keys can call it', async () => {
    const { api } = bench.createApi()
    const add = () => api.get('/v1/widgets', async () => ({}))
    expect(add).toThrow("GET /v1/widgets doesn't say which keys can call it: set its access")
    await api.close()
  })
})
