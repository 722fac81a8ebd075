import { formatNumber } from '../../lib/format.ts'
import { common } from './common.ts'

/** A number that is null if there are more than could be counted. */
const atLeast = (n: number | null, most: number, one: string, many: string) =>
  n === null ? `more than ${formatNumber(most)} ${many}` : common.count(n, one, many)

/** Words of the pages about tenants. */
export const tenants = {
  title: 'Tenants',
  search: 'Find a tenant by id or name',
  sort: 'Order',
  sorts: { trouble: 'Trouble', volume: 'Volume', name: 'A–Z' },
  columns: {
    name: 'Tenant',
    id: 'Id',
    failing: 'Failing',
    exhausted: 'Exhausted',
    failed: 'Failed attempts',
    delivered: 'Delivered',
    attempts: 'Attempts',
  },
  failingNow: (n: number) => `${common.endpoints(n)} ${n === 1 ? 'fails' : 'fail'}`,
  moreFailing: 'More than 1,000 endpoints fail',
  nothingSent: 'Nothing sent in this period',
  narrow: (delivered: string, failed: string) => `${delivered} delivered, ${failed} of the attempts failed`,
  pages: { first: 'First', before: 'Previous', after: 'Next' },
  shown: (n: number) => common.tenants(n),
  first: (n: number) => `The first ${formatNumber(n)} in this order. A–Z lists all.`,
  incomplete: 'Not all tenants could be looked at in time: choose a shorter period.',
  searchedTo: 'More may follow: the search went as far as one page can.',
  empty: {
    title: 'No tenants yet',
    text: 'A tenant is one of your customers, with endpoints and events of its own. You choose its id.',
  },
  create: 'Create tenant',
  createTitle: 'Create a tenant',
  id: 'Id',
  idHelp: 'Yours, such as your customer’s number. Letters, digits and . _ ~ @ : -, up to 128. It can’t be changed.',
  idTaken: (id: string) => `There is a tenant “${id}” already.`,
  name: 'Name',
  nameHelp: 'For people. It can be changed at any time.',
  created: (id: string) => `Tenant ${id} is created.`,
  one: {
    created: 'Created',
    rename: 'Rename',
    renameTitle: (id: string) => `Rename ${id}`,
    save: 'Save name',
    renamed: 'The name is saved.',
    export: 'Export',
    exportTitle: (id: string) => `Export ${id}`,
    exportText:
      'Everything that is stored about the tenant, without secrets: endpoints, events with their payloads, deliveries and attempts. One JSON object per line (NDJSON).',
    exportHidden: 'You do not have access to payloads and responses: they are left out.',
    exportAction: (deliveries: number | null) =>
      deliveries === 0 ? 'Export' : `Export ${atLeast(deliveries, 10_000, 'delivery', 'deliveries')}`,
    exporting: (lines: number, size: string) => `${common.count(lines, 'line', 'lines')}, ${size} so far …`,
    exported: (size: string) => `The export is complete: ${size}.`,
    exportCut: 'The export was cut off before its end. Try again.',
    exportCurl: 'Large exports are better taken with curl:',
    erase: 'Erase',
    eraseTitle: (id: string) => `Erase ${id}`,
    eraseText: (endpoints: number | null, deliveries: number | null) =>
      `Its ${atLeast(endpoints, 1_000, 'endpoint', 'endpoints')} and ${atLeast(deliveries, 10_000, 'delivery', 'deliveries')} are removed, with their secrets, payloads, responses and history. Nothing more is sent to its receivers.`,
    erasePending: (pending: number | null) =>
      `${atLeast(pending, 10_000, 'delivery', 'deliveries')} that ${pending === 1 ? 'is' : 'are'} still pending or held will never arrive.`,
    eraseFinal: 'This can’t be undone. Only the audit log still tells that the tenant existed.',
    eraseType: (id: string) => `Type ${id} to erase it`,
    eraseNothing: 'It has no endpoints and no deliveries. Its name, its settings and its events are removed.',
    eraseAction: (deliveries: number | null) =>
      deliveries === 0
        ? 'Erase the tenant'
        : `Erase the tenant and ${atLeast(deliveries, 10_000, 'delivery', 'deliveries')}`,
    counting: 'Counting …',
    erasing: 'This tenant is being erased',
    erasingText: (rows: number) =>
      `${common.count(rows, 'row is', 'rows are')} removed so far. It goes on in the background, also after a restart.`,
    erased: 'This tenant is erased',
    erasedText: (rows: number) =>
      `${rows === 0 ? '' : `${common.count(rows, 'row was', 'rows were')} removed. `}Nothing is left but the audit log.`,
    audit: 'See the audit log',
    all: 'All tenants',
    notFound: 'Tenant not found',
    notFoundText: (id: string) => `No tenant has the id “${id}”. It may have been deleted.`,
  },
} as const
