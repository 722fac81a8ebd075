/** The customers of a company that insures trade credit: its tenants, with their endpoints. */
import type { CreateEndpointBody } from '@posthorn/client'
import type { BehaviourName } from './behaviours.ts'
import { randomSecret, tokenThatExpiresIn } from './secrets.ts'

export type Plan = Omit<CreateEndpointBody, 'url' | 'oauth'> & {
  /** The last part of its URL, and its uid. */
  readonly path: string
  readonly behaviour: BehaviourName
  /** Tokens come from the receiver itself. Default: none are used. */
  readonly usesTokens?: boolean
}

export type Customer = {
  readonly id: string
  readonly name: string
  /** How many of the events are about this customer, in proportion to the others. */
  readonly weight: number
  readonly endpoints: readonly Plan[]
}

const COVERAGE = ['COVER_ASSESSMENT_COMPLETED', 'COVER_STATUS_CHANGED', 'COVER_REFERENCE']
/** Short enough that what fails in the demo has failed for good while one watches, in seconds. */
const SHORT_SCHEDULE = [2, 4, 8]

export function customers(): readonly Customer[] {
  return [...healthyCustomers(), ...troubledCustomers()]
}

function healthyCustomers(): readonly Customer[] {
  return [
    {
      id: 'northwind',
      name: 'Northwind Trading',
      weight: 26,
      endpoints: [
        { path: 'covers', name: 'Covers to SAP', types: COVERAGE, clientSecret: randomSecret(), behaviour: 'prompt' },
        {
          path: 'grades',
          name: 'Buyer grades',
          types: ['GRADE_CHANGED'],
          clientSecret: randomSecret(),
          behaviour: 'steady',
        },
      ],
    },
    {
      id: 'hanseatic',
      name: 'Hanseatic Steel AG',
      weight: 30,
      endpoints: [
        { path: 'erp', name: 'ERP', clientSecret: tokenThatExpiresIn(12, 'hanseatic'), behaviour: 'steady' },
        {
          path: 'ledger',
          name: 'Credit ledger (in order)',
          types: ['COVER_STATUS_CHANGED'],
          ordered: true,
          clientSecret: randomSecret(),
          behaviour: 'prompt',
        },
      ],
    },
    {
      id: 'kestrel',
      name: 'Kestrel Foods',
      weight: 9,
      endpoints: [
        {
          path: 'orders',
          name: 'Order release',
          clientSecret: tokenThatExpiresIn(2, 'kestrel'),
          rateLimit: { requests: 30, perSeconds: 60 },
          behaviour: 'slow',
        },
      ],
    },
    {
      id: 'tesserae',
      name: 'Tesserae Analytics',
      weight: 12,
      endpoints: [
        {
          path: 'downgrades',
          name: 'Downgrades only',
          types: ['GRADE_CHANGED'],
          filter: { change: ['negative'] },
          clientSecret: 'tesserae-2024', // short, which Posthorn advises against (C8)
          behaviour: 'flaky',
        },
        { path: 'lake', name: 'Data lake', clientSecret: randomSecret(), behaviour: 'busy' },
      ],
    },
    {
      id: 'rioplatense',
      name: 'Compañía Rioplatense de Importación y Exportación de Maquinaria Agrícola',
      weight: 7,
      endpoints: [
        {
          path: 'polizas-y-limites-de-credito',
          name: 'Pólizas y límites de crédito',
          types: COVERAGE,
          clientSecret: randomSecret(),
          behaviour: 'steady',
        },
      ],
    },
    { id: 'orchard-vale', name: 'Orchard & Vale', weight: 0, endpoints: [] },
  ]
}

function troubledCustomers(): readonly Customer[] {
  return [
    {
      id: 'bergmann',
      name: 'Bergmann Logistik',
      weight: 10,
      endpoints: [
        {
          path: 'dispatch',
          name: 'Dispatch',
          schedule: SHORT_SCHEDULE,
          clientSecret: randomSecret(),
          behaviour: 'deploying',
        },
      ],
    },
    {
      id: 'delacroix',
      name: 'Maison Delacroix',
      weight: 4,
      endpoints: [
        // The default schedule of Posthorn (C12), so that there are deliveries that wait for minutes.
        {
          path: 'risk-desk',
          name: 'Risk desk',
          types: COVERAGE,
          schedule: [30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360],
          clientSecret: randomSecret(),
          behaviour: 'broken',
        },
        {
          path: 'mailbox',
          name: 'Mailbox of the night shift',
          types: ['GRADE_CHANGED', 'COMPANY_SEARCH_UPDATED'],
          schedule: SHORT_SCHEDULE,
          clientSecret: randomSecret(),
          behaviour: 'unreachable',
        },
      ],
    },
    {
      id: 'al-ofuq',
      name: 'الأفق للتجارة',
      weight: 2,
      endpoints: [
        {
          path: 'notices',
          name: 'تنبيهات التغطية',
          schedule: SHORT_SCHEDULE,
          clientSecret: tokenThatExpiresIn(-1, 'al-ofuq'),
          behaviour: 'unauthorised',
        },
      ],
    },
    {
      id: 'pelican',
      name: 'Pelican Reinsurance',
      weight: 4,
      endpoints: [
        { path: 'claims', name: 'Claims', types: COVERAGE, clientSecret: randomSecret(), behaviour: 'steady' },
        { path: 'legacy', name: 'Legacy import', types: COVERAGE, clientSecret: randomSecret(), behaviour: 'retired' },
      ],
    },
    {
      id: 'meridian',
      name: 'Meridian Shipping',
      weight: 3,
      endpoints: [
        {
          path: 'harbour',
          name: 'Harbour office',
          types: ['COVER_STATUS_CHANGED'],
          timeoutMs: 2_000,
          schedule: SHORT_SCHEDULE,
          clientSecret: randomSecret(),
          behaviour: 'hanging',
        },
        {
          path: 'customs',
          name: 'Customs (expired certificate)',
          types: ['COVER_REFERENCE'],
          schedule: SHORT_SCHEDULE,
          clientSecret: randomSecret(),
          behaviour: 'expired',
        },
        {
          path: 'treasury',
          name: 'Treasury (OAuth)',
          types: ['GRADE_CHANGED'],
          schedule: SHORT_SCHEDULE,
          usesTokens: true,
          behaviour: 'withoutTokens',
        },
      ],
    },
    {
      id: 'posthorn',
      name: 'Operations',
      weight: 0,
      endpoints: [
        { path: 'pager', name: 'Pager', types: ['posthorn.*'], clientSecret: randomSecret(), behaviour: 'prompt' },
      ],
    },
  ]
}
